//! From values to places on a line.

/// Ends of the line, in per cent of its width: room for half a dot.
const ENDS: (f64, f64) = (3.0, 97.0);

/// A linear scale between round values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// Returns the scale of shares from `low` to `high`. It covers a tenth at least, ends at 0 and
    /// 1 at most, and has round ends.
    pub fn of_shares(low: f64, high: f64) -> Scale {
        let middle = (low + high) / 2.0;
        let low = low.min(middle - 0.05).clamp(0.0, 0.9);
        let high = high.max(low + 0.1).min(1.0);
        let step = step(low, high);
        let down = ((low / step + 1e-9).floor() * step).max(0.0);
        let up = ((high / step - 1e-9).ceil() * step).min(1.0);
        Scale { low: down, high: up, step }
    }

    /// Returns the place of a value in per cent; beyond an end, that end.
    pub fn at(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        ENDS.0 + share * (ENDS.1 - ENDS.0)
    }

    /// Returns the round values from end to end.
    pub fn ticks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step + 1e-6).floor() as u32;
        (0..=count).map(|tick| self.low + f64::from(tick) * self.step).collect()
    }
}

/// Formats a place as per cent of the width or height.
pub(super) fn percent(place: f64) -> String {
    format!("{place:.2}%")
}

/// Returns the step of about four ticks.
fn step(low: f64, high: f64) -> f64 {
    let rough = (high - low) / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|factor| rough <= factor * power);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_round_and_inside_of_zero_and_one() {
        for (low, high, ticks) in [
            (0.0, 1.0, vec![0.0, 0.25, 0.5, 0.75, 1.0]),
            (0.62, 0.97, vec![0.6, 0.7, 0.8, 0.9, 1.0]),
            (0.988, 1.0, vec![0.9, 0.925, 0.95, 0.975, 1.0]),
        ] {
            let found = Scale::of_shares(low, high).ticks();
            assert_eq!(found.len(), ticks.len(), "{low} {high}: {found:?}");
            assert!(found.iter().zip(&ticks).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        }
        for (low, high) in [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5), (0.2, 0.21)] {
            let scale = Scale::of_shares(low, high);
            assert!(scale.low >= 0.0 && scale.high <= 1.0 && scale.high - scale.low > 0.09);
            assert!((3.0..=97.0).contains(&scale.at(low)), "{scale:?}");
        }
    }
}
