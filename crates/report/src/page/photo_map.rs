//! The map of the photos: those that the network sees as alike lie close together.

use std::collections::HashMap;

use kennel_atlas::{Map, Place};
use kennel_core::PhotoRecord;
use maud::{Markup, html};

use super::context::Page;
use super::subject::Subject;
use crate::judged::Judged;
use crate::{FinishedRun, Report, photo_map_of};

/// Side of the drawing and room around its outermost photos, in its own units.
const SIDE: f64 = 1000.0;
const MARGIN: f64 = 45.0;
/// Side of a photo, and the least distance between two.
const PHOTO: f64 = 74.0;
const APART: f64 = 80.0;
/// Degrees between the hues of neighbouring classes: the golden angle keeps few of them far apart.
const HUE_STEP: f64 = 137.508;

/// Returns the run whose map the page shows. `None` if no run has predictions, or they come from
/// other networks than the run's own.
pub fn run_mapped(report: &Report) -> Option<&FinishedRun> {
    let subject = Subject::of(report)?;
    subject.held_out.unseen_split().map(|_| subject.run)
}

/// A photo on the map.
struct Dot<'a> {
    place: &'a Place,
    photo: &'a PhotoRecord,
    class: usize,
    /// The run's answer, if its network has not seen the photo.
    judged: Option<&'a Judged<'a>>,
}

impl Dot<'_> {
    fn at(&self) -> (f64, f64) {
        let along = |share: f32| MARGIN + f64::from(share) * (SIDE - 2.0 * MARGIN);
        (along(self.place.x), along(self.place.y))
    }

    fn is_wrong(&self) -> bool {
        self.judged.is_some_and(|judged| !judged.is_right())
    }
}

/// Renders the map, if the run of the page holds one.
pub fn photo_map(page: &Page, subject: &Subject) -> Markup {
    let Some(map) = page.report.shows.photo_map.then(|| photo_map_of(&subject.run.dir)).flatten()
    else {
        return html! {};
    };
    let words = page.words;
    let dots = dots(&map, subject);
    let pictures = pictures(page, &dots);
    let (seen, unseen): (Vec<&Dot>, Vec<&Dot>) = dots.iter().partition(|dot| dot.judged.is_none());
    let (wrong, right): (Vec<&Dot>, Vec<&Dot>) = unseen.into_iter().partition(|dot| dot.is_wrong());
    html! {
        h3 #map { (words.map_of_photos()) }
        p { (words.map_meaning(dots.len(), map.of)) }
        ul.classes-key {
            @for (class, report) in subject.evaluation.per_class.iter().enumerate() {
                li { svg width="12" height="12" aria-hidden="true" {
                    circle cx="6" cy="6" r="5.5" fill=(colour(class)) {}
                } " " bdi { (report.name) } }
            }
        }
        svg.map role="img" viewBox={ "0 0 " (SIDE) " " (SIDE) } {
            title { (words.map_of_photos()) }
            @for dot in seen { (circle(page, subject, dot, "seen")) }
            @for dot in right { (circle(page, subject, dot, "unseen")) }
            @for (dot, picture) in pictures { (picture_at(page, subject, dot, picture)) }
            @for dot in wrong { (circle(page, subject, dot, "missed")) }
        }
    }
}

/// Finds the photos of the map in the run.
fn dots<'a>(map: &'a Map, subject: &'a Subject) -> Vec<Dot<'a>> {
    let photos: HashMap<&str, &PhotoRecord> =
        subject.run.manifest.photos.iter().map(|photo| (&*photo.path, photo)).collect();
    let judged: HashMap<&str, &Judged> =
        subject.judged.iter().map(|judged| (judged.path, judged)).collect();
    let classes: HashMap<&str, usize> = (subject.evaluation.per_class.iter().enumerate())
        .map(|(class, report)| (&*report.name, class))
        .collect();
    let dot = |place: &'a Place| {
        let photo = *photos.get(place.path.as_str())?;
        let class = *classes.get(photo.label.as_str())?;
        Some(Dot { place, photo, class, judged: judged.get(place.path.as_str()).copied() })
    };
    map.photos.iter().filter_map(dot).collect()
}

/// Chooses photos that are shown small at their places and do not meet: mistakes first.
fn pictures<'a, 'b>(page: &Page, dots: &'b [Dot<'a>]) -> Vec<(&'b Dot<'a>, Markup)> {
    let mut order: Vec<&Dot> = dots.iter().collect();
    order.sort_by_key(|dot| !dot.is_wrong());
    let mut shown: Vec<(&Dot, Markup)> = Vec::new();
    for dot in order {
        let (x, y) = dot.at();
        let meets = |(other, _): &(&Dot, Markup)| {
            let (other_x, other_y) = other.at();
            (x - other_x).abs() < APART && (y - other_y).abs() < APART
        };
        if shown.iter().any(meets) {
            continue;
        }
        let corner = (x - PHOTO / 2.0, y - PHOTO / 2.0);
        if let Some(picture) = page.album.photo_at(&dot.place.path, corner, PHOTO) {
            shown.push((dot, picture));
        }
    }
    shown
}

fn picture_at(page: &Page, subject: &Subject, dot: &Dot, picture: Markup) -> Markup {
    let (x, y) = dot.at();
    html! {
        g {
            title { (title(page, subject, dot)) }
            (picture)
            rect x=(x - PHOTO / 2.0) y=(y - PHOTO / 2.0) width=(PHOTO) height=(PHOTO) fill="none"
                stroke=(colour(dot.class)) stroke-width="5" {}
        }
    }
}

fn circle(page: &Page, subject: &Subject, dot: &Dot, kind: &str) -> Markup {
    let (x, y) = dot.at();
    html! {
        circle class=(kind) cx=(round(x)) cy=(round(y)) r="9" fill=(colour(dot.class)) {
            title { (title(page, subject, dot)) }
        }
    }
}

fn title(page: &Page, subject: &Subject, dot: &Dot) -> String {
    let wrong = dot.judged.filter(|judged| !judged.is_right());
    let wrong = wrong.map(|judged| (subject.class(judged.said), judged.confidence()));
    page.words.on_map(&dot.place.path, &dot.photo.label, wrong)
}

fn round(place: f64) -> String {
    format!("{place:.1}")
}

/// Returns the colour of a class, which is legible on a light and on a dark page.
fn colour(class: usize) -> String {
    format!("hsl({:.0} 70% 48%)", (210.0 + HUE_STEP * class as f64) % 360.0)
}
