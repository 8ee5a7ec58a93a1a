//! A folder of photos that a network can be trained on.

use std::path::{Path, PathBuf};

use kennel_core::{RejectedPhoto, SplitCounts, Task};
use kennel_data::{Dataset, Fractions, GroupBy, PrepareOptions};

use crate::{Error, Result};

/// Checks the photos in `photos` and copies them to `out`, split into training, validation and test
/// photos. [`Preparation`] has options.
///
/// # Errors
///
/// As [`Preparation::prepare`].
pub fn prepare(photos: impl AsRef<Path>, out: impl AsRef<Path>) -> Result<DataSet> {
    Preparation::new(photos, out).prepare()
}

/// How photos become a data set.
#[derive(Clone, Debug)]
pub struct Preparation {
    photos: PathBuf,
    out: PathBuf,
    seed: u64,
    fractions: Fractions,
    group_by: Option<GroupBy>,
    labels: Option<PathBuf>,
}

impl Preparation {
    /// Reads `photos`, a folder or tar with one folder per class, and writes `out`. The defaults
    /// are seed 42, 70 % of each class for training and 15 % for validation.
    pub fn new(photos: impl AsRef<Path>, out: impl AsRef<Path>) -> Self {
        let PrepareOptions { seed, fractions, .. } = PrepareOptions::default();
        Self {
            photos: photos.as_ref().into(),
            out: out.as_ref().into(),
            seed,
            fractions,
            group_by: None,
            labels: None,
        }
    }

    /// Sets the seed of the split.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the shares of each class for training and validation; the rest is for testing. Photos
    /// that lie under `train/`, `val/` and `test/` already stay there.
    pub fn fractions(mut self, train: f64, val: f64) -> Self {
        self.fractions = Fractions { train, val };
        self
    }

    /// Keeps photos of one group on one side of the split. `how` is one of
    ///
    /// - `folder`: the folder below the class's folder, as in `class/GROUP/photo.jpg`
    /// - `regex:PATTERN`: what the first parentheses match in the photo's path
    /// - `csv:FILE`: a table with the columns `path` and `group`
    /// - `exif-time` or `exif-time:SECONDS`: photos of one camera, each taken at most so many
    ///   seconds after the one before it (10 if not given)
    ///
    /// # Errors
    ///
    /// Another text, or an invalid pattern.
    pub fn group_by(mut self, how: &str) -> Result<Self> {
        self.group_by = Some(how.parse::<GroupBy>().map_err(Error::of)?);
        Ok(self)
    }

    /// Corrects labels by a CSV file with the columns `path`, `label` (of now) and `suggested` (the
    /// new one). Without the column `suggested`, `label` is the new one.
    pub fn labels(mut self, table: impl AsRef<Path>) -> Self {
        self.labels = Some(table.as_ref().into());
        self
    }

    /// Decodes every photo, keeps near duplicates on one side of the split, and writes the data
    /// set. Does nothing if it is up to date.
    ///
    /// # Errors
    ///
    /// Photos that are missing or lie otherwise, shares out of bounds, a class without training
    /// photos, a table or grouping that does not fit the photos, and an output folder that cannot be
    /// written or is not Kennel's. The output is then as it was.
    pub fn prepare(&self) -> Result<DataSet> {
        let options = PrepareOptions {
            seed: self.seed,
            fractions: self.fractions,
            group_by: self.group_by.as_ref(),
            labels: self.labels.as_deref(),
            ..PrepareOptions::default()
        };
        kennel_data::prepare(&self.photos, &self.out, &options, Task::unwatched())
            .map_err(Error::of)?;
        DataSet::open(&self.out)
    }
}

/// Photos with their classes, split into training, validation and test photos.
#[derive(Clone, Debug)]
pub struct DataSet {
    data: Dataset,
}

impl DataSet {
    /// Opens what [`prepare`] wrote, or a folder with one folder per class, whose photos are then
    /// decoded first.
    ///
    /// # Errors
    ///
    /// A folder that is missing, is no data set, or has changed since it was prepared.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { data: Dataset::open(path.as_ref()).map_err(Error::of)? })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.data.root()
    }

    /// Class names, sorted by bytes. The index of a class is its place here.
    pub fn class_names(&self) -> &[String] {
        self.data.classes()
    }

    /// Number of photos per split.
    pub fn counts(&self) -> SplitCounts {
        self.data.manifest().counts(None)
    }

    /// Number of photos of one class per split.
    pub fn counts_of(&self, class: &str) -> SplitCounts {
        self.data.manifest().counts(Some(class))
    }

    /// Files that were left out, with the reason.
    pub fn rejected(&self) -> &[RejectedPhoto] {
        &self.data.manifest().rejected
    }

    pub(crate) fn inner(&self) -> &Dataset {
        &self.data
    }
}
