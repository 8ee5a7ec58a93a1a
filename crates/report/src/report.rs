//! The report on a folder of runs, and the files that it is written to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kennel_core::{Manifest, files};
use kennel_metrics::render_classification_report;
use serde::Serialize;

use crate::drawings::{Figures, draw};
use crate::{
    Against, Check, Commands, Comparison, FinishedRun, Overlap, PublishedResults, Result, honesty, page,
    published,
};

/// Pixels of a PNG per pixel of its SVG.
const PNG_SCALE: f32 = 2.0;

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
    /// The runs themselves, in the order of the comparison.
    #[serde(skip)]
    pub runs: Vec<FinishedRun>,
}

/// The files that were written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// Figures and texts.
    pub plots: Vec<PathBuf>,
    /// Some of the characters that no font of this machine has. They are empty boxes in the PNG
    /// figures.
    pub boxes: BTreeSet<char>,
    /// Runs that are not in this report but still have results in `metrics/`.
    pub others: BTreeSet<String>,
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
            comparison,
            runs,
        })
    }

    /// Draws every figure.
    ///
    /// # Errors
    ///
    /// A figure that cannot be drawn.
    pub fn figures(&self) -> Result<Figures> {
        draw(self)
    }
}

/// Writes `metrics/<run>_results.json`, `plots/` and `report.html` under `out`, each file through a
/// temporary file.
///
/// # Errors
///
/// A folder that cannot be created, a file that cannot be written, a figure that cannot be drawn.
pub fn write_report(report: &Report, out: &Path, commands: &dyn Commands) -> Result<Written> {
    let (metrics, plots) = (out.join("metrics"), out.join("plots"));
    files::create_dir_all(&metrics)?;
    files::create_dir_all(&plots)?;
    for (run, summary) in report.runs.iter().zip(&report.comparison.runs) {
        published::write_results(&metrics, run, summary)?;
    }
    let figures = report.figures()?;
    let (mut written, mut boxes) = (Vec::new(), BTreeSet::new());
    for figure in figures.all() {
        let (svg, png) =
            (plots.join(format!("{}.svg", figure.stem)), plots.join(format!("{}.png", figure.stem)));
        files::write_atomically(&svg, figure.svg.as_str().as_bytes())?;
        let (pixels, missing) = figure.svg.to_png_with_boxes(PNG_SCALE)?;
        files::write_atomically(&png, &pixels)?;
        boxes.extend(missing);
        written.extend([svg, png]);
    }
    for summary in &report.comparison.runs {
        if let Some(test) = &summary.test {
            let path = plots.join(format!("{}_classification_report.txt", summary.name));
            files::write_atomically(&path, render_classification_report(&test.evaluation).as_bytes())?;
            written.push(path);
        }
    }
    let page = out.join("report.html");
    files::write_atomically(&page, page::render(report, &figures, commands)?.as_bytes())?;
    let names: BTreeSet<String> = report.comparison.runs.iter().map(|run| run.name.clone()).collect();
    let others = published::names(&metrics)?.difference(&names).cloned().collect();
    Ok(Written { page, plots: written, boxes, others })
}
