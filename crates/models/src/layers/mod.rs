//! The layers that architectures are written in, with PyTorch's parameter names and layouts.

mod batch_norm;
mod conv;
mod conv_norm;
mod drop;
mod linear;
mod squeeze_excite;

pub use batch_norm::BatchNorm2d;
pub use conv::Conv2d;
pub(crate) use conv_norm::{conv_norm, conv_norm_add};
pub(crate) use drop::{DropPath, Dropout};
pub use linear::Linear;
pub(crate) use squeeze_excite::{SqueezeExcite, SqueezeExciteConfig};
