//! A graph in 8-bit integers: a quarter of the size, where all of it is.
//!
//! Static quantisation in the QDQ form, which every runtime can at least compute in floats: weights of a layer are int8, symmetric,
//! with a scale for each output; what passes between quantised layers is int8 with a scale and a zero for the tensor,
//! found on photos ([`calibrate`]). Biases are int32. int8 rather than uint8 for what passes, because processors
//! without VNNI saturate products of uint8 and int8.
//!
//! Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
//! inference", section 2; the form is that of ONNX Runtime's `quantize_static` (`QDQ`, per channel).

mod calibrate;
mod layers;
mod rewrite;
mod sensitivity;

pub use calibrate::{Range, Ranges, calibrate};
pub use layers::{Layer, quantisable_layers, tensors_of};
pub use rewrite::quantise;
pub use sensitivity::{Sensitivity, sensitivity};
