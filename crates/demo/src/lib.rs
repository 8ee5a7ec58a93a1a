//! Drawn photos of invented dogs, and two small networks that were pretrained on others: enough to
//! run the whole pipeline without a download.
//!
//! Nothing here is trained or evaluated. This crate writes files, the same bytes on every machine,
//! and the pipeline treats them like any others.

// How a photo is drawn, from the ground up.
mod breed;
mod camera;
mod canvas;
mod chance;
mod dog;
mod geometry;
mod photo;
mod scene;

// What the crate writes.
mod backbones;
mod photos;

pub use backbones::{BACKBONES, Backbone};
pub use breed::{Breed, demo_breeds, pretraining_breeds};
pub use photos::write_photos;
