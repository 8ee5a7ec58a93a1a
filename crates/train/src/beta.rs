//! Draws from a beta distribution.

use std::f64::consts::TAU;

use kennel_data::Chance;

/// Draws from Beta(`alpha`, `alpha`), as the share of one of two gamma draws in their sum. `alpha`
/// is positive.
pub fn beta(alpha: f64, chance: &mut Chance) -> f64 {
    let (first, second) = (ln_gamma(alpha, chance), ln_gamma(alpha, chance));
    1.0 / (1.0 + (second - first).exp())
}

/// Draws the logarithm of a gamma variable (Marsaglia and Tsang 2000). The variable itself would
/// underflow at a small `shape`.
fn ln_gamma(shape: f64, chance: &mut Chance) -> f64 {
    if shape < 1.0 {
        // Gamma(shape) is Gamma(shape + 1) times U^(1 / shape).
        let power = positive(chance).ln() / shape;
        return power + ln_gamma(shape + 1.0, chance);
    }
    let d = shape - 1.0 / 3.0;
    loop {
        let x = normal(chance);
        let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
        let u = positive(chance);
        if v > 0.0 && u.ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
            return (d * v).ln();
        }
    }
}

/// A normal draw (Box and Muller 1958).
fn normal(chance: &mut Chance) -> f64 {
    let radius = (-2.0 * positive(chance).ln()).sqrt();
    radius * (TAU * chance.unit()).cos()
}

/// Uniform in (0, 1].
fn positive(chance: &mut Chance) -> f64 {
    1.0 - chance.unit()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 20_000;

    fn draws(alpha: f64) -> Vec<f64> {
        let mut chance = Chance::new(42, "beta", &[]);
        (0..DRAWS).map(|_| beta(alpha, &mut chance)).collect()
    }

    #[test]
    fn mean_and_variance_are_those_of_the_distribution() {
        for alpha in [0.1, 0.2, 0.8, 1.0, 4.0] {
            let draws = draws(alpha);
            assert!(draws.iter().all(|x| (0.0..=1.0).contains(x)), "{alpha}");
            let mean = draws.iter().sum::<f64>() / DRAWS as f64;
            let variance =
                draws.iter().map(|x| (x - 0.5).powi(2)).sum::<f64>() / (DRAWS - 1) as f64;
            let wanted = 0.25 / (2.0 * alpha + 1.0);
            // Four standard errors of the mean; the variance's own are smaller than 2 % here.
            assert!((mean - 0.5).abs() < 4.0 * (wanted / DRAWS as f64).sqrt(), "{alpha}: {mean}");
            assert!((variance / wanted - 1.0).abs() < 0.04, "{alpha}: {variance}");
        }
    }

    #[test]
    fn an_alpha_of_1_is_uniform() {
        let mut draws = draws(1.0);
        draws.sort_by(f64::total_cmp);
        let distance = draws
            .iter()
            .enumerate()
            .map(|(rank, x)| (x - (rank as f64 + 0.5) / DRAWS as f64).abs())
            .fold(0.0, f64::max);
        // Kolmogorov and Smirnov at 0.1 %.
        assert!(distance < 1.95 / (DRAWS as f64).sqrt(), "{distance}");
    }
}
