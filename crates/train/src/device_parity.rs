//! Compares a training step on a device with the same step on the CPU.
//!
//! A GPU library that picks its kernels by timing them can pick a wrong one, and what fails on a
//! thread of its own may only be logged. The loss and the gradients of two batches tell: the CPU's
//! kernels are proved against PyTorch.

use burn::tensor::{Device, Tensor};
use kennel_core::{PanicWatch, Settings, Strategy, Weights};
use kennel_infer::{BENCH_CLASSES, BenchOptions, Compute, drawn};
use kennel_models::{Network, architecture, with_trainable};
use serde::Serialize;

use crate::{CrossEntropy, Result, TrainError, plan, take_gradients};

/// Batches that are compared: a kernel that is picked in the first is taken from a table in the
/// second.
const BATCHES: usize = 2;

/// Loss and gradients of the same batches on a device and on the CPU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepParity {
    /// Architecture.
    pub model: String,
    /// The device.
    pub device: String,
    /// Photos per batch.
    pub batch_size: usize,
    /// Loss of each batch on the CPU, then on the device.
    pub losses: Vec<[f32; 2]>,
    /// Gradients of the last batch, largest difference first.
    pub gradients: Vec<GradientDifference>,
    /// What panics on the device's threads said.
    pub panics: Vec<String>,
}

/// How far the gradient of one tensor is from the CPU's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientDifference {
    /// The tensor.
    pub name: String,
    /// Euclidean norm of the CPU's gradient.
    pub norm: f64,
    /// Euclidean norm of the difference, as a share of `norm`. For a tensor with hardly any
    /// gradient, such as a bias in front of a BatchNorm, a share of [`StepParity::FLOOR`] times the
    /// norm of all gradients.
    pub difference: f64,
}

impl StepParity {
    /// Largest difference of the loss, as a share of it.
    pub const LOSS_BOUND: f64 = 1e-3;
    /// Largest [`GradientDifference::difference`].
    pub const GRADIENT_BOUND: f64 = 1e-2;
    /// Below this share of the norm of all gradients, a gradient is not told from rounding.
    pub const FLOOR: f64 = 1e-3;

    /// Largest difference of a loss, as a share of the CPU's. Not a number if either is none.
    pub fn loss_difference(&self) -> f64 {
        let differences = self.losses.iter().map(|[cpu, device]| {
            let (cpu, device) = (f64::from(*cpu), f64::from(*device));
            (device - cpu).abs() / cpu.abs()
        });
        differences.fold(0.0, largest)
    }

    /// Largest difference of a gradient. Not a number if a gradient holds none.
    pub fn gradient_difference(&self) -> f64 {
        self.gradients.iter().map(|gradient| gradient.difference).fold(0.0, largest)
    }

    /// Whether both differences are within their bounds.
    pub fn holds(&self) -> bool {
        self.loss_difference() <= Self::LOSS_BOUND
            && self.gradient_difference() <= Self::GRADIENT_BOUND
    }

    /// # Errors
    ///
    /// [`TrainError::DeviceDiffers`] unless it holds.
    pub fn check(&self) -> Result<()> {
        match self.holds() {
            true => Ok(()),
            false => Err(TrainError::DeviceDiffers {
                device: self.device.clone(),
                loss: self.loss_difference(),
                gradient: self.gradient_difference(),
                name: self.gradients.first().map_or_else(String::new, |worst| worst.name.clone()),
            }),
        }
    }
}

/// Compares training steps of a network with random weights on photos of noise.
///
/// # Errors
///
/// As [`bench_step`](crate::bench_step).
pub fn compare_step(
    strategy: Strategy,
    options: &BenchOptions,
    compute: &Compute,
) -> Result<StepParity> {
    let preprocessing = architecture(&options.model)?.default_tag().preprocessing.clone();
    let model = options.model.clone();
    let settings = Settings::published(model, Weights::Random, strategy, preprocessing);
    let step = |device: &Device| -> Result<_> {
        let (network, pixels) = drawn(options, device)?;
        let trained = plan::trained_parts(&network, &settings)?;
        Ok((with_trainable(network, &trained), pixels))
    };
    let labels: Vec<usize> = (0..options.batch_size).map(|i| i % BENCH_CLASSES).collect();
    let (cpu, cpu_pixels) = step(Compute::cpu().device())?;
    let (network, pixels) = step(compute.device())?;
    let watch = PanicWatch::begin();
    let mut losses = Vec::new();
    let mut gradients = Vec::new();
    for batch in 0..BATCHES {
        // Each photo is shifted by another row, so that the batches differ.
        let moved = |pixels: &Tensor<4>| pixels.clone().roll_dim(batch as i64, 2);
        let (cpu_loss, expected) = pass(&cpu, moved(&cpu_pixels), &labels);
        let (loss, found) = pass(&network, moved(&pixels), &labels);
        losses.push([cpu_loss, loss]);
        gradients = differences(expected, found);
    }
    Ok(StepParity {
        model: options.model.clone(),
        device: compute.name.clone(),
        batch_size: options.batch_size,
        losses,
        gradients,
        panics: watch.seen(),
    })
}

/// Loss of a batch, and the gradient of every trained tensor by name.
fn pass(network: &Network, pixels: Tensor<4>, labels: &[usize]) -> (f32, Vec<(String, Vec<f32>)>) {
    let loss =
        CrossEntropy::new(0.0, vec![1.0; BENCH_CLASSES]).forward(network.forward(pixels), labels);
    let value = loss.clone().into_scalar::<f32>();
    let gradients = take_gradients(network, loss.backward())
        .into_iter()
        .map(|(name, gradient)| {
            let values = gradient.into_data().try_into_vec::<f32>().expect("networks are f32");
            (name, values)
        })
        .collect();
    (value, gradients)
}

/// Compares gradients tensor by tensor, largest difference first.
fn differences(
    expected: Vec<(String, Vec<f32>)>,
    found: Vec<(String, Vec<f32>)>,
) -> Vec<GradientDifference> {
    let norm = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    };
    let all = norm(&mut expected.iter().flat_map(|(_, values)| values.iter().copied()));
    let mut differences: Vec<GradientDifference> = expected
        .into_iter()
        .zip(found)
        .map(|((name, expected), (_, found))| {
            let norms = norm(&mut expected.iter().copied());
            let apart = norm(&mut expected.iter().zip(&found).map(|(a, b)| a - b));
            let difference = apart / norms.max(StepParity::FLOOR * all);
            GradientDifference { name, norm: norms, difference }
        })
        .collect();
    // What is no number is the largest of all.
    let rank = |gradient: &GradientDifference| match gradient.difference.is_nan() {
        true => f64::INFINITY,
        false => gradient.difference,
    };
    differences.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    differences
}

/// The larger of two; not a number if either is none.
fn largest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_gradient_is_named() {
        let named = |values: [f32; 2]| vec![("conv1.weight".to_string(), values.to_vec())];
        let other = || ("fc.weight".to_string(), vec![1.0]);
        let with = |values| {
            let mut all = named(values);
            all.push(other());
            all
        };
        let parity = |found| StepParity {
            model: "resnet18".into(),
            device: "cuda:0".into(),
            batch_size: 2,
            losses: vec![[1.0, 1.0]],
            gradients: differences(with([3.0, 4.0]), with(found)),
            panics: Vec::new(),
        };
        assert!(parity([3.0, 4.001]).check().is_ok());
        // A weight gradient that was never written.
        for wrong in [[0.0, 0.0], [3.0, f32::NAN], [3.0, 4.1]] {
            let error = parity(wrong).check().unwrap_err().to_string();
            assert!(error.contains("cuda:0") && error.contains("conv1.weight"), "{error}");
        }
        let wrong_loss = StepParity { losses: vec![[1.0, 1.0], [1.0, 1.01]], ..parity([3.0, 4.0]) };
        assert!(!wrong_loss.holds());
    }
}
