//! Corrects labels while preparing, by a table of photos. The user's files stay as they are.

use std::collections::HashSet;
use std::path::Path;

use kennel_core::{RejectedPhoto, did_you_mean};

use crate::error::Result;
use crate::scan::Scan;
use crate::table::{Column, Row, Table};

/// A table of labels: `path`, `label` and, if they are there, `suggested` and `aside`.
///
/// With a column `suggested`, that is the new label, and `label` must be the photo's label of now.
/// An empty cell changes nothing. Without that column, `label` is the new label. A photo with `yes`
/// in the column `aside` is left out.
pub(crate) struct Labels(Table);

impl Labels {
    /// Reads the table.
    ///
    /// # Errors
    ///
    /// As [`Table::read`].
    pub fn read(path: &Path) -> Result<Self> {
        let label = Column { name: "label", needed: true };
        let suggested = Column { name: "suggested", needed: false };
        let aside = Column { name: "aside", needed: false };
        Table::read(path, &[label, suggested, aside]).map(Labels)
    }

    /// Gives the listed photos of a scan their new labels, and notes how many changed. A class
    /// whose photos are all moved is no class any more.
    ///
    /// # Errors
    ///
    /// [`DataError::Table`](crate::DataError::Table) with every line that names a photo that is not
    /// there, a label that the photo does not have, or a class that does not exist: a slip must not
    /// make a class. Also if one class would be left.
    pub fn apply(&self, scan: &mut Scan) -> Result<()> {
        let rows = self.0.by_photo(scan.photos.iter().map(|photo| photo.source.as_str()))?;
        let mut changes: Vec<(usize, String)> = Vec::new();
        let mut set_aside: HashSet<&str> = HashSet::new();
        let mut problems: Vec<(u64, String)> = Vec::new();
        for (at, photo) in scan.photos.iter().enumerate() {
            let Some(row) = rows.get(photo.source.as_str()) else { continue };
            match is_aside(row) {
                Ok(false) => {}
                Ok(true) => {
                    set_aside.insert(&row.photo);
                    continue;
                }
                Err(reason) => problems.push((row.line, format!("`{}`: {reason}", row.photo))),
            }
            match new_label(row, &photo.label, &scan.classes) {
                Ok(label) if label == photo.label => {}
                Ok(label) => changes.push((at, label)),
                Err(reason) => problems.push((row.line, format!("`{}`: {reason}", row.photo))),
            }
        }
        problems.sort();
        self.0.refuse(problems)?;
        let changed = changes.len();
        for (at, label) in changes {
            scan.photos[at].label = label;
        }
        scan.notes.push(format!(
            "Labels are corrected by a table of {} photos: {changed} change{}.",
            rows.len(),
            match set_aside.len() {
                0 => String::new(),
                count => format!(", {count} are set aside"),
            }
        ));
        let (kept, aside): (Vec<_>, Vec<_>) = std::mem::take(&mut scan.photos)
            .into_iter()
            .partition(|photo| !set_aside.contains(photo.source.as_str()));
        scan.photos = kept;
        let reason = "set aside by the table of labels";
        scan.rejected.extend(
            aside
                .into_iter()
                .map(|photo| RejectedPhoto { path: photo.source, reason: reason.into() }),
        );
        scan.rejected.sort_by(|a, b| a.path.cmp(&b.path));
        let (kept, empty): (Vec<String>, Vec<String>) = std::mem::take(&mut scan.classes)
            .into_iter()
            .partition(|class| scan.photos.iter().any(|photo| photo.label == *class));
        scan.classes = kept;
        if scan.classes.len() < 2 && !empty.is_empty() {
            let left = scan.classes.join(", ");
            let reason = format!("with these labels, `{left}` is the only class left");
            return self.0.refuse(vec![(1, reason)]);
        }
        for class in empty {
            scan.notes.push(format!(
                "Class `{class}` has no photo left after the corrections and is not a class."
            ));
        }
        Ok(())
    }
}

/// Whether a row leaves its photo out.
fn is_aside(row: &Row) -> Result<bool, String> {
    match row.values[2].as_deref() {
        None | Some("") => Ok(false),
        Some("yes") => Ok(true),
        Some(other) => Err(format!("`aside` is `{other}`, expected `yes` or nothing")),
    }
}

/// Returns the label that a row gives a photo of the class `now`, or why it gives none.
fn new_label(row: &Row, now: &str, classes: &[String]) -> Result<String, String> {
    let label = row.values[0].as_deref().unwrap_or_default();
    let new = match row.values[1].as_deref() {
        Some(_) if label != now => {
            return Err(format!("its label is `{now}`, not `{label}` as the table says"));
        }
        Some(suggested) => suggested,
        None => label,
    };
    match new {
        "" => Ok(now.into()),
        new if classes.iter().any(|class| class == new) => Ok(new.into()),
        new => {
            let meant = did_you_mean(new, classes.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?"));
            Err(format!("there is no class `{new}`{}", meant.unwrap_or_default()))
        }
    }
}
