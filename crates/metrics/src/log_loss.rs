//! Cross-entropy of the true class, from logits.

/// Computes the logarithm of the softmax of `logits`, in f64. Stable: subtracts the largest logit
/// first.
///
/// Logits must be finite.
pub fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shifted: Vec<f64> = logits.iter().map(|&logit| f64::from(logit) - f64::from(max)).collect();
    let log_sum = shifted.iter().map(|logit| logit.exp()).sum::<f64>().ln();
    shifted.into_iter().map(|logit| logit - log_sum).collect()
}

/// Computes `-ln p(true class)` of one photo, in nats.
///
/// # Panics
///
/// When `true_class` has no logit.
pub fn photo_log_loss(logits: &[f32], true_class: usize) -> f64 {
    // Subtract instead of negating: a photo predicted with certainty costs 0.0, not -0.0.
    0.0 - log_softmax(logits)[true_class]
}

/// Computes the mean of [`photo_log_loss`] over `(logits, true class)`, in nats per image. NaN
/// without photos.
///
/// Differs: `sklearn.metrics.log_loss` (1.9) takes probabilities and clips them at 2.2e-16, so that
/// no photo costs more than 36 nats. With logits no clipping is needed, and a confident mistake
/// costs its full loss, as in `torch.nn.CrossEntropyLoss`.
///
/// # Panics
///
/// When a true class has no logit.
pub fn mean_log_loss<'a>(photos: impl IntoIterator<Item = (&'a [f32], usize)>) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for (logits, true_class) in photos {
        sum += photo_log_loss(logits, true_class);
        n += 1.0;
    }
    sum / n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undecided_network_loses_the_logarithm_of_the_number_of_classes() {
        for classes in [1_usize, 2, 5, 120, 1000] {
            let logits = vec![3.5; classes];
            assert!((photo_log_loss(&logits, classes - 1) - (classes as f64).ln()).abs() < 1e-12);
        }
    }

    #[test]
    fn a_confident_mistake_costs_its_whole_margin() {
        for (logits, true_class, nats) in [
            ([1000.0, 0.0], 1, 1000.0),
            ([1000.0, 0.0], 0, 0.0),
            ([f32::MAX, f32::MIN], 1, 2.0 * f64::from(f32::MAX)),
        ] {
            assert_eq!(photo_log_loss(&logits, true_class), nats);
        }
    }

    #[test]
    fn the_mean_over_no_photo_is_not_a_number() {
        assert!(mean_log_loss([]).is_nan());
    }
}
