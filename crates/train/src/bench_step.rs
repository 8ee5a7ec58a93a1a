//! Measures how fast a network trains on this machine.

use kennel_core::{OptimizerConfig, Settings, Strategy, Weights};
use kennel_infer::{BENCH_CLASSES, BenchOptions, Compute, NetworkBench, bench_network};
use kennel_models::{architecture, with_trainable};

use crate::{CrossEntropy, Optimizer, Result, plan, take_gradients};

/// Times a training step with a strategy: forward, backward, Adam.
///
/// # Errors
///
/// An unknown architecture, or a batch size or repeat count of 0.
pub fn bench_step(
    strategy: Strategy,
    options: &BenchOptions,
    compute: &Compute,
) -> Result<NetworkBench> {
    bench_network(strategy.as_str(), options, compute, |network, pixels| {
        let preprocessing = architecture(&options.model)?.default_tag().preprocessing.clone();
        let settings =
            Settings::published(options.model.clone(), Weights::Random, strategy, preprocessing);
        let trained = plan::trained_parts(&network, &settings)?;
        let mut network = Some(with_trainable(network, &trained));
        let mut optimizer = Optimizer::new(OptimizerConfig::adam());
        let labels: Vec<usize> = (0..options.batch_size).map(|i| i % BENCH_CLASSES).collect();
        let loss = CrossEntropy::new(0.0, vec![1.0; BENCH_CLASSES]);
        Ok(move || {
            let now = network.take().expect("put back by every pass");
            let gradients = loss.forward(now.forward(pixels.clone()), &labels).backward();
            let gradients = take_gradients(&now, gradients);
            network = Some(optimizer.step(now, gradients, |_| 1e-5));
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_every_strategy_is_timed_and_its_work_counted() {
        for strategy in Strategy::PUBLISHED {
            let model = "mobilenetv3_small_100".into();
            let options =
                BenchOptions { model, side_px: None, batch_size: 2, repeats: 3, warmup: 0 };
            let timed = bench_step(strategy, &options, &Compute::cpu()).unwrap();
            assert!(timed.rate.images_per_s_min > 0.0);
            assert!(timed.rate.images_per_s_min <= timed.rate.images_per_s);
            assert!(timed.rate.images_per_s <= timed.rate.images_per_s_max);
            let gflop = timed.work.expect("counted on the CPU").gflop_per_image;
            // A full step has two more products per convolution than a forward pass, the first
            // convolution only one more.
            if strategy == Strategy::Full {
                assert!((gflop / 2.0 / 3.0 - 0.055).abs() < 0.003, "{gflop}");
            }
        }
    }
}
