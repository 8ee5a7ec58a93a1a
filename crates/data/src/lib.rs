//! Photos to batches of pixels: folder, manifest, normalised planes.
//!
//! The same code serves training, evaluation and serving: a photo is decoded and resized here and
//! nowhere else. This crate knows no tensors; a batch is a plain `Vec<f32>` in
//! `[batch, 3, side, side]` order.

mod error;

// A file's bytes to its pixels.
pub mod decode;

// A source to its photos.
mod added;
mod archive;
mod division;
mod endings;
mod foreign_letter;
mod layout;
mod listed;
mod litter;
mod preset;
mod reading;
mod rejected;
mod scan;
mod walk;

// What the user says about photos: their groups and labels.
mod group_by;
mod relabel;
mod table;
mod tables;

// Photos to a manifest.
mod assemble;
pub mod duplicates;
pub mod fingerprint;
pub mod likeness;
mod neighbours;
mod registration;
pub mod split;
mod structure;
mod thumbnail;
mod union;

// A manifest to a folder that can be trained on.
mod dataset;
mod folds;
mod options;
mod prepare;
mod redivide;
mod staging;
mod unlisted;

// Pixels to the network's input.
mod affine;
pub mod augment;
mod chance;
pub mod color;
pub mod crop;
mod erase;
pub mod policy;
mod resample;
pub mod resize;
pub mod rotate;
mod window;

// Inputs to batches.
mod cache;
mod loader;

// New photos, to be labelled, and sorted by their labels.
mod in_parallel;
mod named;
mod photo_source;
pub mod sort;

pub use image::RgbImage;

pub use added::{added_name, refused_class_name};
pub use augment::augment;
pub use cache::PhotoCache;
pub use chance::{Chance, shuffled};
pub use dataset::{Dataset, DatasetPhoto, Open};
pub use decode::{
    DecodeError, Decoded, Note, Notes, Taken, decode, read_photo, set_memory_budget, taken,
};
pub use error::{DataError, LayoutReading, LeftOut, Result};
pub use folds::{folds, folds_of, group_numbers};
pub use group_by::GroupBy;
pub use in_parallel::in_parallel;
pub use loader::{Batch, Loader, LoaderOptions, Transform};
pub use named::{Named, NoPhoto, is_tar_name};
pub use options::PrepareOptions;
pub use photo_source::{Member, PhotoSource};
pub use prepare::{Outcome, Prepared, prepare};
pub use preset::Preset;
pub use resize::{denormalise, normalise, prepare_pixels};
pub use scan::{Scan, ScanOptions, ScannedPhoto, scan};
pub use split::Fractions;
pub use window::Window;
