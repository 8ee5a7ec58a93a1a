//! Properties that hold for all predictions.

use kennel_metrics::{confusion_matrix, holm, mcnemar_p, softmax, wilson_interval};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn an_interval_holds_its_share_and_narrows_with_more_photos(n in 1usize..5000, share in 0.0f64..=1.0) {
        let correct = (share * n as f64) as usize;
        let (low, high) = wilson_interval(correct, n);
        let value = correct as f64 / n as f64;
        prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
        let (mirrored_low, mirrored_high) = wilson_interval(n - correct, n);
        prop_assert!((mirrored_low - (1.0 - high)).abs() < 1e-12 && (mirrored_high - (1.0 - low)).abs() < 1e-12);
        let (narrow_low, narrow_high) = wilson_interval(10 * correct, 10 * n);
        prop_assert!(narrow_high - narrow_low < high - low);
    }

    #[test]
    fn a_paired_test_is_symmetric_and_a_probability(first in 0usize..3000, second in 0usize..3000) {
        let p = mcnemar_p(first, second);
        prop_assert_eq!(p, mcnemar_p(second, first));
        prop_assert!((0.0..=1.0).contains(&p));
        let (fewer, more) = (first.min(second), first.max(second));
        prop_assert!(mcnemar_p(fewer, more + 1) <= p * (1.0 + 1e-12));
    }

    #[test]
    fn a_correction_only_raises_and_keeps_the_order(p_values in vec(0.0f64..=1.0, 0..20)) {
        let corrected = holm(&p_values);
        let smallest = p_values.iter().copied().fold(1.0, f64::min);
        let lowest = corrected.iter().copied().fold(1.0, f64::min);
        prop_assert_eq!(lowest, (p_values.len().max(1) as f64 * smallest).min(1.0));
        for (a, corrected_a) in p_values.iter().zip(&corrected) {
            prop_assert!(a <= corrected_a && *corrected_a <= 1.0);
            for (b, corrected_b) in p_values.iter().zip(&corrected) {
                prop_assert!(a > b || corrected_a <= corrected_b || a == b);
            }
        }
    }

    #[test]
    fn probabilities_sum_to_one_and_keep_the_order(logits in vec(-1e4f32..1e4, 1..50)) {
        let probabilities = softmax(&logits);
        prop_assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        for (a, p) in logits.iter().zip(&probabilities) {
            for (b, q) in logits.iter().zip(&probabilities) {
                prop_assert!(a > b || p <= q);
            }
        }
    }

    #[test]
    fn every_photo_is_counted_once(photos in vec((0usize..7, 0usize..7), 0..200)) {
        let matrix = confusion_matrix(photos.iter().copied(), 7);
        prop_assert_eq!(matrix.iter().flatten().sum::<usize>(), photos.len());
        for (class, row) in matrix.iter().enumerate() {
            prop_assert_eq!(row.iter().sum::<usize>(), photos.iter().filter(|photo| photo.0 == class).count());
        }
    }
}
