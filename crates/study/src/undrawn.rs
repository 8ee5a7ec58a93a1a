//! What the page of a report shows and only a network can draw: the report says what, and `infer`
//! draws it into the run.

use kennel_core::{RunDir, Split, Task};
use kennel_infer::{Compute, InferError, draw_heat_maps, draw_photo_map};
use kennel_report::{PhotosShown, Report, heat_map, photo_map_of, photos_shown, run_mapped};

/// Drawings of a report that its run does not hold yet.
#[derive(Clone, Debug)]
pub enum Undrawn<'a> {
    /// Where the network looks in photos that the page shows large.
    HeatMaps {
        /// The run.
        run: &'a RunDir,
        /// The split of the photos.
        split: Split,
        /// Their paths in the data set.
        paths: Vec<&'a str>,
    },
    /// Which photos the network sees as alike.
    PhotoMap {
        /// The run.
        run: &'a RunDir,
    },
}

impl<'a> Undrawn<'a> {
    /// Finds what the page of `report` shows ([`Report::shows`]) and is not drawn yet.
    pub fn in_report(report: &'a Report) -> Vec<Self> {
        let mut found = Vec::new();
        if report.shows.heat_maps
            && let Some(PhotosShown { run, split, mut paths }) = photos_shown(report)
        {
            paths.retain(|path| heat_map(&run.dir, split, path).is_none());
            if !paths.is_empty() {
                found.push(Undrawn::HeatMaps { run: &run.dir, split, paths });
            }
        }
        if report.shows.photo_map
            && let Some(run) = run_mapped(report)
            && photo_map_of(&run.dir).is_none()
        {
            found.push(Undrawn::PhotoMap { run: &run.dir });
        }
        found
    }

    /// Its name, for a message.
    pub fn name(&self) -> &'static str {
        match self {
            Undrawn::HeatMaps { .. } => "heat maps",
            Undrawn::PhotoMap { .. } => "map of the photos",
        }
    }

    /// Draws it into the run.
    ///
    /// # Errors
    ///
    /// As [`draw_heat_maps`] and [`draw_photo_map`]. The report can be written without it.
    pub fn draw(&self, compute: &Compute, task: Task<'_>) -> Result<(), Box<InferError>> {
        match self {
            Undrawn::HeatMaps { run, split, paths } => {
                draw_heat_maps(run, *split, paths, compute, task)?;
            }
            Undrawn::PhotoMap { run } => draw_photo_map(run, compute, task)?,
        }
        Ok(())
    }
}
