//! The look of a run: a colour, a marker and a dash, each of which alone almost identifies it.

use plotters::element::ComposedElement;
use plotters::prelude::*;

/// Colour of text, axes and frames.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Colour of text that readers only look up.
pub(super) const FAINT: RGBColor = RGBColor(0x76, 0x76, 0x76);
/// Colour of right predictions.
pub(super) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
/// Colour of wrong predictions.
pub(super) const VERMILLION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
/// Colour of bars.
pub(super) const SKY: RGBColor = RGBColor(0x9A, 0xD1, 0xF2);

/// Okabe and Ito 2008, "Color universal design", without yellow, which is too pale for a line on
/// white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xB2),
    VERMILLION,
    GREEN,
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x00, 0x00, 0x00),
];
/// One fewer than the colours, so that pairs of colour and marker repeat only after 42 runs.
const MARKERS: [Marker; 6] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Cross,
    Marker::Wedge,
];
/// Length of a dash and of the gap after it.
const DASHES: [(i32, i32); 5] = [(12, 7), (5, 5), (20, 6), (9, 11), (15, 15)];

/// How to draw a run, the same in every figure.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub colour: RGBColor,
    pub marker: Marker,
    pub dash: (i32, i32),
}

/// Returns the look of the run with this index.
pub(super) fn look(index: usize) -> Look {
    Look {
        colour: PALETTE[index % PALETTE.len()],
        marker: MARKERS[index % MARKERS.len()],
        dash: DASHES[index % DASHES.len()],
    }
}

/// A shape at a point.
#[derive(Clone, Copy)]
pub(super) enum Marker {
    Circle,
    Square,
    /// Points up.
    Triangle,
    Diamond,
    /// Two bars.
    Cross,
    /// A triangle that points down.
    Wedge,
}

impl Marker {
    /// Returns the corners of the shape, around (0, 0), at a size that looks like a circle of
    /// `radius` units.
    pub fn outline(self, radius: f64) -> Vec<(i32, i32)> {
        /// The width of a diagonal bar is 2.8 times this.
        const T: f64 = 0.26;
        let corners: Vec<(f64, f64)> = match self {
            Marker::Circle => (0..24)
                .map(|step| (f64::from(step) * std::f64::consts::TAU / 24.0).sin_cos())
                .collect(),
            Marker::Square => vec![(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::Triangle => vec![(0.0, -1.2), (1.15, 0.8), (-1.15, 0.8)],
            Marker::Diamond => vec![(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Marker::Wedge => vec![(0.0, 1.2), (1.15, -0.8), (-1.15, -0.8)],
            Marker::Cross => {
                let arm = [(0.0, -2.0 * T), (0.9 - T, -0.9 - T), (0.9 + T, -0.9 + T)];
                let turned =
                    |turn: usize, (x, y): (f64, f64)| [(x, y), (-y, x), (-x, -y), (y, -x)][turn];
                (0..4).flat_map(|turn| arm.map(|corner| turned(turn, corner))).collect()
            }
        };
        corners
            .into_iter()
            .map(|(x, y)| ((x * radius).round() as i32, (y * radius).round() as i32))
            .collect()
    }
}

/// A marker at a point of a chart (or, with `C` a pair of units, of a drawing).
pub(super) type Mark<'a, C> =
    ComposedElement<C, SVGBackend<'a>, Polygon<(i32, i32)>, PathElement<(i32, i32)>>;

/// Returns a marker in its run's colour, with a thin white line that separates it from its
/// neighbours.
pub(super) fn mark<'a, C>(at: C, look: Look, radius: f64) -> Mark<'a, C> {
    outlined(at, look.marker.outline(radius), look.colour, WHITE.stroke_width(1))
}

/// Returns an empty marker with a line in its run's colour.
pub(super) fn hollow_mark<'a, C>(at: C, look: Look, radius: f64) -> Mark<'a, C> {
    outlined(at, look.marker.outline(radius), WHITE, look.colour.stroke_width(3))
}

fn outlined<'a, C>(
    at: C,
    mut corners: Vec<(i32, i32)>,
    fill: RGBColor,
    line: ShapeStyle,
) -> Mark<'a, C> {
    let inside = Polygon::new(corners.clone(), fill.filled());
    corners.extend(corners.first().copied());
    EmptyElement::at(at) + inside + PathElement::new(corners, line)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn forty_two_runs_look_different() {
        let looks: HashSet<String> = (0..42)
            .map(|index| format!("{:?} {:?}", look(index).colour, look(index).marker.outline(20.0)))
            .collect();
        assert_eq!(looks.len(), 42);
    }
}
