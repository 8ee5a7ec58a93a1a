//! How many photos are called unknown, on the page.

use kennel_core::Strategy;
use maud::{Markup, html};
use serde_json::Value;

use super::number::{Rounded, number};
use super::tables::head;
use crate::{RunSummary, UnknownPhotos};

/// Renders both error rates: known photos that are refused, and unknown ones that are not.
pub fn unknown_photos(summary: &RunSummary, json: &Value, index: usize) -> Markup {
    let Some(unknown) = &summary.unknown else { return html! {} };
    let UnknownPhotos { facts, left_out_total, is_of_start } = unknown;
    let at = |key: &str| format!("/comparison/runs/{index}/unknown/{key}");
    let (split, refused) = match facts.test {
        Some(_) => ("test", "test"),
        None => ("validation", "val"),
    };
    let is_frozen = *is_of_start || summary.strategy.strategy() == Some(Strategy::Freeze);
    html! {
        h4 { "Photos of none of the classes" }
        p {
            "It may call " (number(json, &at("share"), Rounded::PerCent)) " of known photos unknown. Of the " (split)
            " photos it calls " (number(json, &at(refused), Rounded::Proportion)) " unknown."
        }
        @if left_out_total.is_some() {
            p {
                "How many unknown photos it misses is not known: there were none. In their place, each class was left out in \
                 turn, and its validation photos were judged by what the others teach: "
                (number(json, &at("left_out_total"), Rounded::Proportion)) " of them were refused. \
                 They look more like the known classes than most unknown photos do, so most unknown photos are refused more \
                 often. It is no promise: try it on photos of yours."
                @if !is_frozen {
                    " The network has learnt these classes, so the figure may be too high."
                }
            }
            div.scroll role="region" tabindex="0" aria-label={ "Classes that were left out of " (summary.label) } {
                table {
                    caption { "Validation photos of a class that was left out" }
                    (head(&["Class"], &["Refused"], &[]))
                    tbody {
                        @for (place, class) in facts.left_out.iter().enumerate() {
                            tr {
                                th scope="row" { (class.name) }
                                td.number { (number(json, &at(&format!("left_out/{place}/refused")), Rounded::Proportion)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
