//! What tells one run from another: a colour, a marker and a dash, so that each of them alone would almost do.

use plotters::element::ComposedElement;
use plotters::prelude::*;

/// Text, axes and frames.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Text that is there to be looked up only.
pub(super) const FAINT: RGBColor = RGBColor(0x76, 0x76, 0x76);
/// Right.
pub(super) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
/// Wrong.
pub(super) const VERMILLION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
/// Bars.
pub(super) const SKY: RGBColor = RGBColor(0x9A, 0xD1, 0xF2);

/// Okabe and Ito 2008, "Color universal design", without yellow, which is too pale for a line on white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xB2),
    VERMILLION,
    GREEN,
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x00, 0x00, 0x00),
];
/// One fewer than colours, so that the pairs of the two repeat only after 42 runs.
const MARKERS: [Marker; 6] =
    [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond, Marker::Cross, Marker::Wedge];
/// Length of a dash and of the gap behind it.
const DASHES: [(i32, i32); 5] = [(12, 7), (5, 5), (20, 6), (9, 11), (15, 15)];

/// How one run is drawn, in every figure.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub colour: RGBColor,
    pub marker: Marker,
    pub dash: (i32, i32),
}

/// The look of the run with this index.
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
    /// Point up.
    Triangle,
    Diamond,
    /// Of two bars.
    Cross,
    /// A triangle, point down.
    Wedge,
}

impl Marker {
    /// The corners of the shape that looks as large as a circle of `radius` units, around (0, 0).
    pub fn outline(self, radius: f64) -> Vec<(i32, i32)> {
        /// A diagonal bar is 2.8 of this wide.
        const T: f64 = 0.26;
        let corners: Vec<(f64, f64)> = match self {
            Marker::Circle => {
                (0..24).map(|step| (f64::from(step) * std::f64::consts::TAU / 24.0).sin_cos()).collect()
            }
            Marker::Square => vec![(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::Triangle => vec![(0.0, -1.2), (1.15, 0.8), (-1.15, 0.8)],
            Marker::Diamond => vec![(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Marker::Wedge => vec![(0.0, 1.2), (1.15, -0.8), (-1.15, -0.8)],
            Marker::Cross => {
                let arm = [(0.0, -2.0 * T), (0.9 - T, -0.9 - T), (0.9 + T, -0.9 + T)];
                let turned = |turn: usize, (x, y): (f64, f64)| [(x, y), (-y, x), (-x, -y), (y, -x)][turn];
                (0..4).flat_map(|turn| arm.map(|corner| turned(turn, corner))).collect()
            }
        };
        corners.into_iter().map(|(x, y)| ((x * radius).round() as i32, (y * radius).round() as i32)).collect()
    }
}

/// A marker at a point of a chart (or, with `C` a pair of units, of a drawing).
pub(super) type Mark<'a, C> =
    ComposedElement<C, SVGBackend<'a>, Polygon<(i32, i32)>, PathElement<(i32, i32)>>;

/// Filled with its run's colour, within a thin white line that parts it from its neighbours.
pub(super) fn mark<'a, C>(at: C, look: Look, radius: f64) -> Mark<'a, C> {
    outlined(at, look.marker.outline(radius), look.colour, WHITE.stroke_width(1))
}

/// Empty within a line of its run's colour.
pub(super) fn hollow_mark<'a, C>(at: C, look: Look, radius: f64) -> Mark<'a, C> {
    outlined(at, look.marker.outline(radius), WHITE, look.colour.stroke_width(3))
}

fn outlined<'a, C>(at: C, mut corners: Vec<(i32, i32)>, fill: RGBColor, line: ShapeStyle) -> Mark<'a, C> {
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
