//! A training step is compared with itself.

use kennel_core::Strategy;
use kennel_infer::{BenchOptions, Compute};
use kennel_train::compare_step;

#[test]
fn the_cpu_computes_what_the_cpu_does() {
    let model = "mobilenetv3_small_100".into();
    let options = BenchOptions { model, side_px: None, batch_size: 2, repeats: 1, warmup: 0 };
    let parity = compare_step(Strategy::Full, &options, &Compute::cpu()).unwrap();
    assert_eq!(parity.losses.len(), 2);
    assert_ne!(parity.losses[0], parity.losses[1]);
    assert_eq!((parity.loss_difference(), parity.gradient_difference()), (0.0, 0.0));
    assert!(parity.gradients.len() > 100 && parity.check().is_ok());
}
