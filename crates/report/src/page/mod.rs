//! `report.html`: one self-contained file without scripts. Its numbers come from the JSON that it
//! embeds.

mod figure;
mod number;
mod sections;

use kennel_core::CoreError;
use maud::{DOCTYPE, PreEscaped, html};

use crate::{Commands, Figures, Report, Result};

const STYLE: &str = include_str!("style.css");

/// Renders the whole page. It loads nothing from outside: figures and photos are inlined.
///
/// # Errors
///
/// A configuration that cannot be serialised.
pub fn render(report: &Report, figures: &Figures, commands: &dyn Commands) -> Result<String> {
    let json = serde_json::to_value(report).map_err(|error| CoreError::Malformed {
        path: "report.html".into(),
        what: "report",
        reason: error.to_string(),
    })?;
    // Only `<` could end a script element; JSON can write it as an escape.
    let embedded = json.to_string().replace('<', "\\u003c");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "kennel " (report.kennel_version) };
                // Without an icon the browser would ask the server for a favicon.
                link rel="icon" href="data:,";
                title { "Kennel report: " (report.comparison.class_names.len()) " classes, " (report.runs.len()) @if report.runs.len() == 1 { " run" } @else { " runs" } }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the results" }
                header {
                    h1 { "Kennel report" }
                    (sections::lead(report, &json))
                    nav aria-label="Sections" {
                        a href="#comparison" { "Comparison" }
                        a href="#checks" { "Before you believe it" }
                        @if !report.against.is_empty() { a href="#published" { "Published results" } }
                        a href="#runs" { "Runs" }
                    }
                }
                main #main {
                    (sections::comparison(report, &json, &figures.overall))
                    (sections::checks(report))
                    @if !report.against.is_empty() { (sections::against(report, &json, &figures.published)) }
                    (sections::runs(report, &json, &figures.of_runs, commands)?)
                }
                footer { p { "Made by kennel " (report.kennel_version) " from the predictions that each run keeps." } }
                script type="application/json" id="report" { (PreEscaped(embedded)) }
            }
        }
    };
    Ok(page.into_string())
}
