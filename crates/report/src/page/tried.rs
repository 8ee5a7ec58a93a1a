//! What a run tried before it chose its network.

use kennel_core::{CandidateRecord, SearchTrial};
use maud::{Markup, html};

use super::context::Page;
use super::number::Rounded;
use super::tables::{head, scrolled, star};

/// Renders the trials of a search, or the candidates of the strategy `auto`.
pub fn tried(page: &Page, index: usize) -> Markup {
    let (words, summary) = (page.words, page.summary(index));
    let Some(tried) = &summary.tried else { return html! {} };
    let mark = |place: usize| {
        html! { @if place == tried.chosen { " " (star(words.chosen())) } }
    };
    let at = |list: &str, place: usize, key: &str, rounded| {
        page.of_run(index, &format!("tried/{list}/{place}/{key}"), rounded)
    };
    let trial = |(place, trial): (usize, &SearchTrial)| {
        let cell = |key: &str, rounded| at("trials", place, key, rounded);
        html! {
            tr.best[place == tried.chosen] {
                th scope="row" { (place + 1) (mark(place)) }
                td.number { (cell("learning_rate", Rounded::Scientific)) }
                td.number { (cell("layer_decay", Rounded::Fixed(2))) }
                td.number { (cell("drop_path_rate", Rounded::Fixed(2))) }
                td.number { (cell("epochs", Rounded::Count)) }
                td.number { (cell("val_accuracy", Rounded::PerCent)) }
                td.number { (cell("val_loss", Rounded::Fixed(4))) }
                td.number { (cell("seconds", Rounded::Duration)) }
                td { (trial.augmentation.map_or("–".to_string(), |set| set.to_string())) }
                td { (words.trial_end(trial.ended)) }
            }
        }
    };
    let candidate = |(place, candidate): (usize, &CandidateRecord)| {
        let cell = |key: &str, rounded| at("candidates", place, key, rounded);
        html! {
            tr.best[place == tried.chosen] {
                th scope="row" { (candidate.strategy) (mark(place)) }
                td.number { (cell("learning_rate", Rounded::Scientific)) }
                td.number { (cell("share", Rounded::Fixed(2))) }
                td.number { (cell("val_correct", Rounded::Count)) }
                td.number { (cell("val_loss", Rounded::Fixed(4))) }
                td.number { (cell("seconds", Rounded::Duration)) }
            }
        }
    };
    let rows = match tried.trials.is_empty() {
        false => html! {
            (head(&[words.trial()], &words.trial_titles(), &[words.augmentation(), words.ended()]))
            tbody { @for row in tried.trials.iter().enumerate().map(trial) { (row) } }
        },
        true => html! {
            (head(&[words.candidate()], &words.candidate_titles(), &[]))
            tbody { @for row in tried.candidates.iter().enumerate().map(candidate) { (row) } }
        },
    };
    html! {
        h3 { (words.what_it_tried()) }
        p { (words.tried_meaning()) }
        (scrolled(&words.tried_by(&summary.label), rows))
    }
}
