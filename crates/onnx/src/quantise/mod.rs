//! Quantises a graph to 8-bit integers: a quarter of the size if every layer is quantised.
//!
//! Static quantisation in the QDQ form, which every runtime can at least compute in floats:
//!
//! - Weights are int8, symmetric, with one scale per output channel, so coarse that no processor
//!   saturates the sum of two products (`NEIGHBOUR_LEVELS` in `rewrite.rs`).
//! - Activations between quantised layers are int8, with a scale and a zero point per tensor, which
//!   [`calibrate`] finds on photos.
//! - Biases are int32.
//!
//! Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient
//! integer-arithmetic-only inference", section 2. The form is that of ONNX Runtime's
//! `quantize_static` (`QDQ`, per channel).

mod calibrate;
mod layers;
mod rewrite;
mod sensitivity;

pub use calibrate::{Range, Ranges, calibrate};
pub use layers::{Layer, quantisable_layers, tensors_of};
pub use rewrite::quantise;
pub use sensitivity::{Probe, Sensitivity, sensitivity};
