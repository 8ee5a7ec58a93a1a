//! Sorts labelled photos into folders, and undoes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use kennel_core::{Task, kept_in_place, quoted};
use kennel_data::sort::{Bin, JOURNAL, SortBy, Sorter, undo};
use kennel_data::{DataError, is_tar_name};

use crate::failure::{CommandResult, Failure};
use crate::hints::worded;
use crate::interrupt;
use crate::rows::Row;
use crate::session::Session;

/// Least probability of a label that a photo is sorted by.
pub const SURE: f64 = 0.8;

/// Where photos are sorted, and how.
#[derive(Args)]
pub struct SortArgs {
    /// Sort the photos into DIR/<label>, DIR/unsure (below --min-confidence) and DIR/unknown (none
    /// of the classes); unreadable ones stay
    #[arg(long, value_name = "DIR")]
    sort_into: Option<PathBuf>,
    /// With --sort-into: copy the photos; this is the default
    #[arg(long, requires = "sort_into", group = "sort_by")]
    copy: bool,
    /// With --sort-into: hard-link the photos, which takes no room
    #[arg(long, requires = "sort_into", group = "sort_by")]
    link: bool,
    /// With --sort-into: move the photos
    #[arg(long = "move", requires = "sort_into", group = "sort_by")]
    moves: bool,
    /// Put the photos back that were sorted into DIR, and remove copies and links
    #[arg(long, value_name = "DIR", conflicts_with_all = ["photos", "sort_into", "run", "model", "strategy", "weights", "onnx"])]
    undo: Option<PathBuf>,
}

impl SortArgs {
    /// The folder whose sorting is to be undone.
    pub fn undone(&self) -> Option<&Path> {
        self.undo.as_deref()
    }

    /// The least probability of a label unless another was asked for.
    pub fn min_confidence(&self) -> f64 {
        if self.sort_into.is_some() { SURE } else { 0.0 }
    }

    /// Begins to sort `photos`, if asked for.
    pub fn begin(
        &self,
        photos: &[PathBuf],
        class_names: &[String],
        session: &Session,
    ) -> Result<Option<Sorting>, Failure> {
        let Some(out) = &self.sort_into else { return Ok(None) };
        if photos.iter().any(|photo| photo == Path::new("-")) {
            return Err(Failure::Usage("--sort-into: standard input is no file to sort".into()));
        }
        if let Some(tar) = photos.iter().find(|photo| is_tar_name(photo)) {
            let tar = kennel_core::shown(tar);
            return Err(Failure::Usage(format!(
                "--sort-into: {tar} is a tar, whose photos cannot be sorted; unpack it first"
            )));
        }
        let by = match (self.link, self.moves) {
            (true, _) => SortBy::Link,
            (_, true) => SortBy::Move,
            _ => SortBy::Copy,
        };
        let sorter = Sorter::begin(out, photos, by, class_names)?;
        for (class, folder) in sorter.renamed() {
            let (class, folder) = (kept_in_place(class), kept_in_place(folder));
            say!(session, "note: photos of `{class}` go into the folder {folder}");
        }
        let class_names = class_names.to_vec();
        Ok(Some(Sorting {
            sorter,
            out: out.clone(),
            class_names,
            counts: BTreeMap::new(),
            failed: 0,
            first_error: None,
        }))
    }
}

/// Photos that are being sorted.
pub struct Sorting {
    sorter: Sorter,
    out: PathBuf,
    class_names: Vec<String>,
    counts: BTreeMap<Bin, usize>,
    /// Photos that could not be sorted.
    failed: usize,
    /// Why the first of them could not.
    first_error: Option<String>,
}

impl Sorting {
    /// Sorts the photos of some rows.
    pub fn place(&mut self, rows: &[Row], session: &Session) -> CommandResult {
        let photos: Vec<(&str, Bin)> = rows.iter().filter_map(|row| self.bin(row)).collect();
        for (placed, (_, bin)) in self.sorter.place(&photos)?.into_iter().zip(photos) {
            match placed {
                Ok(_) => *self.counts.entry(bin).or_default() += 1,
                Err(error) => {
                    detail!(session, "not sorted {error}");
                    self.failed += 1;
                    self.first_error.get_or_insert_with(|| worded(&error));
                }
            }
        }
        Ok(())
    }

    /// Returns where a photo belongs, if it was labelled.
    fn bin<'a>(&self, row: &'a Row) -> Option<(&'a str, Bin)> {
        let Row::Seen { path, label, unknown, .. } = row else { return None };
        let class = |label: &String| self.class_names.iter().position(|name| name == label);
        let bin = match label.as_ref().and_then(class) {
            Some(index) => Bin::Class(index),
            None if unknown.is_some_and(|unknown| unknown.is_unknown) => Bin::Unknown,
            None => Bin::Unsure,
        };
        Some((path, bin))
    }

    /// Prints how many photos lie where, how to undo it, and why some stay where they were. Returns
    /// whether all are sorted.
    pub fn end(self, session: &Session) -> bool {
        let of = |(bin, count): (&Bin, &usize)| match bin {
            Bin::Class(index) => format!("{count} {}", kept_in_place(&self.class_names[*index])),
            Bin::Unsure => format!("{count} unsure"),
            Bin::Unknown => format!("{count} unknown"),
        };
        if !self.counts.is_empty() {
            let counts: Vec<String> = self.counts.iter().map(of).collect();
            let out = self.out.to_string_lossy();
            say!(session, "sorted     {} into {}", counts.join(", "), self.out.display());
            say!(session, "undo       kennel predict --undo {}", quoted(&out));
        }
        if let Some(first) = &self.first_error {
            shout!("error: {} photos were not sorted: {first}", self.failed);
        }
        self.failed == 0
    }
}

/// Undoes what was sorted into `out`, and prints what became of the photos.
pub fn run_undo(out: &Path, session: &Session) -> CommandResult {
    let task = Task::new(interrupt::listen(session), &|_| {});
    let undone = match undo(out, task) {
        Err(DataError::Stopped(_)) => {
            shout!("stopped\nhint: the same command does the rest");
            return Err(Failure::Interrupted(""));
        }
        undone => undone?,
    };
    say!(session, "undone     {} moved back, {} removed", undone.moved, undone.removed);
    if let Some(first) = undone.gone.first() {
        let (gone, first) = (undone.gone.len(), first.display());
        say!(
            session,
            "note: {gone} of the photos are no longer there, such as {first}; {JOURNAL} keeps where \
             they came from"
        );
    }
    for kept in &undone.kept {
        shout!("error: {}", worded(kept));
    }
    if undone.kept.is_empty() { Ok(()) } else { Err(Failure::Partly) }
}
