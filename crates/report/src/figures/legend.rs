//! Which look is which run: a block of its own beside a plot, never on it.

use plotters::prelude::*;

use super::style::{look, mark};
use super::svg::{Area, Drawn};
use super::text::{Label, TEXT, cut_inside, widest};

const ROW: i32 = 38;
/// From the end of one entry to the next.
const GAP: i32 = 44;
/// A name of more units is cut.
const NAME: i32 = 800;

/// What stands before a name.
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

/// Entries in as many columns as there is room for, read from above.
pub(super) struct Legend {
    /// The run's index, by which it looks as it does, and its name.
    names: Vec<(usize, String)>,
    sample: Sample,
    rows: usize,
    column_width: i32,
}

impl Legend {
    /// A legend of at most `room` units across (and of one column where that is too few).
    pub fn new<'a>(names: impl IntoIterator<Item = (usize, &'a str)>, sample: Sample, room: i32) -> Legend {
        let names: Vec<(usize, String)> =
            names.into_iter().map(|(run, name)| (run, cut_inside(name, TEXT, NAME))).collect();
        let column_width = sample.width() + 14 + widest(names.iter().map(|(_, name)| name), TEXT) + GAP;
        let columns = ((room + GAP) / column_width).clamp(1, names.len().max(1) as i32) as usize;
        Legend { rows: names.len().div_ceil(columns), names, sample, column_width }
    }

    /// Units from above to below.
    pub fn height(&self) -> i32 {
        ROW * self.rows as i32
    }

    /// Units across.
    pub fn width(&self) -> i32 {
        let columns = self.names.len().div_ceil(self.rows.max(1)) as i32;
        (columns * self.column_width - GAP).max(0)
    }

    /// Draws it with its upper left corner at `(left, top)`.
    pub fn write(&self, area: &Area, (left, top): (i32, i32)) -> Drawn {
        for (index, (run, name)) in self.names.iter().enumerate() {
            let x = left + self.column_width * (index / self.rows) as i32;
            let y = top + ROW * (index % self.rows) as i32 + ROW / 2;
            let width = self.sample.width();
            let look = look(*run);
            if let Sample::Line = self.sample {
                area.draw(&PathElement::new(vec![(x, y), (x + width, y)], look.colour.stroke_width(3)))?;
            }
            area.draw(&mark((x + width / 2, y), look, 9.0))?;
            Label::left(TEXT).write(area, name, (x + width + 14, y))?;
        }
        Ok(())
    }
}
