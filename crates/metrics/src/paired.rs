//! Compares two classifiers on the same photos.

/// The 97.5 % and 80 % quantiles of the normal distribution: a two-sided test at 5 % with a power
/// of 80 %.
const Z_TEST: f64 = 1.959_963_984_540_054;
const Z_POWER: f64 = 0.841_621_233_572_914_3;

/// Computes the two-sided p value of the exact McNemar test: the probability that a fair coin
/// splits the photos on which two classifiers differ at least as unevenly. Only the first
/// classifier is correct on `only_first` photos, only the second on `only_second`. 1 when they
/// never differ.
///
/// Source: McNemar 1947, exact as the binomial test of
/// `statsmodels.stats.contingency_tables.mcnemar(exact=True)`.
pub fn mcnemar_p(only_first: usize, only_second: usize) -> f64 {
    let n = only_first + only_second;
    let fewer = only_first.min(only_second);
    // The tail of the binomial is `sum * 2^exponent`, so that neither C(n, k) nor 2^n overflows.
    const MUCH: i32 = 500;
    let (mut term, mut sum, mut exponent) = (1.0_f64, 1.0_f64, -(n as i64));
    for k in 1..=fewer {
        term *= (n - k + 1) as f64 / k as f64;
        sum += term;
        if term > 2.0_f64.powi(MUCH) {
            term *= 2.0_f64.powi(-MUCH);
            sum *= 2.0_f64.powi(-MUCH);
            exponent += i64::from(MUCH);
        }
    }
    let half = (exponent / 2).max(-2000) as i32;
    let tail =
        sum * 2.0_f64.powi(half) * 2.0_f64.powi((exponent - i64::from(half)).max(-2000) as i32);
    (2.0 * tail).min(1.0)
}

/// What a paired test can tell from counts alone, without knowing which photos were correct.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedCounts {
    /// Smallest possible p value for these counts: the classifier with the larger count is correct
    /// on every photo that the other is correct on.
    pub smallest_p: f64,
    /// Whether the counts allow only one p value, which is then `smallest_p`.
    pub is_determined: bool,
}

/// Computes a paired test from two counts on the same `n` photos.
///
/// # Panics
///
/// When a count is larger than `n`.
pub fn paired_counts(first: usize, second: usize, n: usize) -> PairedCounts {
    assert!(first.max(second) <= n, "{first} and {second} of {n} are no shares");
    let (fewer, more) = (first.min(second), first.max(second));
    // A photo that only the worse classifier has correct must be one that the better one has wrong.
    let most_only_worse = fewer.min(n - more);
    PairedCounts { smallest_p: mcnemar_p(more - fewer, 0), is_determined: most_only_worse == 0 }
}

/// Corrects p values for multiple tests (Holm 1979), in the given order. Each result is the
/// smallest level at which its hypothesis is rejected, while the chance of any false rejection
/// stays at that level.
///
/// As `statsmodels.stats.multitest.multipletests(method="holm")`.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max((p_values.len() - rank) as f64 * p_values[index]).min(1.0);
        corrected[index] = largest;
    }
    corrected
}

/// Estimates how many photos a paired test at 5 % needs to detect, with a power of 80 %, the
/// difference seen on `n` photos. Only the first classifier is correct on `only_first` photos, only
/// the second on `only_second`. `None` when both are equally good.
///
/// Source: Connor 1987, "Sample size for testing differences in proportions for the paired-sample
/// design", Biometrics 43, 207-211.
///
/// # Panics
///
/// When `n` is 0, or smaller than the number of photos on which the two differ.
pub fn photos_to_separate(only_first: usize, only_second: usize, n: usize) -> Option<usize> {
    assert!(
        n > 0 && only_first + only_second <= n,
        "{only_first} and {only_second} of {n} are no shares"
    );
    let share = |count: usize| count as f64 / n as f64;
    let differing = share(only_first + only_second);
    let difference = share(only_first.abs_diff(only_second));
    if difference == 0.0 {
        return None;
    }
    let spread = Z_TEST * differing.sqrt() + Z_POWER * (differing - difference * difference).sqrt();
    Some((spread / difference).powi(2).ceil() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_photos_on_one_side_are_no_evidence() {
        assert_eq!(mcnemar_p(4, 0), 0.125);
        assert_eq!(mcnemar_p(0, 0), 1.0);
        assert_eq!(mcnemar_p(7, 7), 1.0);
        assert_eq!(mcnemar_p(0, 6), mcnemar_p(6, 0));
        assert!(mcnemar_p(6, 0) < 0.05 && mcnemar_p(5, 0) > 0.05);
        // 2^-3000 is not representable in f64.
        assert!((0.0..1e-200).contains(&mcnemar_p(3000, 1)));
        assert!((mcnemar_p(5000, 4999) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn counts_decide_only_where_one_of_them_is_all_or_none() {
        let of = |first, second| paired_counts(first, second, 125);
        assert_eq!(of(121, 125), PairedCounts { smallest_p: 0.125, is_determined: true });
        assert_eq!(of(125, 121), of(121, 125));
        assert_eq!(of(0, 6), PairedCounts { smallest_p: 0.03125, is_determined: true });
        assert_eq!(of(120, 124), PairedCounts { smallest_p: 0.125, is_determined: false });
        assert_eq!(of(125, 125), PairedCounts { smallest_p: 1.0, is_determined: true });
        assert_eq!(of(124, 124), PairedCounts { smallest_p: 1.0, is_determined: false });
    }

    #[test]
    fn a_correction_keeps_the_order_and_never_passes_one() {
        let corrected = holm(&[0.04, 0.01, 0.03, 0.9]);
        for (found, expected) in corrected.iter().zip([0.09, 0.04, 0.09, 0.9]) {
            assert!((found - expected).abs() < 1e-15, "{corrected:?}");
        }
        assert_eq!(holm(&[0.7, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn a_smaller_difference_takes_more_photos() {
        let few = photos_to_separate(10, 0, 100).unwrap();
        let more = photos_to_separate(4, 0, 100).unwrap();
        let most = photos_to_separate(5, 4, 100).unwrap();
        assert!(few < more && more < most, "{few} {more} {most}");
        assert_eq!(photos_to_separate(3, 3, 100), None);
    }
}
