//! The fast path: a backend extension for Flex, Burn's CPU backend, with its own backward passes.
//!
//! All tensors are channels last in memory ([`nhwc`]) and stay so from one function to the next.
//! Memory is reused ([`buffer`]). No result depends on the number of threads: work is divided by
//! shape alone, and partial sums are added in a fixed order.

mod autodiff;
mod device;
mod kernels;
mod tape;

mod adam;
mod batch_norm;
mod conv;
mod elementwise;
mod fold;
mod lerp;
mod owned;
mod pooling;
mod recompute;
mod register;
mod saved_input;
mod tokens;

mod buffer;
mod channels;
mod gemm;
mod lanes;
mod machine;
mod meter;
mod micro;
mod nhwc;
mod normalised;
mod pointwise;
mod simd;
mod vector;
mod weights;

pub use self::batch_norm::NormConstants;
pub use self::conv::is_supported as conv_is_supported;
pub use self::device::{is_plain, takes};
pub use self::fold::{FoldCache, Shortcut};
pub use self::kernels::{Kernels, PlainKernels};
pub use self::machine::{instruction_set, peak_gflop_per_s, threads};
pub use self::meter::multiply_adds;
pub use self::pointwise::has_slope_from_value;
pub use self::tokens::{LayerScale, TokenKernels};
