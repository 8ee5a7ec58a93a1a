//! Errors that fall with the number of photos as `a + b n^-c`.

/// `error(n) = floor + scale * (n / unit)^-exponent`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerLaw {
    /// Share of errors that no number of photos removes.
    pub floor: f64,
    /// Share of errors above the floor at `unit` photos.
    pub scale: f64,
    /// How fast they fall.
    pub exponent: f64,
    /// Number of photos, which keeps powers near 1.
    pub unit: f64,
}

/// Exponents that are tried: 0.05 to 2. Learning curves of classifiers have 0.1 to 1 (Viering &
/// Loog 2023, "The shape of learning curves: a review").
const EXPONENTS: std::ops::RangeInclusive<u32> = 1..=40;

/// A point of a learning curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Number of training photos.
    pub n: f64,
    /// Share of errors.
    pub error: f64,
    /// The inverse of the variance of `error`, or a multiple of it.
    pub weight: f64,
}

impl PowerLaw {
    /// Fits the law by least squares: for each exponent the best floor and scale, neither below 0.
    ///
    /// Points of one size only give a level law.
    pub(crate) fn fit(points: &[Point]) -> Self {
        let unit = points.iter().map(|point| point.n).fold(0.0, f64::max);
        let candidates = EXPONENTS.map(|step| {
            let exponent = f64::from(step) / 20.0;
            let (floor, scale) = line(points, |n| (n / unit).powf(-exponent));
            PowerLaw { floor, scale, exponent, unit }
        });
        let cost = |law: &PowerLaw| -> f64 {
            points.iter().map(|p| p.weight * (law.error(p.n) - p.error).powi(2)).sum()
        };
        candidates
            .map(|law| (cost(&law), law))
            .reduce(|best, next| if next.0 < best.0 { next } else { best })
            .expect("there are exponents")
            .1
    }

    /// The share of errors with `n` training photos.
    pub fn error(&self, n: f64) -> f64 {
        self.floor + self.scale * (n / self.unit).powf(-self.exponent)
    }
}

/// Fits `error = floor + scale * x(n)` with floor and scale not below 0.
fn line(points: &[Point], x: impl Fn(f64) -> f64) -> (f64, f64) {
    let mut sums = [0.0; 5];
    for point in points {
        let (w, x, y) = (point.weight, x(point.n), point.error);
        for (sum, term) in sums.iter_mut().zip([w, w * x, w * y, w * x * x, w * x * y]) {
            *sum += term;
        }
    }
    let [w, wx, wy, wxx, wxy] = sums;
    let level = (wy / w, 0.0);
    let spread = w * wxx - wx * wx;
    if spread <= 1e-12 * w * wxx {
        return level; // all points have one size
    }
    let scale = (w * wxy - wx * wy) / spread;
    let floor = (wy - scale * wx) / w;
    if scale < 0.0 {
        level
    } else if floor < 0.0 {
        (0.0, wxy / wxx)
    } else {
        (floor, scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(error: impl Fn(f64) -> f64) -> Vec<Point> {
        let sizes = [100.0, 200.0, 400.0, 600.0, 800.0];
        sizes.map(|n| Point { n, error: error(n), weight: 1.0 }).to_vec()
    }

    #[test]
    fn a_law_is_found_from_its_own_points() {
        for (floor, scale, exponent) in [(0.05, 2.0, 0.5), (0.0, 1.0, 0.3), (0.1, 30.0, 1.0)] {
            let law = |n: f64| floor + scale * n.powf(-exponent);
            let found = PowerLaw::fit(&points(law));
            for n in [100.0, 800.0, 1600.0, 3200.0] {
                assert!((found.error(n) - law(n)).abs() < 1e-9, "{found:?} at {n}");
            }
        }
    }

    #[test]
    fn errors_that_rise_are_level() {
        let found = PowerLaw::fit(&points(|n| 0.1 + n / 10_000.0));
        assert_eq!(found.error(100.0), found.error(3200.0));
        assert!((found.error(100.0) - 0.142).abs() < 1e-12);
    }

    #[test]
    fn a_law_never_predicts_less_than_no_error() {
        // Falls faster than any power: the floor would be below 0.
        let found = PowerLaw::fit(&points(|n| (0.5 - n / 1_600.0).max(0.0)));
        assert!(found.error(1e9) >= 0.0, "{found:?}");
    }
}
