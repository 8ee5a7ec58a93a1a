//! The report on a folder of runs.

use std::path::Path;

use kennel_core::Manifest;
use serde::Serialize;

use crate::{
    Against, Check, Commands, Comparison, FinishedRun, LabelsAudit, Overlap, PublishedResults,
    Result, honesty, published,
};

/// The contents of a report; the JSON in `report.html`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of Kennel that made it.
    pub kennel_version: &'static str,
    /// The comparison of the runs.
    pub comparison: Comparison,
    /// What a reader must know before trusting the numbers.
    pub checks: Vec<Check>,
    /// Whether the pretrained networks may have seen the test photos.
    pub overlap: Option<Overlap>,
    /// Published results compared with ours.
    pub against: Vec<Against>,
    /// Labels that are probably wrong, if they were audited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelsAudit>,
    /// What the page shows of what its run holds.
    #[serde(skip)]
    pub shows: Shows,
    /// The runs themselves, in the order of the comparison.
    #[serde(skip)]
    pub runs: Vec<FinishedRun>,
}

/// What a page shows that only a network can draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shows {
    /// Where the network looks in photos.
    pub heat_maps: bool,
    /// Which photos the network sees as alike.
    pub photo_map: bool,
}

impl Default for Shows {
    fn default() -> Self {
        Shows { heat_maps: true, photo_map: true }
    }
}

impl Report {
    /// Reads every finished run under `runs` and compares those that share their test photos.
    /// `against` is a folder of published results to compare them with; `commands` words commands
    /// and errors.
    ///
    /// # Errors
    ///
    /// No finished run; published results that cannot be read.
    pub fn read(runs: &Path, against: Option<&Path>, commands: &dyn Commands) -> Result<Self> {
        let published = against.map(published::read_published).transpose()?.unwrap_or_default();
        Report::of(runs, published, None, commands)
    }

    /// As [`Report::read`], but compares the runs on the test photos of `photos`, if given.
    ///
    /// # Errors
    ///
    /// No finished run.
    pub fn of(
        runs: &Path,
        published: Vec<PublishedResults>,
        photos: Option<&Manifest>,
        commands: &dyn Commands,
    ) -> Result<Self> {
        let (runs, left_out) = crate::read_runs(runs, &|error| commands.describe(error))?;
        let (comparison, runs) = Comparison::new(runs, left_out, photos);
        Ok(Report {
            kennel_version: env!("CARGO_PKG_VERSION"),
            checks: honesty::checks(&comparison, &runs, commands),
            overlap: runs.iter().find_map(honesty::overlap),
            against: published::set_against(published, &comparison),
            labels: None,
            shows: Shows::default(),
            comparison,
            runs,
        })
    }

    /// Says what the page shows of what its run holds.
    pub fn showing(self, shows: Shows) -> Self {
        Report { shows, ..self }
    }

    /// Adds the wrong labels that an audit left in `folder`, if it did and is one of these photos.
    ///
    /// # Errors
    ///
    /// An audit that cannot be read.
    pub fn with_labels_in(mut self, folder: &Path) -> Result<Self> {
        let best = self.runs.iter().find(|run| self.comparison.best == Some(run.name()));
        if let Some(run) = best.or(self.runs.first()) {
            self.labels = LabelsAudit::read(folder, &run.manifest)?;
        }
        Ok(self)
    }
}
