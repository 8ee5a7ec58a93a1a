//! The heat maps that a report shows: the report says of which photos, and `infer` draws them.

use kennel_core::{RunDir, Split, Task};
use kennel_infer::{Compute, InferError, draw_heat_maps};
use kennel_report::{PhotosShown, Report, heat_map, photos_shown};

/// Photos of a report whose run holds no heat map of them.
#[derive(Clone, Debug)]
pub struct WithoutHeat<'a> {
    run: &'a RunDir,
    split: Split,
    paths: Vec<&'a str>,
}

impl<'a> WithoutHeat<'a> {
    /// Finds the photos that the page of `report` shows large and whose heat is not drawn yet.
    /// `None` if there are none.
    pub fn in_report(report: &'a Report) -> Option<Self> {
        let PhotosShown { run, split, mut paths } = photos_shown(report)?;
        paths.retain(|path| heat_map(&run.dir, split, path).is_none());
        (!paths.is_empty()).then_some(Self { run: &run.dir, split, paths })
    }

    /// Draws their heat into the run.
    ///
    /// # Errors
    ///
    /// As [`draw_heat_maps`]. The report can be written without them.
    pub fn draw(&self, compute: &Compute, task: Task<'_>) -> Result<(), Box<InferError>> {
        Ok(draw_heat_maps(self.run, self.split, &self.paths, compute, task)?)
    }
}
