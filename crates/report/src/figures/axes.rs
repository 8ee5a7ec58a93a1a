//! Axes: round numbers at the ticks, which never overlap.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::style::INK;
use super::text::{SMALL, TEXT, font, widest};

/// A plot with its axes drawn.
pub(super) type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

const TICK: i32 = 6;

/// One axis: its name, its ends and the values with a tick.
#[derive(Clone)]
pub(super) struct Axis {
    name: &'static str,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    decimals: usize,
    has_labels: bool,
    is_logarithmic: bool,
}

impl Axis {
    /// Returns an axis from a round number below `low` to one above `high`, with at most `at_most`
    /// ticks (but at least two) and a little space outside the first and the last. If all values
    /// are equal, the axis surrounds them.
    pub fn covering(name: &'static str, low: f64, high: f64, at_most: usize) -> Axis {
        let least = low.abs().max(high.abs()).max(1e-2) * 1e-2;
        let high = high.max(low + least);
        let mut step = 10_f64.powf(((high - low) / at_most.max(2) as f64).log10().floor());
        // Steps are 1, 2, 5, 10, ... times a power of ten. Ticks are whole multiples of the step,
        // so that no error adds up.
        let ends = |step: f64| ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        for factor in [2.0, 2.5, 2.0].into_iter().cycle() {
            let (first, last) = ends(step);
            if last - first < at_most.max(2) as f64 {
                break;
            }
            step *= factor;
        }
        let (first, last) = ends(step);
        let ticks: Vec<f64> =
            (0..=(last - first) as u32).map(|tick| (first + f64::from(tick)) * step).collect();
        let room = 0.03 * (last - first) * step;
        let decimals = (-(step * (1.0 + 1e-9)).log10().floor()).clamp(0.0, 6.0) as usize;
        Axis {
            name,
            low: first * step - room,
            high: last * step + room,
            ticks,
            decimals,
            has_labels: true,
            is_logarithmic: false,
        }
    }

    /// Returns a logarithmic axis for numbers of photos, with ticks at 1, 2 and 5 times powers of
    /// ten.
    pub fn photos(name: &'static str, fewest: f64, most: f64) -> Axis {
        let (low, high) = (fewest / 1.15, most * 1.15);
        let powers = (0..).map(|power| 10_f64.powi(power)).take_while(|&power| power <= high);
        let ticks = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * power));
        Axis {
            name,
            low,
            high,
            ticks: ticks.filter(|tick| (low..=high).contains(tick)).collect(),
            decimals: 0,
            has_labels: true,
            is_logarithmic: true,
        }
    }

    /// Returns an axis of epochs 1 to `count`: whole numbers only, always including 1.
    pub fn epochs(name: &'static str, count: usize) -> Axis {
        let step = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_usize.pow(power)));
        let step = step.into_iter().find(|step| count / step <= 10).unwrap_or(count);
        let multiples =
            (1..=count / step).map(|multiple| multiple * step).filter(|&epoch| epoch > 1);
        let ticks = std::iter::once(1).chain(multiples).map(|epoch| epoch as f64).collect();
        let room = (0.03 * (count as f64 - 1.0)).max(0.25);
        Axis {
            name,
            low: 1.0 - room,
            high: count as f64 + room,
            ticks,
            decimals: 0,
            has_labels: true,
            is_logarithmic: false,
        }
    }

    /// Returns an axis from 0 to `count`, for rows that have names instead of numbers.
    pub fn rows(count: usize) -> Axis {
        Axis {
            name: "",
            low: 0.0,
            high: count.max(1) as f64,
            ticks: vec![],
            decimals: 0,
            has_labels: false,
            is_logarithmic: false,
        }
    }

    /// Removes numbers and name, for a plot above another with the same axis.
    pub fn unlabelled(self) -> Axis {
        Axis { has_labels: false, name: "", ..self }
    }

    /// Returns the values at the ends of the plot.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Returns the units that numbers and name need to the left of a plot.
    pub fn room_left(&self) -> i32 {
        let labels: Vec<String> = self.ticks.iter().map(|&tick| self.number(tick)).collect();
        widest(&labels, SMALL) + 2 * TICK + (1.6 * TEXT) as i32
    }

    fn room_below(&self) -> i32 {
        match self.has_labels {
            true => 2 * TICK + (SMALL + 1.9 * TEXT) as i32,
            false => TICK,
        }
    }

    fn number(&self, value: f64) -> String {
        match (self.has_labels, value.abs() >= 1e6) {
            (false, _) => String::new(),
            (true, true) => format!("{value:e}"),
            // Adding 0 removes the sign of a negative zero.
            (true, false) => format!("{:.*}", self.decimals, value + 0.0),
        }
    }
}

/// The axis as plotters sees it: always with the chosen ticks, whatever plotters asks
/// for.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        match self.is_logarithmic {
            true => RangedCoordf64::from(self.low.ln()..self.high.ln()).map(&value.ln(), limit),
            false => RangedCoordf64::from(self.range()).map(value, limit),
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.number(*value)
    }
}

/// Draws `x` and `y` into `area`, with `room_left` units for the numbers of `y`. Returns the chart
/// between them.
pub(super) fn axes<'a>(area: &Area<'a>, x: &Axis, y: &Axis, room_left: i32) -> Drawn<Chart<'a>> {
    let mut chart = ChartBuilder::on(area)
        .margin_top(14)
        .margin_right(24)
        .margin_left(14)
        .margin_bottom(8)
        .set_label_area_size(LabelAreaPosition::Left, room_left)
        .set_label_area_size(LabelAreaPosition::Bottom, x.room_below())
        .build_cartesian_2d(x.clone(), y.clone())?;
    let mut mesh = chart.configure_mesh();
    if !x.name.is_empty() {
        mesh.x_desc(x.name);
    }
    if !y.name.is_empty() {
        mesh.y_desc(y.name);
    }
    mesh.bold_line_style(BLACK.mix(0.1).stroke_width(1))
        .axis_style(INK.stroke_width(2))
        .label_style(font(SMALL).color(&INK))
        .axis_desc_style(font(TEXT).color(&INK))
        .set_all_tick_mark_size(TICK)
        .draw()?;
    Ok(chart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|&tick| axis.number(tick)).collect()
    }

    #[test]
    fn ticks_are_round_numbers_around_the_values() {
        for (low, high, expected) in [
            (0.0, 1.37, "0.0 0.5 1.0 1.5"),
            (72.5, 100.0, "70 80 90 100"),
            (0.0, 0.04, "0.00 0.01 0.02 0.03 0.04"),
            (0.0, 1.0, "0.0 0.2 0.4 0.6 0.8 1.0"),
            (0.0, 118.0, "0 50 100 150"),
            (-0.3, 0.3, "-0.4 -0.2 0.0 0.2 0.4"),
        ] {
            assert_eq!(
                labels(&Axis::covering("", low, high, 6)).join(" "),
                expected,
                "{low} to {high}"
            );
        }
    }

    #[test]
    fn values_that_are_all_the_same_have_an_axis() {
        for value in [0.0, 1.0, 100.0, 1e-12, 1e12] {
            let axis = Axis::covering("", value, value, 6);
            assert!(
                axis.low < value && value < axis.high,
                "{value}: {} to {}",
                axis.low,
                axis.high
            );
            assert!((2..=7).contains(&axis.ticks.len()), "{value}: {} ticks", axis.ticks.len());
        }
    }

    #[test]
    fn each_doubling_of_photos_is_as_wide_as_the_next() {
        let axis = Axis::photos("", 217.0, 3_428.0);
        assert_eq!(labels(&axis).join(" "), "200 500 1000 2000");
        let at = |photos: f64| axis.map(&photos, (0, 1_000));
        assert!((at(500.0) - at(250.0) - (at(2_000.0) - at(1_000.0))).abs() <= 1);
        assert_eq!(labels(&Axis::photos("", 1.0, 16.0)).join(" "), "1 2 5 10");
    }

    #[test]
    fn epochs_are_whole_and_begin_at_one() {
        for (count, expected) in [
            (1, "1"),
            (2, "1 2"),
            (10, "1 2 3 4 5 6 7 8 9 10"),
            (12, "1 2 4 6 8 10 12"),
            (40, "1 5 10 15 20 25 30 35 40"),
        ] {
            assert_eq!(labels(&Axis::epochs("", count)).join(" "), expected);
        }
        assert!(Axis::epochs("", 1).low < 1.0 && Axis::epochs("", 1).high > 1.0);
    }
}
