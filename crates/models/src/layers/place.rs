//! A placeholder for an entry of timm's sequences that has no weights.

use burn::module::Module;

/// An activation or pooling in an `nn.Sequential`. It only takes up an index, so that the following
/// layers keep timm's names.
#[derive(Module, Debug)]
pub struct Place {
    #[module(skip)]
    nothing: (),
}

impl Place {
    pub fn new() -> Self {
        Self { nothing: () }
    }
}
