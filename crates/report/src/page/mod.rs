//! Pages: self-contained files that are read without scripts. Their numbers come from the JSON that
//! they embed.
//!
//! The report goes from what a reader with a minute needs to what one with an hour may ask (ADR
//! 21): [`headline`], [`gallery`], [`compared`], [`per_class`], [`checks`], [`run`].

mod album;
mod audit;
mod checks;
mod compared;
mod confusion;
mod context;
mod figure;
mod frame;
mod gallery;
mod headline;
mod more_photos;
mod number;
mod p_matrix;
mod per_class;
mod photo_map;
mod plots;
mod published;
mod run;
mod subject;
mod tables;
mod tiles;
mod tried;
mod unknown_photos;

use std::path::Path;

use maud::html;
use serde_json::Value;

use crate::honesty::checks_in;
use crate::words::Words;
use crate::{Commands, Figures, Report, Result};

use album::{Album, Wanted};
pub use audit::render_audit;
use context::Page;
use frame::{Frame, framed, json_of};
pub use gallery::{PhotosShown, photos_shown};
use number::Numbers;
pub use photo_map::run_mapped;
use subject::{Subject, by_accuracy};

/// Longest side of a photo that opens large, and of one that is shown in a cell only, in pixels.
const LARGE_PX: u32 = 560;
const SMALL_PX: u32 = 200;
/// Largest number of photos on the page.
const PHOTOS: usize = 240;

/// Renders `report.html` for the folder `out`. It loads nothing from outside: figures and photos
/// are inlined.
///
/// # Errors
///
/// A configuration that cannot be serialised; a photo that cannot be encoded.
pub fn render(
    report: &Report,
    figures: &Figures,
    out: &Path,
    words: Words,
    commands: &dyn Commands,
) -> Result<String> {
    let json = json_of(report, "report.html")?;
    let subject = Subject::of(report);
    let album = match &subject {
        Some(subject) => album(report, subject)?,
        None => Album::default(),
    };
    let page = Page {
        report,
        subject,
        order: by_accuracy(report),
        checks: checks_in(&report.comparison, &report.runs, commands, words),
        album,
        words,
        numbers: Numbers { json: &json, words },
        commands,
        out,
    };
    rendered(&page, &json, figures)
}

fn rendered(page: &Page, json: &Value, figures: &Figures) -> Result<String> {
    let (words, report) = (page.words, page.report);
    let mut sections = Vec::new();
    if page.subject.is_some() {
        sections.push(("photos", words.photos_title()));
    }
    sections.push(("comparison", words.runs_compared()));
    if page.subject.is_some() {
        sections.push(("classes", words.class_by_class()));
    }
    sections.push(("checks", words.before_you_believe_it()));
    if !report.against.is_empty() {
        sections.push(("published", words.published_results()));
    }
    sections.push(("runs", words.every_run()));
    let title = html! {
        (words.report()) ": " (words.classes(report.comparison.class_names.len())) ", "
        (words.runs(report.runs.len()))
    };
    let frame = Frame {
        title,
        header: headline::headline(page),
        sections,
        style: include_str!("report.css"),
        script: Some(include_str!("report.js")),
        source: words.made_from_runs(report.kennel_version),
        json_id: "report",
        json,
        kennel_version: report.kennel_version,
        words,
    };
    let main = html! {
        @if let Some(subject) = &page.subject { (gallery::gallery(page, subject)) }
        (compared::compared(page))
        @if let Some(subject) = &page.subject { (per_class::per_class(page, subject)) }
        (checks::checks(page))
        @if !report.against.is_empty() { (published::published(page, &figures.published)) }
        (run::runs(page, &figures.of_runs)?)
        (page.album.symbols())
    };
    Ok(framed(&frame, main))
}

/// Reads the photos of the gallery, then those of the cells of the confusion matrix, mistakes
/// first.
fn album(report: &Report, subject: &Subject) -> Result<Album> {
    let chosen = gallery::Chosen::new(subject, report.labels.as_ref());
    let cells = confusion::cells(subject);
    let large = chosen.paths().map(|path| Wanted { path, side_px: LARGE_PX });
    let small = cells
        .iter()
        .flat_map(confusion::Cell::shown)
        .map(|photo| Wanted { path: photo.path, side_px: SMALL_PX });
    let wanted: Vec<Wanted> = large.chain(small).take(PHOTOS).collect();
    Album::read(subject.run, &wanted, report.shows.heat_maps)
}
