//! Measures how fast a network runs, or photos are read, on this machine.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{HeadInit, Settings, Split, Strategy, Weights};
use kennel_data::{Dataset, Loader, LoaderOptions, PhotoCache, Transform, shuffled};
use kennel_metrics::Rate;
use kennel_models::{Network, RegularizationRates, architecture, draw_network};
use serde::Serialize;

use crate::{Compute, InferError, Result, machine};

/// Classes of a benchmarked network.
pub const CLASSES: usize = 5;

/// Options of a network benchmark.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// Architecture by timm's name.
    pub model: String,
    /// Side of a photo in pixels; None: that of the default weights.
    pub side_px: Option<u32>,
    /// Photos per pass.
    pub batch_size: usize,
    /// Timed passes.
    pub repeats: usize,
    /// Untimed passes before the timed ones.
    pub warmup: usize,
}

/// Results of a network benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkBench {
    /// Architecture.
    pub model: String,
    /// `infer`, `freeze`, `partial` or `full`.
    pub mode: String,
    /// Photos per pass.
    pub batch_size: usize,
    /// Side of a photo in pixels.
    pub side_px: usize,
    /// Timed passes.
    pub repeats: usize,
    /// Device that it ran on.
    pub device: String,
    /// Processor and operating system.
    pub machine: String,
    /// Number of compute threads.
    pub threads: usize,
    /// Photos per second.
    #[serde(flatten)]
    pub rate: Rate,
    /// Arithmetic per photo and per second; on the CPU only, whose kernels count it.
    #[serde(flatten)]
    pub work: Option<Work>,
    /// Peak resident memory of the process.
    pub peak_rss_bytes: u64,
}

/// Amount of arithmetic, against the machine's peak.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Work {
    /// Multiplications and additions in the convolutions for one photo, in 1e9.
    pub gflop_per_image: f64,
    /// The same per second, at the median rate.
    pub gflop_per_s: f64,
    /// Speed of a product of large matrices on all threads of this machine, measured now.
    pub peak_gflop_per_s: f64,
    /// `gflop_per_s / peak_gflop_per_s`. A convolution that is computed with fewer operations than
    /// its definition counts as its definition.
    pub share_of_peak: f64,
}

/// Results of an input benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataBench {
    /// Number of training photos.
    pub photos: usize,
    /// Processor and operating system.
    pub machine: String,
    /// Photos per second read from their files, decoded, augmented and normalised.
    pub images_per_s: f64,
    /// The same with decoded photos in memory, as in an epoch after the first.
    pub decoded_images_per_s: f64,
    /// Peak resident memory of the process.
    pub peak_rss_bytes: u64,
}

/// Times a forward pass in evaluation mode.
///
/// # Errors
///
/// An unknown architecture, or a batch size or repeat count of 0.
pub fn bench_infer(options: &BenchOptions, compute: &Compute) -> Result<NetworkBench> {
    bench_network("infer", options, compute, |network, pixels| {
        let network = network.valid();
        Ok(move || drop(network.infer(pixels.clone()).into_data()))
    })
}

/// Times a network with random weights on photos of noise. `prepare` turns both into the pass that
/// is timed; `mode` names it.
///
/// # Shapes
///
/// The network has [`CLASSES`] classes, the photos are `[batch_size, 3, side, side]`.
///
/// # Errors
///
/// An unknown architecture, a side that it does not take, or a batch size or repeat count of 0; a
/// device that fails; those of `prepare`.
pub fn bench_network<Pass: FnMut(), E: From<InferError>>(
    mode: &str,
    options: &BenchOptions,
    compute: &Compute,
    prepare: impl FnOnce(Network, Tensor<4>) -> Result<Pass, E>,
) -> Result<NetworkBench, E> {
    let device = compute.device();
    let (network, pixels) = drawn(options, device)?;
    let side = pixels.dims()[3];
    let mut pass = prepare(network, pixels)?;
    let mut failure = None;
    let finished = || {
        pass();
        // A GPU computes after the call has returned.
        failure = device.sync().err().or(failure.take());
    };
    let (rate, multiply_adds) = time(options, finished);
    if let Some(failure) = failure {
        let (name, reason) = (compute.name.clone(), failure.to_string());
        return Err(InferError::Device { name, reason, hint: None }.into());
    }
    let peak_rss_bytes = machine::peak_rss_bytes();
    let work = (multiply_adds > 0).then(|| {
        let gflop_per_image = multiply_adds as f64 * 2.0 / 1e9 / options.batch_size as f64;
        let gflop_per_s = gflop_per_image * rate.images_per_s;
        let peak_gflop_per_s = kennel_kernels::peak_gflop_per_s();
        Work {
            gflop_per_image,
            gflop_per_s,
            peak_gflop_per_s,
            share_of_peak: gflop_per_s / peak_gflop_per_s,
        }
    });
    Ok(NetworkBench {
        model: options.model.clone(),
        mode: mode.into(),
        batch_size: options.batch_size,
        side_px: side,
        repeats: options.repeats,
        device: compute.name.clone(),
        machine: machine::machine(),
        threads: kennel_kernels::threads(),
        rate,
        work,
        peak_rss_bytes,
    })
}

/// Returns a network with random weights, and photos of noise.
///
/// # Shapes
///
/// The network has [`CLASSES`] classes, the photos are `[batch_size, 3, side, side]`.
///
/// # Errors
///
/// An unknown architecture, a side that it does not take, or a batch size or repeat count of 0.
pub fn drawn(options: &BenchOptions, device: &Device) -> Result<(Network, Tensor<4>)> {
    let bounded = |name, found: usize| match found {
        1..=65_536 => Ok(()),
        _ => {
            Err(InferError::OutOfBounds { name, found: found.to_string(), expected: "1 to 65536" })
        }
    };
    bounded("batch_size", options.batch_size)?;
    bounded("repeats", options.repeats)?;
    let architecture = architecture(&options.model)?;
    let side_px = options.side_px.unwrap_or(architecture.default_tag().preprocessing.side_px);
    architecture.check_side(side_px)?;
    let side = side_px as usize;
    let network = Network::new(architecture, CLASSES, RegularizationRates::default(), device);
    let network = draw_network(network, HeadInit::FanIn, 42);
    let shape = [options.batch_size, 3, side, side];
    let noise: Vec<f32> = (0..shape.iter().product()).map(|i: usize| noise(i)).collect();
    let pixels = Tensor::<4>::from_data(TensorData::new(noise, shape), device);
    Ok((network, pixels))
}

/// Times the input of a training epoch, without a network: decoding and the published augmentation.
///
/// # Errors
///
/// A data set or photo that cannot be read, or a data set without training photos.
pub fn bench_data(data_dir: &Path, batch_size: usize) -> Result<DataBench> {
    let data = Dataset::open(data_dir)?;
    let photos = data.photos(Split::Train);
    if photos.is_empty() {
        return Err(InferError::nothing_to_train_on(data_dir, Split::Train, "bench"));
    }
    let preprocessing = architecture("resnet50")?.default_tag().preprocessing.clone();
    let settings = Settings::published(
        "resnet50".into(),
        Weights::Random,
        Strategy::Freeze,
        preprocessing.clone(),
    );
    let options =
        LoaderOptions { cache: PhotoCache::new(8 << 30).into(), ..LoaderOptions::default() };
    let epoch = |view: u64| -> Result<f64> {
        let began = Instant::now();
        let transform = Transform::Train {
            augmentation: settings.augmentation.clone(),
            preprocessing: preprocessing.clone(),
            seed: settings.seed,
            view,
        };
        for batch in
            Loader::new(photos, shuffled(photos.len(), 42, view), transform, batch_size, &options)
        {
            batch?;
        }
        Ok(photos.len() as f64 / began.elapsed().as_secs_f64())
    };
    Ok(DataBench {
        photos: photos.len(),
        machine: machine::machine(),
        images_per_s: epoch(0)?,
        decoded_images_per_s: epoch(1)?,
        peak_rss_bytes: machine::peak_rss_bytes(),
    })
}

/// Times passes. Returns their rates and the multiply-adds of one pass.
fn time(options: &BenchOptions, mut pass: impl FnMut()) -> (Rate, u64) {
    for _ in 0..options.warmup {
        pass();
    }
    let before = kennel_kernels::multiply_adds();
    let rates: Vec<f64> = (0..options.repeats)
        .map(|_| {
            let began = Instant::now();
            pass();
            options.batch_size as f64 / began.elapsed().as_secs_f64()
        })
        .collect();
    let work = (kennel_kernels::multiply_adds() - before) / options.repeats as u64;
    (Rate::of(rates), work)
}

/// Reproducible values in [-2, 2).
fn noise(i: usize) -> f32 {
    let hashed = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    hashed as f32 / (1 << 22) as f32 - 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inference_is_timed_and_its_work_counted() {
        let model = "mobilenetv3_small_100".into();
        let options = BenchOptions { model, side_px: None, batch_size: 2, repeats: 3, warmup: 0 };
        let timed = bench_infer(&options, &Compute::cpu()).unwrap();
        assert_eq!(timed.side_px, 224);
        assert!(timed.rate.images_per_s_min > 0.0);
        assert!(timed.rate.images_per_s_min <= timed.rate.images_per_s);
        assert!(timed.rate.images_per_s <= timed.rate.images_per_s_max);
        let gflop = timed.work.expect("counted on the CPU").gflop_per_image;
        // About 55 million multiply-adds in the convolutions (Howard et al. 2019, table 3: 56
        // million in all, with a head of 1000 classes).
        assert!((gflop / 2.0 - 0.055).abs() < 0.003, "{gflop}");
    }

    #[test]
    fn nothing_is_timed_without_photos() {
        let options = BenchOptions {
            model: "resnet18".into(),
            side_px: None,
            batch_size: 0,
            repeats: 1,
            warmup: 0,
        };
        let error = bench_infer(&options, &Compute::cpu()).unwrap_err().to_string();
        assert!(error.contains("batch_size is 0"), "{error}");
    }
}
