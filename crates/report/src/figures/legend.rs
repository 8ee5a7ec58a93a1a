//! The legend: which look belongs to which run. It stands in its own block beside a plot, never on
//! it.

use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::style::{look, mark};
use super::text::{Label, TEXT, cut_inside, widest};

const ROW: i32 = 38;
/// Space between two entries.
const GAP: i32 = 44;
/// Longest name, in units; longer ones are cut.
const NAME: i32 = 800;

/// What to draw before a name.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    /// A marker on a piece of its line.
    Line,
    /// A marker.
    Marker,
}

impl Sample {
    fn width(self) -> i32 {
        match self {
            Sample::Line => 64,
            Sample::Marker => 22,
        }
    }
}

/// Entries in as many columns as there is room for, each read from top to bottom.
pub(super) struct Legend {
    /// The run's index, which decides its look, and its name.
    names: Vec<(usize, String)>,
    sample: Sample,
    rows: usize,
    column_width: i32,
}

impl Legend {
    /// Lays out a legend at most `room` units wide, or in one column if that is too narrow.
    pub fn new<'a>(
        names: impl IntoIterator<Item = (usize, &'a str)>,
        sample: Sample,
        room: i32,
    ) -> Legend {
        let names: Vec<(usize, String)> =
            names.into_iter().map(|(run, name)| (run, cut_inside(name, TEXT, NAME))).collect();
        let column_width =
            sample.width() + 14 + widest(names.iter().map(|(_, name)| name), TEXT) + GAP;
        let columns = ((room + GAP) / column_width).clamp(1, names.len().max(1) as i32) as usize;
        Legend { rows: names.len().div_ceil(columns), names, sample, column_width }
    }

    /// Returns its height in units.
    pub fn height(&self) -> i32 {
        ROW * self.rows as i32
    }

    /// Returns its width in units.
    pub fn width(&self) -> i32 {
        let columns = self.names.len().div_ceil(self.rows.max(1)) as i32;
        (columns * self.column_width - GAP).max(0)
    }

    /// Draws it with its top left corner at `(left, top)`.
    pub fn write(&self, area: &Area, (left, top): (i32, i32)) -> Drawn {
        for (index, (run, name)) in self.names.iter().enumerate() {
            let x = left + self.column_width * (index / self.rows) as i32;
            let y = top + ROW * (index % self.rows) as i32 + ROW / 2;
            let width = self.sample.width();
            let look = look(*run);
            if let Sample::Line = self.sample {
                area.draw(&PathElement::new(
                    vec![(x, y), (x + width, y)],
                    look.colour.stroke_width(3),
                ))?;
            }
            area.draw(&mark((x + width / 2, y), look, 9.0))?;
            Label::left(TEXT).write(area, name, (x + width + 14, y))?;
        }
        Ok(())
    }
}
