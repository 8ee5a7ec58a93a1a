//! Options of preparing a source, and of opening a data set.

use std::path::Path;

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
}

impl Default for PrepareOptions<'_> {
    fn default() -> Self {
        let ScanOptions { preset, min_side_px, known, classes_are } = ScanOptions::default();
        let fractions = Fractions::default();
        Self { preset, seed: 42, min_side_px, link: false, fractions, known, classes_are }
    }
}

impl PrepareOptions<'_> {
    /// The options of the scan.
    pub(crate) fn of_scan(&self) -> ScanOptions<'_> {
        let Self { preset, min_side_px, known, classes_are, .. } = *self;
        ScanOptions { preset, min_side_px, known, classes_are }
    }
}
