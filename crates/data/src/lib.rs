//! Photos to batches of pixels: folder, manifest, normalised planes.
//!
//! The same code serves training, evaluation and serving: a photo is decoded and resized here and nowhere else. The room
//! knows no tensors; a batch is a plain `Vec<f32>` in `[batch, 3, side, side]` order.

mod error;

pub mod decode;
mod jpeg_end;

pub mod resize;

pub mod fingerprint;

pub mod augment;
mod chance;
pub mod color;
pub mod crop;
mod erase;
pub mod rotate;

pub use image::RgbImage;

pub use augment::augment;
pub use chance::shuffled;
pub use decode::{DecodeError, decode, read_photo};
pub use error::{DataError, Result};
pub use resize::{normalise, prepare_pixels};
