//! Throughput over several timed passes.

use serde::Serialize;

/// Images per second over timed passes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Median over the passes.
    pub images_per_s: f64,
    /// Slowest pass.
    pub images_per_s_min: f64,
    /// Fastest pass.
    pub images_per_s_max: f64,
    /// Half the interquartile range, divided by the median.
    pub spread: f64,
}

impl Rate {
    /// Summarises the images per second of each pass.
    ///
    /// # Panics
    ///
    /// When there are no passes.
    pub fn of(mut images_per_s: Vec<f64>) -> Self {
        assert!(!images_per_s.is_empty(), "no pass was timed");
        images_per_s.sort_by(f64::total_cmp);
        let last = images_per_s.len() - 1;
        let quantile = |q: f64| images_per_s[(last as f64 * q).round() as usize];
        let median = quantile(0.5);
        Rate {
            images_per_s: median,
            images_per_s_min: images_per_s[0],
            images_per_s_max: images_per_s[last],
            spread: (quantile(0.75) - quantile(0.25)) / 2.0 / median,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn the_median_speaks_and_the_quartiles_say_how_far_to_trust_it() {
        let rate = Rate::of(vec![10.0, 30.0, 20.0, 50.0, 40.0]);
        assert_eq!(
            (rate.images_per_s, rate.images_per_s_min, rate.images_per_s_max),
            (30.0, 10.0, 50.0)
        );
        assert!((rate.spread - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(Rate::of(vec![7.0]).spread, 0.0);
    }
}
