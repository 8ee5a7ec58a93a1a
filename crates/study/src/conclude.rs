//! Ends a study: compares its runs, writes the report and exports the best network.

use std::path::{Path, PathBuf};

use kennel_core::{Lang, RunDir, Task, files};
use kennel_export::{ExportError, ExportOptions, Exported, export};
use kennel_infer::InferError;
use kennel_report::{PublishedResults, Report, Shows, Written, read_published, write_report};

use crate::{Event, Result, StudyOptions, Undrawn};

/// Where the results of a study go.
#[derive(Clone, Debug)]
pub struct Output {
    report: PathBuf,
    lang: Lang,
    models: PathBuf,
    published: Vec<PublishedResults>,
    shows: Shows,
}

impl Output {
    /// Checks what would make the report or the export fail, before hours of training: that the
    /// folders of the `report` (whose page is in `lang`) and of exported `models` can be made, and
    /// that the published results in `against` can be read.
    ///
    /// # Errors
    ///
    /// A folder that cannot be made; published results that cannot be read.
    pub fn check(report: &Path, lang: Lang, models: &Path, against: Option<&Path>) -> Result<Self> {
        let published = against.map(read_published).transpose()?.unwrap_or_default();
        check_can_be_made(report)?;
        check_can_be_made(models)?;
        let (report, models) = (report.into(), models.into());
        Ok(Output { report, lang, models, published, shows: Shows::default() })
    }

    /// Says which of the drawings that need a network the report shows.
    pub fn showing(self, shows: Shows) -> Self {
        Output { shows, ..self }
    }
}

/// Removes a new folder again, so that a stop leaves no empty one.
fn check_can_be_made(folder: &Path) -> Result<()> {
    let was_there = folder.exists();
    files::create_dir_all(folder)?;
    if !was_there {
        // If another process has put a file into it meanwhile, it stays.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

/// The results of a study.
#[derive(Debug)]
pub struct Concluded {
    /// The report.
    pub report: Report,
    /// Its files.
    pub written: Written,
    /// The file of the best network; none if no run is the best.
    pub exported: Result<Option<Exported>, ExportError>,
}

/// Writes the report on all finished runs on the study's photos, with the drawings that need a
/// network if they can be made, and exports the best network as a float file.
///
/// # Errors
///
/// No finished run; a file of the report that cannot be written. A failed export is part of the
/// result.
pub fn conclude(
    options: &StudyOptions,
    output: Output,
    task: Task<'_>,
    on: &dyn Fn(Event<'_>),
) -> Result<Concluded> {
    let Output { report: folder, lang, models, published, shows } = output;
    let photos = Some(options.data.manifest());
    let report = Report::of(options.runs, published, photos, options.commands)?;
    let report = report.with_labels_in(&folder)?.showing(shows);
    on(Event::Compared(&report.comparison));
    draw_what_is_undrawn(&report, options, task, on);
    let written = write_report(&report, &folder, lang, options.commands)?;
    on(Event::Reported { report: &report, written: &written });
    let best = report.comparison.best.as_deref().map(|best| options.runs.join(best));
    let exported = best.map(|best| export_best(&best, &models, options, task, on)).transpose();
    Ok(Concluded { report, written, exported })
}

/// Draws what the report shows and its run does not hold. Without it, it is still a report.
fn draw_what_is_undrawn(
    report: &Report,
    options: &StudyOptions,
    task: Task<'_>,
    on: &dyn Fn(Event<'_>),
) {
    for undrawn in Undrawn::in_report(report) {
        match undrawn.draw(&options.train.compute, task) {
            // The export, which is next, says that it was stopped.
            Err(error) if matches!(*error, InferError::Stopped(_)) => return,
            Err(error) => on(Event::NotDrawn { what: undrawn.name(), reason: &error }),
            Ok(()) => {}
        }
    }
}

fn export_best(
    run: &Path,
    models: &Path,
    options: &StudyOptions,
    task: Task<'_>,
    on: &dyn Fn(Event<'_>),
) -> Result<Exported, ExportError> {
    let run = RunDir::open(run)?;
    let model = run.read_record()?.settings.model;
    on(Event::ExportBegins { run: &run });
    let file = ExportOptions {
        data_dir: Some(options.data.root().into()),
        ..ExportOptions::float(models.join(format!("best_model_{model}.onnx")))
    };
    export(&run, &file, &|error| options.commands.describe(error), task)
}
