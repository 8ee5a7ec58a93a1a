//! What all pages share: one self-contained file that is read without scripts, and the JSON that
//! its numbers come from.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kennel_core::{CoreError, files};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use serde_json::Value;

use crate::Result;
use crate::words::Words;

const STYLE: &str = include_str!("style.css");

/// A page around its sections.
pub struct Frame<'a> {
    /// Title of the window.
    pub title: Markup,
    /// What a reader should know first, with the title on the page.
    pub header: Markup,
    /// Id and name of each section.
    pub sections: Vec<(&'a str, &'a str)>,
    /// Styles besides those of all pages.
    pub style: &'a str,
    /// A script for comfort. The page is complete without it.
    pub script: Option<&'a str>,
    /// Where the numbers come from, in a sentence.
    pub source: String,
    /// Id of the JSON.
    pub json_id: &'a str,
    /// The data of the page.
    pub json: &'a Value,
    /// The version of Kennel that made it.
    pub kennel_version: &'a str,
    /// The language.
    pub words: Words,
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

/// Renders a page around `main`. It loads nothing from outside, and its policy forbids it to.
pub fn framed(frame: &Frame, main: Markup) -> String {
    // Only `<` could end a script element; JSON can write it as an escape.
    let embedded = frame.json.to_string().replace('<', "\\u003c");
    let style = format!("{STYLE}{}", frame.style);
    let words = frame.words;
    let page = html! {
        (DOCTYPE)
        html lang=(words.0) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(&style, frame.script));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "kennel " (frame.kennel_version) };
                // Without an icon the browser would ask the server for a favicon.
                link rel="icon" href="data:,";
                title { (frame.title) }
                style { (PreEscaped(&style)) }
            }
            body {
                a.skip href="#main" { (words.skip()) }
                header {
                    (frame.header)
                    nav aria-label=(words.sections()) {
                        @for (id, name) in &frame.sections { a href={ "#" (id) } { (name) } }
                    }
                }
                main #main { (main) }
                footer { p { (frame.source) } }
                script type="application/json" id=(frame.json_id) { (PreEscaped(embedded)) }
                @if let Some(script) = frame.script { script { (PreEscaped(script)) } }
            }
        }
    };
    page.into_string()
}

/// Returns the content security policy: pictures inside the page, its own style and its own script,
/// by their digests, and nothing else.
fn policy(style: &str, script: Option<&str>) -> String {
    let digest = |text: &str| {
        let hex = files::sha256_bytes(text.as_bytes());
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).filter_map(byte).collect();
        format!("'sha256-{}'", BASE64_STANDARD.encode(bytes))
    };
    let scripts = script.map_or_else(|| "'none'".into(), digest);
    format!(
        "default-src 'none'; img-src data:; style-src {}; script-src {scripts}; base-uri 'none'; \
         form-action 'none'",
        digest(style)
    )
}
