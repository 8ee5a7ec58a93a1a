//! How many photos are called unknown, on the page.

use kennel_core::Strategy;
use maud::{Markup, html};

use super::context::Page;
use super::number::Rounded;
use super::tables::{head, scrolled};
use crate::UnknownPhotos;

/// Renders both error rates: known photos that are refused, and unknown ones that are not.
pub fn unknown_photos(page: &Page, index: usize) -> Markup {
    let (words, summary) = (page.words, page.summary(index));
    let Some(unknown) = &summary.unknown else { return html! {} };
    let UnknownPhotos { facts, left_out_total, is_of_start } = unknown;
    let at = |key: &str, rounded| page.of_run(index, &format!("unknown/{key}"), rounded);
    let refused = if facts.test.is_some() { "test" } else { "val" };
    let is_frozen = *is_of_start || summary.strategy.strategy() == Some(Strategy::Freeze);
    let rows = html! {
        caption { span { (words.class_left_out_caption()) } }
        (head(&[words.class()], &[words.refused()], &[]))
        tbody {
            @for (place, class) in facts.left_out.iter().enumerate() {
                tr {
                    th scope="row" { bdi { (class.name) } }
                    td.number { (at(&format!("left_out/{place}/refused"), Rounded::Proportion)) }
                }
            }
        }
    };
    html! {
        h3 { (words.none_of_the_classes()) }
        p {
            (words.refusals(
                at("share", Rounded::PerCent),
                at(refused, Rounded::Proportion),
                facts.test.is_some(),
            ))
        }
        @if left_out_total.is_some() {
            p {
                (words.unknown_by_left_out(at("left_out_total", Rounded::Proportion)))
                @if !is_frozen { " " (words.learnt_these_classes()) }
            }
            (scrolled(&words.left_out_of(&summary.label), rows))
        }
    }
}
