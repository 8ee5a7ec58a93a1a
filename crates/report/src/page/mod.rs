//! Pages: self-contained files without scripts. Their numbers come from the JSON that they embed.

mod audit;
mod figure;
mod frame;
mod more_photos;
mod number;
mod sections;
mod tables;
mod tiles;
mod unknown_photos;

use maud::html;

use crate::{Commands, Figures, Report, Result};

pub use audit::render_audit;
use frame::{Frame, framed, json_of};

/// Renders `report.html`. It loads nothing from outside: figures and photos are inlined.
///
/// # Errors
///
/// A configuration that cannot be serialised.
pub fn render(report: &Report, figures: &Figures, commands: &dyn Commands) -> Result<String> {
    let json = json_of(report, "report.html")?;
    let mut sections =
        vec![("comparison", "Comparison"), ("checks", "Before you believe it"), ("runs", "Runs")];
    if !report.against.is_empty() {
        sections.insert(2, ("published", "Published results"));
    }
    let frame = Frame {
        title: html! { "Kennel report: " (report.comparison.class_names.len()) " classes, " (report.runs.len()) @if report.runs.len() == 1 { " run" } @else { " runs" } },
        heading: "Kennel report",
        lead: sections::lead(report, &json),
        sections,
        style: "",
        source: "each run keeps",
        json_id: "report",
        json: &json,
        kennel_version: report.kennel_version,
    };
    let main = html! {
        (sections::comparison(report, &json, &figures.overall))
        (sections::checks(report))
        @if !report.against.is_empty() { (sections::against(report, &json, &figures.published)) }
        (sections::runs(report, &json, &figures.of_runs, commands)?)
    };
    Ok(framed(&frame, main))
}
