//! `audit.html`: what the photos say about their labels, in pictures, worst first.

use kennel_audit::{AMBIGUOUS_MARGIN, AMBIGUOUS_SHARE, Audit, FENCE, INSEPARABLE, NEIGHBOURS};
use maud::{Markup, html};

use super::frame::{Frame, framed, json_of};
use super::number::{Numbers, Rounded};
use super::tables::{head, scrolled};
use super::tiles::Photos;
use crate::pictures::Pictures;
use crate::words::Words;
use crate::{AuditReport, Result};

/// Largest number of wrong labels with their pictures: as many as a person looks at.
const WRONG_SHOWN: usize = 200;
/// Largest number of entries of every other list.
const OTHERS_SHOWN: usize = 60;

/// What all sections share.
struct Page<'a> {
    audit: &'a Audit,
    photos: Photos,
    words: Words,
    numbers: Numbers<'a>,
}

/// Renders the page. Photos are inlined.
///
/// # Errors
///
/// A photo that cannot be encoded.
pub fn render_audit(report: &AuditReport, words: Words) -> Result<String> {
    let json = json_of(report, "audit.html")?;
    let audit = report.audit;
    let pictures = Pictures::of(report.manifest, report.data);
    let photos = Photos::read(&pictures, shown(audit), words.not_in_its_place())?;
    let page = Page { audit, photos, words, numbers: Numbers { json: &json, words } };
    let frame = Frame {
        title: html! { (words.labels_of(audit.photos)) },
        header: html! { h1 { (words.labels_heading()) } (lead(&page, report)) },
        sections: vec![
            ("classes", words.classes_title()),
            ("wrong", words.wrong_labels()),
            ("ambiguous", words.ambiguous()),
            ("outliers", words.outliers()),
            ("contradictions", words.contradictions()),
            ("pairs", words.classes_alike()),
        ],
        style: include_str!("tiles.css"),
        script: None,
        source: words.made_from_audit(report.kennel_version),
        json_id: "audit",
        json: &json,
        kennel_version: report.kennel_version,
        words,
    };
    let main = html! {
        (classes(&page))
        (wrong(&page))
        (ambiguous(&page))
        (outliers(&page))
        (contradictions(&page))
        (pairs(&page))
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

fn lead(page: &Page, report: &AuditReport) -> Markup {
    let (words, numbers) = (page.words, page.numbers);
    let finds_photos = !shown(page.audit).is_empty();
    html! {
        p.lead {
            (words.audit_lead(
                numbers.at("/photos", Rounded::Count),
                numbers.at("/as_labelled", Rounded::Proportion),
                count(page, "/estimated_wrong"),
            ))
        }
        p { (words.suggestions()) }
        @if finds_photos && page.photos.is_empty() {
            p.note { (words.no_photos_shown(&report.data.display().to_string())) }
        }
    }
}

/// Renders an estimated number with its interval.
fn count(page: &Page, pointer: &str) -> Markup {
    let at = |key: &str, rounded| page.numbers.at(&format!("{pointer}/{key}"), rounded);
    page.words.estimate(
        at("count", Rounded::Count),
        at("low", Rounded::Fixed(0)),
        at("high", Rounded::Fixed(0)),
    )
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
fn more(page: &Page, found: usize, shown: usize) -> Markup {
    html! { @if found > shown { p { (page.words.more_in_json(found - shown)) } } }
}

fn classes(page: &Page) -> Markup {
    let words = page.words;
    let rows = html! {
        caption { span { (words.classes_meaning()) } }
        (head(&[words.class()], &words.class_titles(), &[]))
        tbody {
            @for (class, summary) in page.audit.classes.iter().enumerate() {
                @let at = |key: &str| format!("/classes/{class}/{key}");
                tr {
                    th scope="row" { bdi { (summary.name) } }
                    td.number { (page.numbers.at(&at("photos"), Rounded::Count)) }
                    td.number { (page.numbers.at(&at("listed"), Rounded::Count)) }
                    td.number { (count(page, &at("estimated_wrong"))) }
                }
            }
        }
    };
    html! {
        section #classes aria-labelledby="classes-title" {
            h2 #classes-title { (words.classes_title()) }
            (scrolled(words.classes_title(), rows))
        }
    }
}

fn wrong(page: &Page) -> Markup {
    let (words, audit) = (page.words, page.audit);
    let found = audit.wrong_labels.len();
    let list = html! {
        ol.tiles {
            @for (place, photo) in audit.wrong_labels.iter().take(WRONG_SHOWN).enumerate() {
                @let at = |key: &str| {
                    page.numbers.at(&format!("/wrong_labels/{place}/{key}"), Rounded::PerCent)
                };
                (page.photos.tile(&photo.path, html! {
                    p { (words.labelled(&photo.label)) ", " (at("label_probability")) }
                    p { (words.probably(&photo.suggested)) ", " (at("suggested_probability")) }
                }, &words.photo_of(&photo.path)))
            }
        }
        (more(page, found, WRONG_SHOWN))
    };
    let meaning = html! { p { (words.wrong_labels_meaning()) } };
    section("wrong", words.wrong_labels(), Some(found), meaning, list)
}

fn ambiguous(page: &Page) -> Markup {
    let (words, audit) = (page.words, page.audit);
    let found = audit.ambiguous.len();
    let list = html! {
        ol.tiles {
            @for (place, photo) in audit.ambiguous.iter().take(OTHERS_SHOWN).enumerate() {
                @let at = |key: &str| {
                    page.numbers.at(&format!("/ambiguous/{place}/{key}"), Rounded::PerCent)
                };
                (page.photos.tile(&photo.path, html! {
                    p { (words.labelled(&photo.label)) ", " (at("label_probability")) }
                    p {
                        (words.or()) strong { bdi { (photo.other) } } ", "
                        (at("other_probability"))
                    }
                }, &words.photo_of(&photo.path)))
            }
        }
        (more(page, found, OTHERS_SHOWN))
    };
    let meaning = html! { p { (words.ambiguous_meaning(AMBIGUOUS_MARGIN, AMBIGUOUS_SHARE)) } };
    section("ambiguous", words.ambiguous(), Some(found), meaning, list)
}

fn outliers(page: &Page) -> Markup {
    let (words, audit) = (page.words, page.audit);
    let outliers = audit.outliers.as_deref().unwrap_or_default();
    let list = html! {
        ol.tiles {
            @for (place, photo) in outliers.iter().take(OTHERS_SHOWN).enumerate() {
                @let multiple = format!("/outliers/{place}/multiple");
                (page.photos.tile(&photo.path, html! {
                    p { (words.labelled(&photo.label)) }
                    p { (words.times_the_median(page.numbers.at(&multiple, Rounded::Fixed(2)))) }
                }, &words.photo_of(&photo.path)))
            }
        }
        (more(page, outliers.len(), OTHERS_SHOWN))
    };
    let meaning = html! {
        p { @match audit.outliers {
            Some(_) => (words.outliers_meaning(NEIGHBOURS, FENCE)),
            None => (words.no_outliers_looked_for()),
        } }
    };
    section("outliers", words.outliers(), audit.outliers.as_ref().map(Vec::len), meaning, list)
}

fn contradictions(page: &Page) -> Markup {
    let (words, audit) = (page.words, page.audit);
    let found = audit.contradictions.len();
    let list = html! {
        ol.pictures {
            @for (place, picture) in audit.contradictions.iter().take(OTHERS_SHOWN).enumerate() {
                @let probability = format!("/contradictions/{place}/probability");
                li {
                    (words.same_picture(picture.kind)) ", "
                    (words.probably(&picture.likeliest)) ", "
                    (page.numbers.at(&probability, Rounded::PerCent))
                    ul.tiles {
                        @for copy in &picture.copies {
                            (page.photos.tile(&copy.path, html! {
                                p { (words.labelled(&copy.label)) }
                            }, &words.photo_of(&copy.path)))
                        }
                    }
                }
            }
        }
        (more(page, found, OTHERS_SHOWN))
    };
    let meaning = html! { p { (words.contradictions_meaning()) } };
    section("contradictions", words.contradictions(), Some(found), meaning, list)
}

fn pairs(page: &Page) -> Markup {
    let (words, audit) = (page.words, page.audit);
    let [names, numbers] = words.alike_titles();
    let rows = html! {
        (head(&names, &numbers, &[]))
        tbody {
            @for (place, pair) in audit.class_pairs.iter().enumerate() {
                @let at = |key: &str| {
                    page.numbers.at(&format!("/class_pairs/{place}/{key}"), Rounded::Proportion)
                };
                tr {
                    th scope="row" { bdi { (pair.first) } }
                    th scope="row" { bdi { (pair.second) } }
                    td.number { (at("first_as_second")) }
                    td.number { (at("second_as_first")) }
                }
            }
        }
    };
    let list = scrolled(words.classes_alike(), rows);
    let meaning = html! { p { (words.alike_meaning(INSEPARABLE)) } };
    section("pairs", words.classes_alike(), Some(audit.class_pairs.len()), meaning, list)
}
