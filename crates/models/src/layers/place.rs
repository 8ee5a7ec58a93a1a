//! A place in one of timm's sequences that holds no weights here.

use burn::module::Module;

/// An activation or a pooling in an `nn.Sequential`, where only its index matters: what follows keeps timm's names.
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
