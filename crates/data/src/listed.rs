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

/// Whether a table names the groups of its photos.
///
/// # Errors
///
/// As [`layout_of`].
pub(crate) fn names_groups(table: &Path) -> Result<bool> {
    let rows = Table::read(table, &COLUMNS)?;
    let has_group = |row: &Row| row.values[2].as_deref().is_some_and(|group| !group.is_empty());
    Ok(rows.rows().iter().any(has_group))
}

/// Reads the layout of a table. Paths are relative to its folder, or absolute. If it has a column
/// `split`, the photos are divided so.
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
    row.values[1].as_deref().map(str::trim).filter(|part| !part.is_empty())
}

fn candidate(row: &Row, folder: &Path, divided: bool) -> Result<Candidate, String> {
    let file = folder.join(&row.photo);
    if row.photo.is_empty() || !file.is_file() {
        return Err(format!("there is no file `{}`", row.photo));
    }
    let label = composed(row.values[0].as_deref().unwrap_or_default().trim());
    if label.is_empty() {
        return Err(format!("`{}` has no label", row.photo));
    }
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
    Ok(Candidate { source: row.photo.clone(), file, label, given, folder: None })
}
