//! Functions on tokens: fully connected layers, attention and normalisation.

mod autodiff;
mod kernels;

mod attention;
mod layer_norm;
mod linear;
mod response_norm;

pub use self::kernels::{LayerScale, TokenKernels};
