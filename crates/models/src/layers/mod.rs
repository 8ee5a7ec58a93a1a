//! The layers of the architectures, with PyTorch's parameter names and layouts.

mod affine;
mod batch_norm;
mod conv;
mod drop;
mod layer_norm;
mod linear;
mod numbered;
mod ops;
mod place;
mod position;
mod response_norm;
mod squeeze_excite;

pub use affine::Affine;
pub use batch_norm::BatchNorm2d;
pub use conv::Conv2d;
pub use drop::{DropPath, Dropout};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub(crate) use numbered::{NUMBERED, Numbered};
pub(crate) use ops::Eager;
pub use ops::Ops;
pub(crate) use place::Place;
pub use position::Position;
pub use response_norm::GlobalResponseNorm;
pub(crate) use squeeze_excite::{SeModule, SqueezeExcite, SqueezeExciteConfig};
