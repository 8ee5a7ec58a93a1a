//! What the user says about photos beside their folders: groups and labels.

use std::path::Path;

use kennel_core::Task;

use crate::error::Result;
use crate::group_by::Grouping;
use crate::options::PrepareOptions;
use crate::relabel::Labels;
use crate::scan::{Scan, scan};

/// The tables that some options name, read before any photo is decoded.
pub(crate) struct Tables<'a> {
    pub grouping: Option<Grouping<'a>>,
    labels: Option<Labels>,
}

impl<'a> Tables<'a> {
    /// Reads the tables.
    ///
    /// # Errors
    ///
    /// A table that cannot be read.
    pub fn read(options: &PrepareOptions<'a>) -> Result<Self> {
        Ok(Tables {
            grouping: options.group_by.map(Grouping::read).transpose()?,
            labels: options.labels.map(Labels::read).transpose()?,
        })
    }

    /// Scans a source, and corrects labels.
    ///
    /// # Errors
    ///
    /// Those of [`scan`], and a table of labels that does not fit the photos.
    pub fn scan(
        &self,
        source: &Path,
        options: &PrepareOptions,
        scratch: &Path,
        task: Task<'_>,
    ) -> Result<Scan> {
        let mut scan = scan(source, &options.of_scan(), scratch, task)?;
        if let Some(labels) = &self.labels {
            labels.apply(&mut scan)?;
        }
        Ok(scan)
    }
}
