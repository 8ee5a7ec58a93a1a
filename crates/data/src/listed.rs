//! A source that is a table: photos by their paths, each with its label and perhaps its part and
//! its group.

use std::collections::BTreeSet;
use std::path::Path;

use kennel_core::{composed, files};

use crate::added::refused_class_name;
use crate::division::parts_among;
use crate::error::Result;
use crate::layout::{Candidate, Layout};
use crate::table::{Column, Row, Table};

const COLUMNS: [Column; 3] = [
    Column { name: "label", needed: true },
    Column { name: "split", needed: false },
    Column { name: "group", needed: false },
];

/// Whether a source is a table.
pub(crate) fn is_table(source: &Path) -> bool {
    source.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) && source.is_file()
}

/// Reads the layout of a table. Paths are relative to its folder, or absolute. If it has a column
/// `split`, the photos are divided so; if it has a column `group`, they are grouped so.
///
/// # Errors
///
/// As [`Table::read`]; [`DataError::Table`](crate::DataError::Table) with every line whose photo is
/// not there, or whose label or part cannot be used.
pub(crate) fn layout_of(table: &Path) -> Result<Layout> {
    let folder = files::folder_of(table);
    let table = Table::read(table, &COLUMNS)?;
    let divided = table.rows().iter().any(|row| part(row).is_some());
    let (mut candidates, mut problems) = (Vec::new(), Vec::new());
    for row in table.rows() {
        match candidate(row, folder, divided) {
            Ok(candidate) => candidates.push(candidate),
            Err(reason) => problems.push((row.line, reason)),
        }
    }
    table.refuse(problems)?;
    candidates.sort_by(|a, b| a.source.cmp(&b.source));
    let classes: BTreeSet<&String> = candidates.iter().map(|photo| &photo.label).collect();
    let mut layout = Layout::default();
    layout.classes = classes.into_iter().cloned().collect();
    layout.candidates = candidates;
    layout.divided = divided;
    Ok(layout)
}

/// The cell of a photo's part, if it is not empty.
fn part(row: &Row) -> Option<&str> {
    cell(row, 1)
}

/// A cell of [`COLUMNS`], if it is not empty.
fn cell(row: &Row, column: usize) -> Option<&str> {
    row.values[column].as_deref().map(str::trim).filter(|cell| !cell.is_empty())
}

fn candidate(row: &Row, folder: &Path, divided: bool) -> Result<Candidate, String> {
    let file = folder.join(&row.photo);
    if row.photo.is_empty() || !file.is_file() {
        return Err(format!("there is no file `{}`", row.photo));
    }
    let label = cell(row, 0).ok_or_else(|| format!("`{}` has no label", row.photo))?;
    let label = composed(label);
    if let Some(reason) = refused_class_name(&label) {
        return Err(format!("`{}` has the label `{label}`: {reason}", row.photo));
    }
    let given = match (part(row), divided) {
        (None, false) => None,
        (None, true) => return Err(format!("`{}` has no split, and others have one", row.photo)),
        (Some(part), _) => match parts_among(&[part]).as_slice() {
            [Some(split)] => Some(*split),
            _ => return Err(format!("the split `{part}` is none of train, val and test")),
        },
    };
    let group = cell(row, 2).map(String::from);
    Ok(Candidate { source: row.photo.clone(), file, label, given, folder: None, group })
}
