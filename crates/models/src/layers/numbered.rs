//! A sequence whose elements timm names by a letter and a number from 1.

use burn::module::Module;

/// Blocks that a RegNet calls `b1`, `b2` and so on. [`NamePath`](crate::NamePath) joins the field's
/// name and the number.
#[derive(Module, Debug)]
pub struct Numbered<M: Module> {
    b: Vec<M>,
}

/// What Burn calls it when a visitor enters its field.
pub const NUMBERED: &str = "Struct:Numbered";

impl<M: Module> Numbered<M> {
    pub fn new(blocks: Vec<M>) -> Self {
        Self { b: blocks }
    }

    pub fn iter(&self) -> impl Iterator<Item = &M> {
        self.b.iter()
    }
}
