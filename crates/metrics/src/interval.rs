//! Confidence intervals of proportions.

use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the normal distribution: two-sided 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// `correct` of `n`, with its 95 % Wilson interval. All shares in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// Number of successes.
    pub correct: usize,
    /// Number of trials.
    pub n: usize,
    /// `correct / n`.
    pub value: f64,
    /// Lower bound of the interval.
    pub low: f64,
    /// Upper bound of the interval.
    pub high: f64,
}

impl Proportion {
    /// Returns the share `correct / n` with its interval.
    ///
    /// # Panics
    ///
    /// When `n` is 0, or `correct` is larger than `n`.
    pub fn new(correct: usize, n: usize) -> Self {
        let (low, high) = wilson_interval(correct, n);
        Proportion { correct, n, value: correct as f64 / n as f64, low, high }
    }
}

/// Computes the 95 % Wilson score interval of `correct` out of `n`, without continuity correction.
///
/// The interval stays inside [0, 1] and is reliable near the ends, where the accuracies of good
/// classifiers lie: 125 of 125 gives 0.970-1.
///
/// Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference". The
/// numbers equal those of `scipy.stats.binomtest(k, n).proportion_ci(method="wilson")`.
///
/// # Panics
///
/// When `n` is 0, or `correct` is larger than `n`.
pub fn wilson_interval(correct: usize, n: usize) -> (f64, f64) {
    assert!(n > 0 && correct <= n, "{correct} of {n} is no share");
    let p = correct as f64 / n as f64;
    let n_f = n as f64;
    let centre = p + Z * Z / (2.0 * n_f);
    let half = Z * (p * (1.0 - p) / n_f + Z * Z / (4.0 * n_f * n_f)).sqrt();
    let scale = 1.0 + Z * Z / n_f;
    // At 0 and 1 the bounds are exact; rounding would miss them by 1e-17.
    let low = if correct == 0 { 0.0 } else { (centre - half) / scale };
    let high = if correct == n { 1.0 } else { (centre + half) / scale };
    (low, high)
}

/// Formats count, share and interval in per cent with one decimal:
/// `124/125 = 99.2 % (95 % CI 95.6-99.9)`.
///
/// Exactly all is `100`, and exactly none is `0`. A share that would round to either gets more
/// decimals (`99.98`).
pub fn format_proportion(proportion: &Proportion) -> String {
    let Proportion { correct, n, value, low, high } = *proportion;
    format!(
        "{correct}/{n} = {} % (95 % CI {}-{})",
        format_percent(value),
        format_percent(low),
        format_percent(high)
    )
}

/// Formats a share in [0, 1] as per cent with one decimal, as in `97.3`. What is short of all or of
/// none has the decimals that tell.
pub fn format_percent(share: f64) -> String {
    if share == 0.0 || share == 1.0 {
        return format!("{}", share * 100.0);
    }
    (1..16)
        .map(|decimals| format!("{:.decimals$}", share * 100.0))
        .find(|text| !text.parse().is_ok_and(|number: f64| number == 0.0 || number == 100.0))
        .unwrap_or_else(|| format!("{}", share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportions_read_as_the_reports_write_them() {
        for (correct, n, text) in [
            (124, 125, "124/125 = 99.2 % (95 % CI 95.6-99.9)"),
            (125, 125, "125/125 = 100 % (95 % CI 97.0-100)"),
            (121, 125, "121/125 = 96.8 % (95 % CI 92.1-98.7)"),
            (795, 799, "795/799 = 99.5 % (95 % CI 98.7-99.8)"),
            (0, 5, "0/5 = 0 % (95 % CI 0-43.4)"),
            (1, 1, "1/1 = 100 % (95 % CI 20.7-100)"),
        ] {
            assert_eq!(format_proportion(&Proportion::new(correct, n)), text);
        }
    }

    #[test]
    fn what_is_short_of_all_never_reads_as_all() {
        let text = format_proportion(&Proportion::new(9_999, 10_000));
        assert_eq!(text, "9999/10000 = 99.99 % (95 % CI 99.9-99.998)");
        assert!(format_proportion(&Proportion::new(1, 10_000)).starts_with("1/10000 = 0.01 %"));
    }

    #[test]
    fn the_interval_holds_its_share_and_mirrors_its_complement() {
        for n in 1..=60 {
            for correct in 0..=n {
                let (low, high) = wilson_interval(correct, n);
                let p = correct as f64 / n as f64;
                assert!(
                    0.0 <= low && low <= p && p <= high && high <= 1.0,
                    "{correct}/{n}: {low}-{high}"
                );
                let (other_low, other_high) = wilson_interval(n - correct, n);
                assert!(
                    (low - (1.0 - other_high)).abs() < 1e-12
                        && (high - (1.0 - other_low)).abs() < 1e-12
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "0 of 0 is no share")]
    fn a_share_of_nothing_is_refused() {
        Proportion::new(0, 0);
    }
}
