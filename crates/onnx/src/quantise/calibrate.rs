//! Finds the range of every tensor on calibration photos.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kennel_core::Task;

use crate::runtime::{Input, Values, rten};
use crate::{OnnxError, Result, RuntimeKind};

/// Steps between the 256 values of 8 bits.
const LEVELS: f64 = 255.0;
/// Bins of the histogram of a tensor, from its minimum to its maximum.
const BINS: usize = 2048;
/// Number of candidates for each end of a range: fractions of the extreme value, from 1 down.
const SHARES: usize = 60;

/// The range that 8 bits cover. It contains 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Lower end, 0 or less.
    pub low: f32,
    /// Upper end, 0 or more.
    pub high: f32,
}

/// Ranges by tensor name.
pub type Ranges = BTreeMap<String, Range>;

/// Runs the float model in `path` on `photos` (prepared pixels `[1, 3, side, side]`) and finds, for
/// each of `tensors`, the range for which rounding to 8 bits has the least mean squared error. A
/// range excludes the few most extreme values where clipping them makes the steps finer for all
/// others.
///
/// # Errors
///
/// [`OnnxError::Runtime`]; [`OnnxError::Stopped`] once the task is stopped.
pub fn calibrate(
    path: &Path,
    input: &str,
    side: usize,
    tensors: &BTreeSet<&str>,
    photos: &[Vec<f32>],
    task: Task<'_>,
) -> Result<Ranges> {
    let failed = |verb| {
        move |reason| OnnxError::Runtime {
            runtime: RuntimeKind::Rten,
            verb,
            path: path.into(),
            reason,
            timed_out: false,
        }
    };
    let engine = rten::Engine::open_unoptimised(path).map_err(failed("read"))?;
    let names: Vec<&str> = tensors.iter().copied().collect();
    let each_photo = |visit: &mut dyn FnMut(usize, &[f32])| -> Result<()> {
        for pixels in photos {
            task.check()?;
            let input =
                Input { name: input, shape: &[1, 3, side, side], values: Values::Floats(pixels) };
            let values = engine.run(input, &names).map_err(failed("run"))?;
            values.iter().enumerate().for_each(|(tensor, output)| visit(tensor, &output.values));
        }
        Ok(())
    };
    let mut extremes = vec![Range { low: 0.0, high: 0.0 }; tensors.len()];
    each_photo(&mut |tensor, values| {
        let Range { low, high } = &mut extremes[tensor];
        for &value in values {
            *low = low.min(value);
            *high = high.max(value);
        }
    })?;
    let mut histograms = vec![vec![0_u64; BINS]; tensors.len()];
    each_photo(&mut |tensor, values| {
        let Range { low, high } = extremes[tensor];
        let bins_per_unit = BINS as f32 / (high - low).max(f32::MIN_POSITIVE);
        for &value in values {
            let bin = ((value - low) * bins_per_unit) as usize;
            histograms[tensor][bin.min(BINS - 1)] += 1;
        }
    })?;
    let ranges =
        extremes.iter().zip(&histograms).map(|(range, histogram)| narrowed(*range, histogram));
    Ok(tensors.iter().map(ToString::to_string).zip(ranges).collect())
}

/// Finds the part of `range` for which rounding and clipping the values of `histogram` loses least.
fn narrowed(range: Range, histogram: &[u64]) -> Range {
    let (low, high) = (f64::from(range.low), f64::from(range.high));
    let width = (high - low) / histogram.len() as f64;
    let loss = |low_end: f64, high_end: f64| -> f64 {
        let step = (high_end - low_end) / LEVELS;
        let rounding = step * step / 12.0;
        let of_bin = |(bin, &count): (usize, &u64)| {
            let middle = low + (bin as f64 + 0.5) * width;
            let beyond = (low_end - middle).max(middle - high_end).max(0.0);
            count as f64 * if beyond > 0.0 { beyond * beyond } else { rounding }
        };
        histogram.iter().enumerate().filter(|(_, count)| **count > 0).map(of_bin).sum()
    };
    let mut best = (loss(low, high), low, high);
    // Optimise one end at a time with the other fixed at its best; they settle within two rounds.
    for _ in 0..2 {
        for of_low in [true, false] {
            let (_, low_end, high_end) = best;
            for share in 1..SHARES {
                let share = 1.0 - share as f64 / SHARES as f64;
                let ends = if of_low { (low * share, high_end) } else { (low_end, high * share) };
                let lost = loss(ends.0, ends.1);
                if lost < best.0 {
                    best = (lost, ends.0, ends.1);
                }
            }
        }
    }
    Range { low: best.1 as f32, high: best.2 as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_outlier_is_clipped_and_an_even_spread_is_not() {
        let even = vec![100; BINS];
        let range = Range { low: -1.0, high: 1.0 };
        assert_eq!(narrowed(range, &even), range);
        let mut lone = vec![0; BINS];
        lone[..BINS / 10].fill(10_000);
        lone[BINS - 1] = 1;
        let found = narrowed(Range { low: 0.0, high: 10.0 }, &lone);
        assert!(found.low == 0.0 && found.high < 5.0, "{found:?}");
    }
}
