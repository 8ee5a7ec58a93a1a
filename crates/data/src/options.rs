//! Options of preparing a source, and of opening a data set.

use std::path::{Path, PathBuf};

use crate::group_by::GroupBy;
use crate::preset::Preset;
use crate::scan::ScanOptions;
use crate::split::Fractions;

/// How to prepare.
#[derive(Clone, Debug)]
pub struct PrepareOptions<'a> {
    /// Takes only the folders of a known data set. Without a preset, every folder is a class.
    pub preset: Option<Preset>,
    /// Seed of the split.
    pub seed: u64,
    /// Leaves out photos whose shorter side has fewer pixels.
    pub min_side_px: u32,
    /// Makes hard links instead of copies.
    pub link: bool,
    /// Shares of each class for training and validation.
    pub fractions: Fractions,
    /// As [`ScanOptions::known`].
    pub known: Option<&'a [String]>,
    /// As [`ScanOptions::classes_are`].
    pub classes_are: Option<&'a Path>,
    /// As [`ScanOptions::added`]. Where the source is divided, an added photo goes to the part of a
    /// photo that it resembles or whose group it shares, or else to training.
    pub added: &'a [PathBuf],
    /// Keeps photos of one group on one side of the split.
    pub group_by: Option<&'a GroupBy>,
    /// Corrects labels by a CSV file with the columns `path`, `label` and perhaps `suggested`.
    ///
    /// With a column `suggested`, that is the new label, and `label` is the one of now. Without it,
    /// `label` is the new label. Photos are named by their paths in the source.
    pub labels: Option<&'a Path>,
}

impl Default for PrepareOptions<'_> {
    fn default() -> Self {
        let ScanOptions { preset, min_side_px, known, classes_are, added, .. } =
            ScanOptions::default();
        Self {
            preset,
            seed: 42,
            min_side_px,
            link: false,
            fractions: Fractions::default(),
            known,
            classes_are,
            added,
            group_by: None,
            labels: None,
        }
    }
}

impl PrepareOptions<'_> {
    /// The options of the scan.
    pub(crate) fn of_scan(&self) -> ScanOptions<'_> {
        let Self { preset, min_side_px, known, classes_are, added, .. } = *self;
        let reads_time = self.group_by.is_some_and(GroupBy::reads_time);
        ScanOptions { preset, min_side_px, known, classes_are, added, reads_time }
    }
}
