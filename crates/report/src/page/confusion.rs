//! The confusion matrix of the best run. A cell leads to its photos.

use maud::{Markup, html};

use super::context::Page;
use super::subject::Subject;
use super::tables::{folded, scrolled};
use crate::judged::Judged;

/// With more classes the cells are drawn without numbers.
const NUMBERED: usize = 24;
/// Right photos shown of each class: the least sure ones.
const RIGHT: usize = 6;
/// Confusions before the fold.
const LISTED: usize = 12;
/// Side of a drawn cell, in pixels.
const CELL: usize = 7;
/// Shades, the lightest of which is not white.
const SHADES: usize = 8;

/// The photos of one cell.
pub struct Cell<'a, 'b> {
    true_class: usize,
    said: usize,
    /// All its photos, the first of which are shown.
    photos: Vec<&'b Judged<'a>>,
}

impl<'a, 'b> Cell<'a, 'b> {
    fn is_right(&self) -> bool {
        self.true_class == self.said
    }

    fn id(&self) -> String {
        format!("cell-{}-{}", self.true_class, self.said)
    }

    /// Returns the photos to show.
    pub fn shown(&self) -> &[&'b Judged<'a>] {
        match self.is_right() {
            true => &self.photos[..self.photos.len().min(RIGHT)],
            false => &self.photos,
        }
    }
}

/// Returns the cells that have photos: mistakes first, the most frequent on top. Mistakes are
/// sorted from the surest, right answers from the least sure.
pub fn cells<'a, 'b>(subject: &'b Subject<'a>) -> Vec<Cell<'a, 'b>> {
    let classes = subject.evaluation.per_class.len();
    let mut by_cell: Vec<Vec<&Judged>> = (0..classes * classes).map(|_| Vec::new()).collect();
    for photo in &subject.judged {
        by_cell[photo.true_class * classes + photo.said].push(photo);
    }
    let mut cells: Vec<Cell> = by_cell
        .into_iter()
        .enumerate()
        .filter(|(_, photos)| !photos.is_empty())
        .map(|(at, photos)| Cell { true_class: at / classes, said: at % classes, photos })
        .collect();
    for cell in &mut cells {
        cell.photos.sort_by(|a, b| b.confidence().total_cmp(&a.confidence()));
        if cell.is_right() {
            cell.photos.reverse();
        }
    }
    cells.sort_by_key(|cell| (cell.is_right(), std::cmp::Reverse(cell.photos.len())));
    cells
}

/// Renders the matrix, the list of confusions, and the photos of each cell.
pub fn confusion(page: &Page, subject: &Subject) -> Markup {
    let words = page.words;
    let cells = cells(subject);
    let classes = subject.evaluation.per_class.len();
    let mistakes: Vec<&Cell> = cells.iter().filter(|cell| !cell.is_right()).collect();
    let list = |mistakes: &[&Cell]| {
        html! {
            ul.confusions { @for cell in mistakes {
                li { a href={ "#" (cell.id()) } { (taken_for(page, subject, cell)) } }
            } }
        }
    };
    let shown = mistakes.len().min(LISTED);
    html! {
        h3 #confusion { (words.confusion_matrix()) }
        p { (words.confusion_meaning()) }
        @match classes <= NUMBERED {
            true => (numbered(page, subject, &cells)),
            false => (drawn(page, subject, &cells)),
        }
        @if !mistakes.is_empty() {
            h4 { (words.frequent_confusions()) }
            (list(&mistakes[..shown]))
            @if shown < mistakes.len() {
                (folded(
                    html! { (words.more_confusions(mistakes.len() - shown)) },
                    list(&mistakes[shown..]),
                ))
            }
        }
        div.cells { @for cell in &cells { (photos(page, subject, cell)) } }
    }
}

/// Says what a cell holds: `glass taken for plastic: 3 photos`.
fn taken_for(page: &Page, subject: &Subject, cell: &Cell) -> Markup {
    let [is, said] = [cell.true_class, cell.said].map(|class| subject.class(class));
    match cell.is_right() {
        true => page.words.rightly(is, cell.photos.len()),
        false => page.words.taken_for(is, said, cell.photos.len()),
    }
}

/// Returns the shade of a cell: the share of its true class, from 1 to `SHADES`.
fn shade(subject: &Subject, cell: &Cell) -> String {
    let support = subject.evaluation.per_class[cell.true_class].support.max(1);
    let shade = (cell.photos.len() * SHADES).div_ceil(support).clamp(1, SHADES);
    format!("{}{shade}", if cell.is_right() { "hit" } else { "miss" })
}

/// Renders the matrix as a table whose numbers are links.
fn numbered(page: &Page, subject: &Subject, cells: &[Cell]) -> Markup {
    let (words, per_class) = (page.words, &subject.evaluation.per_class);
    let find = |true_class: usize, said: usize| {
        cells.iter().find(|cell| cell.true_class == true_class && cell.said == said)
    };
    let table = html! {
        thead {
            tr {
                th scope="col" { (words.is_and_said()) }
                @for class in per_class {
                    th.said scope="col" { span title=(class.name) { bdi { (class.name) } } }
                }
            }
        }
        tbody {
            @for (row, class) in per_class.iter().enumerate() {
                tr {
                    th.words scope="row" { bdi { (class.name) } }
                    @for column in 0..per_class.len() {
                        @match find(row, column) {
                            Some(cell) => td class=(shade(subject, cell)) {
                                a href={ "#" (cell.id()) } { (cell.photos.len()) }
                            },
                            None => td.none { "0" },
                        }
                    }
                }
            }
        }
    };
    html! { div.confusion { (scrolled(words.confusion_matrix(), table)) } }
}

/// Draws the matrix of many classes. The list below has the same links for the keyboard.
fn drawn(page: &Page, subject: &Subject, cells: &[Cell]) -> Markup {
    let (words, side) = (page.words, CELL * subject.evaluation.per_class.len());
    html! {
        div.scroll.drawn-matrix role="region" tabindex="0" aria-label=(words.confusion_matrix()) {
            svg.cells-drawn width=(side) height=(side) viewBox={ "0 0 " (side) " " (side) } {
                rect.ground width=(side) height=(side) {}
                @for cell in cells {
                    a href={ "#" (cell.id()) } tabindex="-1" {
                        title { (taken_for(page, subject, cell)) }
                        rect class=(shade(subject, cell))
                            x=(CELL * cell.said) y=(CELL * cell.true_class)
                            width=(CELL) height=(CELL) {}
                    }
                }
            }
        }
    }
}

/// Renders the photos of a cell, hidden until a link to the cell is followed.
fn photos(page: &Page, subject: &Subject, cell: &Cell) -> Markup {
    let words = page.words;
    let (shown, others): (Vec<&Judged>, Vec<&Judged>) =
        cell.shown().iter().copied().partition(|photo| page.album.has(photo.path));
    html! {
        section.cell #(cell.id()) tabindex="-1" {
            h4 { (taken_for(page, subject, cell)) }
            @if cell.photos.len() > cell.shown().len() {
                p { (words.least_sure_of_these(cell.shown().len())) }
            }
            ul.tiles.small {
                @for photo in shown {
                    li {
                        @let title = words.photo_of(photo.path);
                        @if let Some(picture) = page.album.photo(photo.path, &title) { (picture) }
                        span.caption { (words.share(photo.confidence())) }
                    }
                }
            }
            @if !others.is_empty() {
                p { (words.without_picture()) }
                ul { @for photo in others { li { code { bdi { (photo.path) } } } } }
            }
            p { a href="#confusion" { (words.back_to_matrix()) } }
        }
    }
}
