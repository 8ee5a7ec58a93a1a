//! The score above which a photo is unknown.

use crate::quantiles::student_quantile;

/// Fewest known photos that give a threshold.
pub const MIN_KNOWN_PHOTOS: usize = 10;
/// Known photos above the threshold from which their order decides it.
const MIN_ABOVE: f64 = 10.0;
/// Least score whose logarithm is taken.
const LEAST: f64 = 1e-12;

/// Returns the score that a share of known photos exceeds, from the scores of some known photos
/// that the axes were not fitted on.
///
/// With at least ten of them above it, it is their quantile. With fewer, the highest score of few
/// would decide: then the logarithms of the scores are taken as normal, and the threshold is the
/// bound that the next photo exceeds with probability `share` (their mean plus Student's quantile
/// of standard deviations). docs/adr/0018-unknown-photos.md has measurements.
///
/// # Panics
///
/// When there are fewer than [`MIN_KNOWN_PHOTOS`], or `share` is not in (0, 1).
pub fn threshold(known: &[f64], share: f64) -> f64 {
    assert!(known.len() >= MIN_KNOWN_PHOTOS, "{} known photos", known.len());
    assert!(share > 0.0 && share < 1.0, "the share {share}");
    let n = known.len() as f64;
    if (n + 1.0) * share >= MIN_ABOVE {
        let mut sorted = known.to_vec();
        sorted.sort_by(f64::total_cmp);
        let place = ((n + 1.0) * (1.0 - share)).ceil() as usize;
        return sorted[place.clamp(1, sorted.len()) - 1];
    }
    let logarithms = known.iter().map(|score| score.max(LEAST).ln());
    let mean = logarithms.clone().sum::<f64>() / n;
    let variance = logarithms.map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean + student_quantile(1.0 - share, n - 1.0) * (variance * (1.0 + 1.0 / n)).sqrt()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantiles::normal_quantile;

    /// Scores whose logarithms are normal, one at each of `n` quantiles.
    fn normal(n: usize) -> Vec<f64> {
        let score = |i: usize| normal_quantile((i as f64 + 0.5) / n as f64).exp();
        (0..n).map(score).collect()
    }

    #[test]
    fn about_the_share_of_known_photos_lies_above() {
        let many = normal(100_000);
        for n in [50, 100, 500, 998, 999, 1_000, 5_000] {
            let threshold = threshold(&normal(n), 0.01);
            let above = many.iter().filter(|score| **score > threshold).count();
            assert!((700..=1_100).contains(&above), "{n}: {above} of 100,000");
        }
    }

    #[test]
    fn a_larger_share_has_a_lower_threshold() {
        let known = normal(60);
        let thresholds = [0.001, 0.01, 0.05, 0.2, 0.5].map(|share| threshold(&known, share));
        assert!(thresholds.is_sorted_by(|a, b| a > b), "{thresholds:?}");
    }

    #[test]
    fn equal_scores_give_themselves() {
        assert!((threshold(&[0.25; 12], 0.01) - 0.25).abs() < 1e-12);
        assert_eq!(threshold(&[0.0; 2_000], 0.01), 0.0);
    }
}
