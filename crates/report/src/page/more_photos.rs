//! What more photos would bring, on the page.

use kennel_core::{CurveOutlook, HalvedClassRecord, Strategy};
use maud::{Markup, html};
use serde_json::Value;

use super::figure::figure;
use super::number::{Rounded, number};
use super::tables::head;
use crate::{Figure, MorePhotos, RunSummary};

/// Renders what more photos would bring, and to which class most.
pub fn more_photos(summary: &RunSummary, json: &Value, index: usize, drawn: &[Figure]) -> Markup {
    let Some(MorePhotos { curve, .. }) = &summary.more_photos else { return html! {} };
    let at = |key: &str| format!("/comparison/runs/{index}/more_photos/{key}");
    let is_head = summary.strategy.strategy() == Some(Strategy::Freeze);
    let photos =
        |place: usize| number(json, &at(&format!("points/{place}/photos")), Rounded::Fixed(0));
    let errors = |place: usize| number(json, &at(&format!("errors/{place}")), Rounded::Proportion);
    let last = curve.points.len().saturating_sub(1);
    html! {
        h4 { "More photos" }
        p {
            "Convex heads on the frozen network are wrong on " (errors(0)) " of the photos that they have not seen \
             if they are fitted to " (photos(0)) " photos, and on " (errors(last)) " if they are fitted to " (photos(last)) ". "
            (outlook(&curve.outlook, json, &at))
            @if !is_head { " A network that was trained further may gain more or less." }
        }
        @for curve in drawn.iter().filter(|figure| is_curve(figure)) { (figure(curve)) }
        @if !curve.classes.is_empty() { (classes(&curve.classes, summary, json, &at)) }
    }
}

/// Whether a figure stands under "More photos".
pub fn is_curve(figure: &Figure) -> bool {
    figure.stem.ends_with("_learning_curve")
}

fn outlook(outlook: &CurveOutlook, json: &Value, at: &dyn Fn(&str) -> String) -> Markup {
    let ahead = match outlook {
        CurveOutlook::Falls(ahead) => ahead,
        CurveOutlook::Level => {
            return html! { "That is no fall beyond chance: more photos of the same kind would bring nothing that shows." };
        }
        CurveOutlook::FewErrors { .. } => {
            return html! { "These are too few to say what more photos would bring." };
        }
    };
    let points = |place: usize, key: &str| {
        number(json, &at(&format!("outlook/falls/{place}/{key}")), Rounded::Points)
    };
    let further = ahead.iter().enumerate().filter_map(|(place, ahead)| match ahead.times {
        1.5 => Some((place, "half as many photos again")),
        2.0 => Some((place, "twice the photos")),
        _ => None,
    });
    html! {
        "If errors go on falling as they did, "
        @for (order, (place, photos)) in further.enumerate() {
            @match order {
                0 => { (photos) " would bring " },
                _ => { ", and " (photos) " " },
            }
            (points(place, "gain")) " points (95 % interval " (points(place, "gain_low")) " to " (points(place, "gain_high")) ")"
        }
        "."
    }
}

fn classes(
    classes: &[HalvedClassRecord],
    summary: &RunSummary,
    json: &Value,
    at: &dyn Fn(&str) -> String,
) -> Markup {
    let cell = |place: usize, key: &str, rounded| {
        number(json, &at(&format!("classes/{place}/{key}")), rounded)
    };
    let points = |place: usize, of: &str| {
        let points = |key: &str| cell(place, &format!("{of}/{key}"), Rounded::Points);
        html! { (points("gain")) " (" (points("gain_low")) " to " (points("gain_high")) ")" }
    };
    let names = |keep: &dyn Fn(&HalvedClassRecord) -> bool| -> Vec<&str> {
        classes.iter().filter(|class| keep(class)).map(|class| class.name.as_str()).collect()
    };
    let is_told = |class: &HalvedClassRecord| class.of_class.gain_low > 0.0;
    let mut gaining: Vec<usize> =
        (0..classes.len()).filter(|&place| is_told(&classes[place])).collect();
    gaining.sort_by(|&a, &b| classes[b].of_class.gain.total_cmp(&classes[a].of_class.gain));
    let untold = names(&|class| !is_told(class));
    let of_all = names(&|class| is_told(class) && class.overall.gain_low > 0.0);
    html! {
        p {
            "Each class was halved in turn, the others kept whole. "
            @for (order, &place) in gaining.iter().enumerate() {
                @match order {
                    0 => "The second half of the photos of ",
                    _ => ", that of ",
                }
                strong { (classes[place].name) }
                @if order == 0 { " brought " } @else { " " }
                (cell(place, "of_class/gain", Rounded::Points))
                @if order == 0 { " points of its recall" }
            }
            @if !gaining.is_empty() {
                ". As many again bring less, because errors fall ever more slowly. "
                @if of_all.is_empty() {
                    "Over all photos no such difference is beyond its uncertainty: other classes lose a part of it. "
                } @else {
                    "Over all photos the difference is beyond its uncertainty for " (of_all.join(", ")) ". "
                }
            }
            @if !untold.is_empty() {
                "What more photos of " (untold.join(", ")) " would bring cannot be told: the difference is within its uncertainty."
            }
        }
        div.scroll role="region" tabindex="0" aria-label={ "What half of each class brings to " (summary.label) } {
            table {
                caption { "With half of the photos of a class and with all, on photos out of fold; points with 95 % intervals" }
                (head(&["Class"], &["Half", "All", "Wrong with half", "Wrong with all", "Of", "Points of recall", "Points of all photos"], &[]))
                tbody {
                    @for (place, class) in classes.iter().enumerate() {
                        tr {
                            th scope="row" { (class.name) }
                            td.number { (cell(place, "half", Rounded::Fixed(0))) }
                            td.number { (cell(place, "photos", Rounded::Fixed(0))) }
                            td.number { (cell(place, "of_class/with_half", Rounded::Count)) }
                            td.number { (cell(place, "of_class/with_all", Rounded::Count)) }
                            td.number { (cell(place, "of_class/n", Rounded::Count)) }
                            td.number { (points(place, "of_class")) }
                            td.number { (points(place, "overall")) }
                        }
                    }
                }
            }
        }
    }
}
