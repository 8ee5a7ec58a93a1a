//! A table as a figure, with rules above, below and under its header, as in books.

use plotters::prelude::*;

use super::area::Drawn;
use super::style::INK;
use super::svg::{Svg, cannot, draw};
use super::text::{Label, TEXT, TITLE, cut_inside, shortened, text_width};
use crate::Result;

const FIGURE: &str = "table";
const MARGIN: i32 = 30;
const ROW: i32 = 46;
/// Space between columns.
const GAP: i32 = 44;
/// Longest cell, in units; longer ones are cut.
const CELL: i32 = 960;

/// The contents of a table.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// Title above the table.
    pub title: &'a str,
    /// A name for each column.
    pub header: &'a [String],
    /// Cells; a row of fewer cells than the header ends early.
    pub rows: &'a [Vec<String>],
    /// Indices of the right-aligned columns.
    pub numbers: &'a [usize],
}

/// Draws a table, each column as wide as its widest cell.
///
/// # Errors
///
/// [`ReportError::Figure`](crate::ReportError::Figure) without columns, or when a row has more
/// cells than the header.
pub fn table(table: &Table) -> Result<Svg> {
    let columns = table.header.len();
    if columns == 0 {
        return Err(cannot(FIGURE, "there is no column"));
    }
    if let Some(row) = table.rows.iter().find(|row| row.len() > columns) {
        return Err(cannot(FIGURE, format!("a row has {} cells, the header {columns}", row.len())));
    }
    let short = |row: &[String]| -> Vec<String> {
        row.iter().map(|cell| cut_inside(cell, TEXT, CELL)).collect()
    };
    let header = short(table.header);
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| short(row)).collect();
    let lines = || std::iter::once(&header).chain(&rows);
    let width_of = |column: usize| {
        lines().filter_map(|line| line.get(column)).map(|cell| text_width(cell, TEXT)).max()
    };
    let widths: Vec<i32> = (0..columns).map(|column| width_of(column).unwrap_or(0)).collect();

    let lines_width = widths.iter().sum::<i32>() + GAP * columns as i32;
    let title = shortened(table.title, TITLE, lines_width.max(1200));
    let width = 2 * MARGIN + lines_width.max(text_width(&title, TITLE));
    let top = if title.is_empty() { MARGIN } else { MARGIN + 60 };
    let bottom = top + ROW * (rows.len() as i32 + 1);
    draw(FIGURE, &title, (width, bottom + MARGIN), |area, _| {
        Label::left(TITLE).write(area, &title, (MARGIN, MARGIN + 14))?;
        for (index, line) in lines().enumerate() {
            let y = top + ROW * index as i32;
            if index > 0 && index % 2 == 0 {
                let band = [(MARGIN, y), (width - MARGIN, y + ROW)];
                area.draw(&Rectangle::new(band, BLACK.mix(0.04).filled()))?;
            }
            let mut x = MARGIN + GAP / 2;
            for (column, (cell, column_width)) in line.iter().zip(&widths).enumerate() {
                let (label, at) = match table.numbers.contains(&column) {
                    true => (Label::right(TEXT), x + column_width),
                    false => (Label::left(TEXT), x),
                };
                label.write(area, cell, (at, y + ROW / 2))?;
                x += column_width + GAP;
            }
        }
        let rule = |y: i32, thickness: u32| -> Drawn {
            area.draw(&PathElement::new(
                vec![(MARGIN, y), (width - MARGIN, y)],
                INK.stroke_width(thickness),
            ))
        };
        rule(top, 3)?;
        rule(top + ROW, 2)?;
        rule(bottom, 3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReportError;

    fn cells(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| text.to_string()).collect()
    }

    #[test]
    fn numbers_end_where_their_column_ends() {
        let header = cells(&["model", "top 1"]);
        let rows = [cells(&["resnet50", "99.2"]), cells(&["vgg16_bn", "8.0"])];
        let svg = table(&Table { title: "", header: &header, rows: &rows, numbers: &[1] }).unwrap();
        let ends: Vec<&str> =
            svg.as_str().lines().filter(|line| line.contains(r#"text-anchor="end""#)).collect();
        let x = |line: &str| {
            line.split_once(r#"x=""#).map(|(_, rest)| rest.split('"').next().map(str::to_string))
        };
        assert_eq!(ends.len(), 3);
        assert!(ends.iter().all(|line| x(line) == x(ends[0])), "{ends:?}");
    }

    #[test]
    fn whatever_a_cell_holds_is_escaped() {
        let header = cells(&["<&\">"]);
        let rows = [cells(&["\u{7}]]>"]), vec![]];
        let svg =
            table(&Table { title: "a & b", header: &header, rows: &rows, numbers: &[7] }).unwrap();
        assert!(svg.as_str().contains("&lt;&amp;&quot;&gt;") && svg.as_str().contains("?]]&gt;"));
        assert!(svg.as_str().contains("<title>a &amp; b</title>"));
        assert!(svg.to_png(1.0).is_ok());
    }

    #[test]
    fn a_table_without_columns_or_with_a_row_too_long_is_refused() {
        let header = cells(&["one"]);
        let rows = [cells(&["1", "2"])];
        for (header, rows) in [(&[][..], &[][..]), (&header[..], &rows[..])] {
            let made = table(&Table { title: "", header, rows, numbers: &[] });
            assert!(matches!(made, Err(ReportError::Figure { figure: FIGURE, .. })));
        }
    }
}
