//! The photos that are worth a look: the surest mistakes, the least sure answers, and labels that
//! are probably wrong.

use std::collections::HashSet;

use kennel_audit::WrongLabel;
use kennel_core::Split;
use maud::{Markup, html};

use super::context::Page;
use super::number::Rounded;
use super::photo_map::photo_map;
use super::subject::Subject;
use crate::judged::{Judged, surest_mistakes};
use crate::{FinishedRun, LabelsAudit, Report};

/// Largest number of photos of each kind.
const MISTAKES: usize = 12;
const UNSURE: usize = 8;
const LABELS: usize = 24;
/// Classes named below an opened photo.
const LIKELIEST: usize = 5;

/// The chosen photos.
pub struct Chosen<'a, 'b> {
    mistakes: Vec<&'b Judged<'a>>,
    unsure: Vec<&'b Judged<'a>>,
    labels: &'b [WrongLabel],
}

impl<'a, 'b> Chosen<'a, 'b> {
    /// Chooses photos of a run. A mistake is not shown again among the unsure ones.
    pub fn new(subject: &'b Subject<'a>, labels: Option<&'b LabelsAudit>) -> Self {
        let mut mistakes = surest_mistakes(&subject.judged);
        mistakes.truncate(MISTAKES);
        let seen: HashSet<&str> = mistakes.iter().map(|photo| photo.path).collect();
        let mut unsure: Vec<&Judged> =
            subject.judged.iter().filter(|photo| !seen.contains(photo.path)).collect();
        unsure.sort_by(|a, b| a.confidence().total_cmp(&b.confidence()));
        unsure.truncate(UNSURE);
        let labels = labels.map_or(&[][..], |found| &found.wrong_labels[..]);
        Chosen { mistakes, unsure, labels: &labels[..labels.len().min(LABELS)] }
    }

    /// Returns the paths of all of them.
    pub fn paths(&self) -> impl Iterator<Item = &'b str> {
        let judged = self.mistakes.iter().chain(&self.unsure).map(|photo| photo.path as &'b str);
        judged.chain(self.labels.iter().map(|found| found.path.as_str()))
    }
}

/// Photos that the page shows large, with the answers of the run that it is about.
#[derive(Clone, Debug)]
pub struct PhotosShown<'a> {
    /// The run.
    pub run: &'a FinishedRun,
    /// The split of the photos.
    pub split: Split,
    /// Their paths: the surest mistakes, then the least sure answers.
    pub paths: Vec<&'a str>,
}

/// Returns the photos that the page shows with a run's answers, whose heat maps it wants. `None` if
/// no run has predictions, or they come from other networks than the run's own.
pub fn photos_shown(report: &Report) -> Option<PhotosShown<'_>> {
    let subject = Subject::of(report)?;
    let split = subject.held_out.unseen_split()?;
    let Chosen { mistakes, unsure, .. } = Chosen::new(&subject, None);
    let paths = mistakes.iter().chain(&unsure).map(|photo| photo.path).collect();
    Some(PhotosShown { run: subject.run, split, paths })
}

/// Renders the section.
pub fn gallery(page: &Page, subject: &Subject) -> Markup {
    let words = page.words;
    let chosen = Chosen::new(subject, page.report.labels.as_ref());
    let all = chosen.paths().count();
    let there = chosen.paths().filter(|path| page.album.has(path)).count();
    let wrong = subject.evaluation.n - subject.evaluation.correct;
    html! {
        section #photos aria-labelledby="photos-title" {
            h2 #photos-title { (words.look_at_your_photos()) }
            @if there == 0 {
                p.note { (words.no_photos_shown(&subject.run.settings().data_dir)) }
            } @else if there < all {
                p.note { (words.some_photos_missing(all - there)) }
            }
            @if page.album.has_heat() { p { (words.heat_meaning()) } }
            h3 #mistakes { (words.surest_mistakes()) }
            @match wrong {
                0 => p { (words.no_mistakes(subject.held_out, subject.evaluation.n)) },
                _ => {
                    p { (words.mistakes_shown(chosen.mistakes.len(), wrong)) }
                    ul.tiles { @for photo in &chosen.mistakes { (tile(page, subject, photo)) } }
                    @if chosen.mistakes.len() < wrong {
                        p { a href="#confusion" { (words.all_mistakes()) } }
                    }
                }
            }
            @if !chosen.unsure.is_empty() {
                h3 #unsure { (words.least_sure()) }
                p { (words.least_sure_meaning()) }
                ul.tiles { @for photo in &chosen.unsure { (tile(page, subject, photo)) } }
            }
            @if let Some(found) = &page.report.labels {
                h3 #labels { (words.probably_wrong_labels()) }
                @match found.wrong_labels.len() {
                    0 => p { (words.no_wrong_labels()) },
                    all => {
                        p { (words.wrong_labels_shown(chosen.labels.len(), all)) }
                        ul.tiles {
                            @for (place, label) in chosen.labels.iter().enumerate() {
                                (label_tile(page, label, place))
                            }
                        }
                    }
                }
            }
            (photo_map(page, subject))
        }
    }
}

/// Renders an answer: its photo, what was said, and opened, the likeliest classes.
fn tile(page: &Page, subject: &Subject, photo: &Judged) -> Markup {
    let words = page.words;
    let said = subject.class(photo.said);
    let title = words.photo_of(photo.path);
    let caption = html! {
        @if photo.is_right() {
            span.right {
                span aria-hidden="true" { "✓ " } (words.right_answer(said, photo.confidence()))
            }
        } @else {
            span.wrong { span aria-hidden="true" { "✗ " } (words.said(said, photo.confidence())) }
            span { (words.labelled(subject.class(photo.true_class))) }
        }
    };
    let more = html! {
        dl.likeliest {
            @for class in photo.likeliest(LIKELIEST) {
                dt { bdi { (subject.class(class)) } }
                dd { (words.share(photo.probabilities[class])) }
            }
        }
    };
    opened(page, photo.path, &title, caption, more)
}

/// Renders a label that is probably wrong.
fn label_tile(page: &Page, found: &WrongLabel, place: usize) -> Markup {
    let words = page.words;
    let at = |key: &str| {
        page.numbers.at(&format!("/labels/wrong_labels/{place}/{key}"), Rounded::PerCent)
    };
    let caption = html! {
        span.wrong { (words.labelled(&found.label)) ", " (at("label_probability")) }
        span { (words.probably(&found.suggested)) ", " (at("suggested_probability")) }
    };
    opened(page, &found.path, &words.photo_of(&found.path), caption, html! {})
}

/// Renders a tile that opens large, with the photo's heat map beside it if the run has one.
fn opened(page: &Page, path: &str, title: &str, caption: Markup, more: Markup) -> Markup {
    let words = page.words;
    html! {
        li {
            // Of details with one name, a browser keeps one open.
            details.photo name="photo" {
                summary {
                    @if !page.album.is_empty() { span.pictures {
                        @match page.album.photo(path, title) {
                            Some(photo) => (photo),
                            None => span.gone { (words.not_in_its_place()) },
                        }
                        @if let Some(heat) = page.album.heat(path, &words.heat_map_of(path)) {
                            (heat)
                        }
                    } }
                    span.caption { (caption) }
                }
                div { (more) p { code { bdi { (path) } } } }
            }
        }
    }
}
