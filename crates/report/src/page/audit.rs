//! `audit.html`: what the photos say about their labels, in pictures, worst first.

use kennel_audit::{
    AMBIGUOUS_MARGIN, AMBIGUOUS_SHARE, Audit, Contradiction, FENCE, INSEPARABLE, NEIGHBOURS,
};
use kennel_core::DuplicateKind;
use maud::{Markup, html};
use serde_json::Value;

use super::frame::{Frame, framed, json_of};
use super::number::{Rounded, number};
use super::tables::head;
use super::tiles::Photos;
use crate::pictures::Pictures;
use crate::{AuditReport, Result};

/// Largest number of wrong labels with their pictures: as many as a person looks at.
const WRONG_SHOWN: usize = 200;
/// Largest number of entries of every other list.
const OTHERS_SHOWN: usize = 60;

/// Renders the page. Photos are inlined.
///
/// # Errors
///
/// A photo that cannot be encoded.
pub fn render_audit(report: &AuditReport) -> Result<String> {
    let json = json_of(report, "audit.html")?;
    let audit = report.audit;
    let photos = Photos::read(&Pictures::of(report.manifest, report.data), shown(audit))?;
    let frame = Frame {
        title: html! { "Labels of " (audit.photos) " photos" },
        heading: "What the photos say about their labels",
        lead: lead(report, &json, &photos),
        sections: vec![
            ("classes", "Classes"),
            ("wrong", "Wrong labels"),
            ("ambiguous", "Ambiguous"),
            ("outliers", "Outliers"),
            ("contradictions", "One picture, several classes"),
            ("pairs", "Classes alike"),
        ],
        style: include_str!("tiles.css"),
        source: "networks gave for photos they had not seen",
        json_id: "audit",
        json: &json,
        kennel_version: report.kennel_version,
    };
    let main = html! {
        (classes(audit, &json))
        (wrong(audit, &json, &photos))
        (ambiguous(audit, &json, &photos))
        (outliers(audit, &json, &photos))
        (contradictions(audit, &json, &photos))
        (pairs(audit, &json))
    };
    Ok(framed(&frame, main))
}

/// Returns the paths of all photos that the page shows.
fn shown(audit: &Audit) -> Vec<&str> {
    let wrong = audit.wrong_labels.iter().take(WRONG_SHOWN).map(|photo| &photo.path);
    let ambiguous = audit.ambiguous.iter().take(OTHERS_SHOWN).map(|photo| &photo.path);
    let outliers = audit.outliers.iter().flatten().take(OTHERS_SHOWN).map(|photo| &photo.path);
    let pictures = audit.contradictions.iter().take(OTHERS_SHOWN);
    let copies = pictures.flat_map(|picture| picture.copies.iter().map(|copy| &copy.path));
    wrong.chain(ambiguous).chain(outliers).chain(copies).map(String::as_str).collect()
}

fn lead(report: &AuditReport, json: &Value, photos: &Photos) -> Markup {
    let audit = report.audit;
    let finds_photos = !shown(audit).is_empty();
    html! {
        p.lead {
            "Networks judged " (number(json, "/photos", Rounded::Count)) " photos that they had not seen in training. "
            "Their answer is the label for " (number(json, "/as_labelled", Rounded::Proportion)) ". "
            "An estimated " strong { (count(json, "/estimated_wrong")) } " labels are wrong."
        }
        p {
            "The lists are suggestions: a network makes mistakes, too. Look at each photo before you change its label. "
            "No file was moved or changed."
        }
        @if finds_photos && photos.is_empty() {
            p.note { "No photo is shown: those of " code { (report.data.display()) } " are not there, or not those of this audit." }
        }
    }
}

/// Renders an estimated number with its interval.
fn count(json: &Value, pointer: &str) -> Markup {
    let at = |key: &str, rounded| number(json, &format!("{pointer}/{key}"), rounded);
    html! {
        (at("count", Rounded::Count)) " (95 % CI " (at("low", Rounded::Fixed(0))) "-" (at("high", Rounded::Fixed(0))) ")"
    }
}

/// Renders a section: its title with the number of entries (none if they were not looked for), an
/// explanation, and the list.
fn section(id: &str, title: &str, found: Option<usize>, words: Markup, list: Markup) -> Markup {
    html! {
        section #(id) aria-labelledby={ (id) "-title" } {
            h2 #{ (id) "-title" } { (title) @if let Some(found) = found { ": " (found) } }
            (words)
            @if found.is_some_and(|found| found > 0) { (list) }
        }
    }
}

/// Renders how many entries the page leaves out.
fn more(found: usize, shown: usize) -> Markup {
    html! { @if found > shown { p { "And " (found - shown) " more, in " code { "audit.json" } "." } } }
}

fn classes(audit: &Audit, json: &Value) -> Markup {
    html! {
        section #classes aria-labelledby="classes-title" {
            h2 #classes-title { "Classes" }
            div.scroll role="region" tabindex="0" aria-label="Table of classes" {
                table {
                    caption { span {
                        "The estimate counts photos that confidently belong to another class. "
                        "It is too high where the network itself confuses two classes."
                    } }
                    (head(&["Class"], &["Photos", "In the list", "Estimated wrong"], &[]))
                    tbody {
                        @for (class, summary) in audit.classes.iter().enumerate() {
                            @let at = |key: &str| format!("/classes/{class}/{key}");
                            tr {
                                th scope="row" { bdi { (summary.name) } }
                                td.number { (number(json, &at("photos"), Rounded::Count)) }
                                td.number { (number(json, &at("listed"), Rounded::Count)) }
                                td.number { (count(json, &at("estimated_wrong"))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn wrong(audit: &Audit, json: &Value, photos: &Photos) -> Markup {
    let found = audit.wrong_labels.len();
    let list = html! {
        ol.tiles {
            @for (place, photo) in audit.wrong_labels.iter().take(WRONG_SHOWN).enumerate() {
                @let at = |key: &str| format!("/wrong_labels/{place}/{key}");
                (photos.tile(&photo.path, html! {
                    p { "labelled " strong { bdi { (photo.label) } } ", " (number(json, &at("label_probability"), Rounded::PerCent)) }
                    p { "probably " strong { bdi { (photo.suggested) } } ", " (number(json, &at("suggested_probability"), Rounded::PerCent)) }
                }))
            }
        }
        (more(found, WRONG_SHOWN))
    };
    let words = html! {
        p {
            "Labels that are probably wrong, the least probable first. The list is longer than the estimate, "
            "so that it misses few: towards its end, more labels are right."
        }
    };
    section("wrong", "Wrong labels", Some(found), words, list)
}

fn ambiguous(audit: &Audit, json: &Value, photos: &Photos) -> Markup {
    let found = audit.ambiguous.len();
    let list = html! {
        ol.tiles {
            @for (place, photo) in audit.ambiguous.iter().take(OTHERS_SHOWN).enumerate() {
                @let at = |key: &str| format!("/ambiguous/{place}/{key}");
                (photos.tile(&photo.path, html! {
                    p { "labelled " strong { bdi { (photo.label) } } ", " (number(json, &at("label_probability"), Rounded::PerCent)) }
                    p { "or " strong { bdi { (photo.other) } } ", " (number(json, &at("other_probability"), Rounded::PerCent)) }
                }))
            }
        }
        (more(found, OTHERS_SHOWN))
    };
    let words = html! {
        p {
            "The label and one other class are at most " (per_cent(AMBIGUOUS_MARGIN)) " points apart, and have at least "
            (per_cent(AMBIGUOUS_SHARE)) " % together."
        }
    };
    section("ambiguous", "Ambiguous", Some(found), words, list)
}

fn per_cent(share: f64) -> String {
    format!("{:.0}", 100.0 * share)
}

fn outliers(audit: &Audit, json: &Value, photos: &Photos) -> Markup {
    let outliers = audit.outliers.as_deref().unwrap_or_default();
    let list = html! {
        ol.tiles {
            @for (place, photo) in outliers.iter().take(OTHERS_SHOWN).enumerate() {
                @let multiple = format!("/outliers/{place}/multiple");
                (photos.tile(&photo.path, html! {
                    p { "labelled " strong { bdi { (photo.label) } } }
                    p { (number(json, &multiple, Rounded::Fixed(2))) " times the median distance" }
                }))
            }
        }
        (more(outliers.len(), OTHERS_SHOWN))
    };
    let words = html! {
        @match audit.outliers {
            Some(_) => p {
                "Photos unlike all others: the mean cosine distance of their features to the " (NEIGHBOURS)
                " nearest photos is more than " (FENCE) " interquartile ranges above the third quartile of all photos. "
                "Eleven or more photos like each other are not found so."
            },
            None => p { "Not looked for: the audit had predictions, but no features." },
        }
    };
    section("outliers", "Outliers", audit.outliers.as_ref().map(Vec::len), words, list)
}

fn contradictions(audit: &Audit, json: &Value, photos: &Photos) -> Markup {
    let found = audit.contradictions.len();
    let list = html! {
        ol.pictures {
            @for (place, picture) in audit.contradictions.iter().take(OTHERS_SHOWN).enumerate() {
                @let probability = format!("/contradictions/{place}/probability");
                li {
                    (kind(picture)) ", probably " strong { bdi { (picture.likeliest) } } ", " (number(json, &probability, Rounded::PerCent))
                    ul.tiles {
                        @for copy in &picture.copies {
                            (photos.tile(&copy.path, html! { p { "labelled " strong { bdi { (copy.label) } } } }))
                        }
                    }
                }
            }
        }
        (more(found, OTHERS_SHOWN))
    };
    let words = html! { p { "Copies of one picture under several classes. At most one of the labels is right." } };
    section("contradictions", "One picture, several classes", Some(found), words, list)
}

fn kind(picture: &Contradiction) -> &'static str {
    match picture.kind {
        DuplicateKind::Exact => "The same file",
        DuplicateKind::Near | DuplicateKind::Alike => "The same picture",
    }
}

fn pairs(audit: &Audit, json: &Value) -> Markup {
    let found = audit.class_pairs.len();
    let list = html! {
        div.scroll role="region" tabindex="0" aria-label="Table of classes alike" {
            table {
                (head(&["First", "Second"], &["First taken for second", "Second taken for first"], &[]))
                tbody {
                    @for (place, pair) in audit.class_pairs.iter().enumerate() {
                        @let at = |key: &str| format!("/class_pairs/{place}/{key}");
                        tr {
                            th scope="row" { bdi { (pair.first) } }
                            th scope="row" { bdi { (pair.second) } }
                            td.number { (number(json, &at("first_as_second"), Rounded::Proportion)) }
                            td.number { (number(json, &at("second_as_first"), Rounded::Proportion)) }
                        }
                    }
                }
            }
        }
    };
    let words = html! {
        p {
            "Classes that are taken for each other: of either, surely " (per_cent(INSEPARABLE))
            " % or more (the lower bound of the interval). Are they two classes? Say how they differ, or join them."
        }
    };
    section("pairs", "Classes alike", Some(found), words, list)
}
