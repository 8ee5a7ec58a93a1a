//! Measures how fast a network runs, or photos are read, on this machine.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use kennel_core::{HeadInit, OptimizerConfig, Settings, Split, Strategy, Weights};
use kennel_data::{Dataset, Loader, LoaderOptions, PhotoCache, Transform, shuffled};
use kennel_metrics::Rate;
use kennel_models::{Network, RegularizationRates, architecture, draw_network, with_trainable};
use serde::Serialize;

use crate::{Compute, CrossEntropy, Optimizer, Result, TrainError, machine, plan, take_gradients};

/// Classes of a benchmarked network.
const CLASSES: usize = 5;

/// What to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BenchMode {
    /// A forward pass in evaluation mode.
    Infer,
    /// A training step with a strategy: forward, backward, Adam.
    Step(Strategy),
}

/// Options of a network benchmark.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// Architecture by timm's name.
    pub model: String,
    /// What to time.
    pub mode: BenchMode,
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

/// Times a network with random weights on photos of noise.
///
/// # Errors
///
/// An unknown architecture, or a batch size or repeat count of 0.
pub fn bench_network(options: &BenchOptions, compute: &Compute) -> Result<NetworkBench> {
    let bounded = |name, found: usize| match found {
        1..=65_536 => Ok(()),
        _ => Err(TrainError::Hyperparameter { name, found: found.to_string(), expected: "1 to 65536" }),
    };
    bounded("batch_size", options.batch_size)?;
    bounded("repeats", options.repeats)?;
    let architecture = architecture(&options.model)?;
    let preprocessing = architecture.default_tag().preprocessing.clone();
    let side = preprocessing.side_px as usize;
    let device = &compute.device;
    let network = Network::new(architecture, CLASSES, RegularizationRates::default(), device);
    let network = draw_network(network, architecture, HeadInit::FanIn, 42);
    let shape = [options.batch_size, 3, side, side];
    let noise: Vec<f32> = (0..shape.iter().product()).map(|i: usize| noise(i)).collect();
    let pixels = Tensor::<4>::from_data(TensorData::new(noise, shape), device);
    let (rate, multiply_adds) = match options.mode {
        BenchMode::Infer => {
            let network = network.valid();
            time(options, || drop(network.infer(pixels.clone()).into_data()))
        }
        BenchMode::Step(strategy) => {
            let settings =
                Settings::published(options.model.clone(), Weights::Random, strategy, preprocessing.clone());
            let trained = plan::trained_parts(&network, &settings)?;
            let mut network = Some(with_trainable(network, &trained));
            let mut optimizer = Optimizer::new(OptimizerConfig::adam());
            let labels: Vec<usize> = (0..options.batch_size).map(|i| i % CLASSES).collect();
            let loss = CrossEntropy::new(0.0, vec![1.0; CLASSES]);
            time(options, || {
                let now = network.take().expect("put back by every pass");
                let gradients = loss.forward(now.forward(pixels.clone()), &labels).backward();
                let gradients = take_gradients(&now, gradients);
                network = Some(optimizer.step(now, gradients, |_| 1e-5));
            })
        }
    };
    let peak_rss_bytes = machine::peak_rss_bytes();
    let work = (multiply_adds > 0).then(|| {
        let gflop_per_image = multiply_adds as f64 * 2.0 / 1e9 / options.batch_size as f64;
        let gflop_per_s = gflop_per_image * rate.images_per_s;
        let peak_gflop_per_s = kennel_kernels::peak_gflop_per_s();
        Work { gflop_per_image, gflop_per_s, peak_gflop_per_s, share_of_peak: gflop_per_s / peak_gflop_per_s }
    });
    Ok(NetworkBench {
        model: options.model.clone(),
        mode: match options.mode {
            BenchMode::Infer => "infer".into(),
            BenchMode::Step(strategy) => strategy.to_string(),
        },
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

/// Times the input of a training epoch, without a network: decoding and the published augmentation.
///
/// # Errors
///
/// A data set or photo that cannot be read, or a data set without training photos.
pub fn bench_data(data_dir: &Path, batch_size: usize) -> Result<DataBench> {
    let data = Dataset::open(data_dir)?;
    let photos = data.photos(Split::Train);
    if photos.is_empty() {
        return Err(TrainError::nothing_to_train_on(data_dir, Split::Train, "bench"));
    }
    let preprocessing = architecture("resnet50")?.default_tag().preprocessing.clone();
    let settings =
        Settings::published("resnet50".into(), Weights::Random, Strategy::Freeze, preprocessing.clone());
    let options = LoaderOptions { cache: PhotoCache::new(8 << 30).into(), ..LoaderOptions::default() };
    let epoch = |view: u64| -> Result<f64> {
        let began = Instant::now();
        let transform = Transform::Train {
            augmentation: settings.augmentation.clone(),
            preprocessing: preprocessing.clone(),
            seed: settings.seed,
            view,
        };
        for batch in Loader::new(photos, shuffled(photos.len(), 42, view), transform, batch_size, &options) {
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
    fn every_mode_is_timed_and_its_work_counted() {
        let bench = |mode| {
            let model = "mobilenetv3_small_100".into();
            bench_network(
                &BenchOptions { model, mode, batch_size: 2, repeats: 3, warmup: 0 },
                &Compute::cpu(),
            )
            .unwrap()
        };
        let modes = Strategy::ALL.map(BenchMode::Step);
        for mode in modes.into_iter().chain([BenchMode::Infer]) {
            let timed = bench(mode);
            assert_eq!(timed.side_px, 224);
            assert!(timed.rate.images_per_s_min > 0.0);
            assert!(timed.rate.images_per_s_min <= timed.rate.images_per_s);
            assert!(timed.rate.images_per_s <= timed.rate.images_per_s_max);
            let gflop = timed.work.expect("counted on the CPU").gflop_per_image;
            println!("{mode:?}: {gflop:.4}");
            // About 55 million multiply-adds in the convolutions (Howard et al. 2019, table 3: 56
            // million in all, with a head of 1000 classes). A full training step has two more
            // products per convolution, the first one only one more.
            let passes = match mode {
                BenchMode::Step(Strategy::Full) => 3.0,
                BenchMode::Infer => 1.0,
                BenchMode::Step(_) => continue,
            };
            assert!((gflop / 2.0 / passes - 0.055).abs() < 0.003, "{mode:?}: {gflop}");
        }
    }

    #[test]
    fn nothing_is_timed_without_photos() {
        let options = BenchOptions {
            model: "resnet18".into(),
            mode: BenchMode::Infer,
            batch_size: 0,
            repeats: 1,
            warmup: 0,
        };
        assert!(
            bench_network(&options, &Compute::cpu()).unwrap_err().to_string().contains("batch_size is 0")
        );
    }
}
