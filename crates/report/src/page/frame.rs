//! What all pages share: one self-contained file without scripts, and the JSON that its numbers
//! come from.

use kennel_core::CoreError;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use serde_json::Value;

use crate::Result;

const STYLE: &str = include_str!("style.css");

/// A page around its sections.
pub struct Frame<'a> {
    /// Title of the window.
    pub title: Markup,
    /// Title on the page.
    pub heading: &'a str,
    /// What a reader should know first.
    pub lead: Markup,
    /// Id and name of each section.
    pub sections: Vec<(&'a str, &'a str)>,
    /// Styles besides those of all pages.
    pub style: &'a str,
    /// Where the numbers come from.
    pub source: &'a str,
    /// Id of the JSON.
    pub json_id: &'a str,
    /// The data of the page.
    pub json: &'a Value,
    /// The version of Kennel that made it.
    pub kennel_version: &'a str,
}

/// Converts what a page shows to JSON; errors name `file`.
///
/// # Errors
///
/// Data that cannot be serialised.
pub fn json_of(data: &impl Serialize, file: &str) -> Result<Value> {
    let malformed = |error: serde_json::Error| CoreError::Malformed {
        path: file.into(),
        what: "report",
        reason: error.to_string(),
    };
    Ok(serde_json::to_value(data).map_err(malformed)?)
}

/// Renders a page around `main`. It loads nothing from outside.
pub fn framed(frame: &Frame, main: Markup) -> String {
    // Only `<` could end a script element; JSON can write it as an escape.
    let embedded = frame.json.to_string().replace('<', "\\u003c");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "kennel " (frame.kennel_version) };
                // Without an icon the browser would ask the server for a favicon.
                link rel="icon" href="data:,";
                title { (frame.title) }
                style { (PreEscaped(STYLE)) (PreEscaped(frame.style)) }
            }
            body {
                a.skip href="#main" { "Skip to the results" }
                header {
                    h1 { (frame.heading) }
                    (frame.lead)
                    nav aria-label="Sections" {
                        @for (id, name) in &frame.sections { a href={ "#" (id) } { (name) } }
                    }
                }
                main #main { (main) }
                footer { p { "Made by kennel " (frame.kennel_version) " from the predictions that " (frame.source) "." } }
                script type="application/json" id=(frame.json_id) { (PreEscaped(embedded)) }
            }
        }
    };
    page.into_string()
}
