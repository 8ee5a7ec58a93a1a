//! Fine-tunes image classifiers on a folder of photos, and labels photos with them.
//!
//! ```no_run
//! use kennel::{Model, Strategy, Training, prepare};
//!
//! fn main() -> kennel::Result<()> {
//!     // One folder per class: photos/beagle/1.jpg. Checked, and split into train, val and test.
//!     let data = prepare("photos", "data/processed")?;
//!     let run = Training::new("mobilenetv2_100", &data)
//!         .strategy(Strategy::Freeze)
//!         .weights("weights/mobilenetv2_100.ra_in1k")
//!         .train()?;
//!     if let Some(accuracy) = run.test() {
//!         println!("test {accuracy}");
//!     }
//!     run.export("dogs.onnx")?;
//!
//!     let label = Model::open("dogs.onnx")?.label("new.jpg")?;
//!     println!("{} {:.3}", label.name, label.probability);
//!     Ok(())
//! }
//! ```
//!
//! - **Photos.** [`prepare`] writes a [`DataSet`]; [`Preparation`] has its options. Your own files
//!   are only read.
//! - **Training.** [`Training`] trains a network: by default it tries what works best, else it
//!   follows the published recipe of its [`Strategy`]. [`models`] lists the networks. The
//!   [`Run`] that it returns is a directory of plain files; the `kennel` program reads and writes
//!   the same ones.
//! - **Labels.** [`Model::open`] takes a run's directory or an ONNX file. [`Model::explain`] shows
//!   where in a photo the evidence for its label lies.
//! - **Errors.** An [`Error`] says what is wrong, where, and what was found. [`Error::hints`] has
//!   what may help, as data.
//!
//! The library downloads nothing and prints nothing. Pretrained weights are read from a folder with
//! timm's `model.safetensors` and `config.json`, or from the Hugging Face cache. A training writes
//! under `runs/` and caches features under `.kennel/cache/features`, both in the current folder,
//! unless [`Training::runs`] and [`Training::cache`] name others.
//!
//! Networks run on the CPU. The cargo features `cuda`, `rocm`, `metal`, `vulkan` and `webgpu` add
//! GPUs.

mod accuracy;
mod error;

mod data_set;

mod device;
mod model;

mod run;
mod training;

pub use accuracy::Accuracy;
pub use data_set::{DataSet, Preparation, prepare};
pub use error::{Error, Result};
pub use model::{Explanation, Label, Labelled, Model};
pub use run::Run;
pub use training::{Event, Training, models};

pub use kennel_explain::HeatMap;

pub use kennel_core::{EpochRecord, RejectedPhoto, SplitCounts};
pub use settings::{PartialSettings, Strategy, Weights};

/// What decides the result of a training, as plain data. [`Training::config`] reads it from a file.
pub mod settings {
    pub use kennel_core::{
        AugmentationPolicy, AugmentationSet, ChooseBy, ClassWeights, Crop, CropMode, HeadFit,
        HeadInit, Interpolation, Method, OptimizerConfig, PartialAugmentation, PartialCrop,
        PartialOptimizer, PartialPreprocessing, PartialScheduler, PartialSettings, SchedulerKind,
        Strategy, Weights,
    };
}

/// What may help after an error, as data for the program that words it.
pub mod hint {
    pub use kennel_core::hint::{Access, Hint, Missing, Note, Output, Stale};
}

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
