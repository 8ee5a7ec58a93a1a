//! Published results beside ours.

use maud::{Markup, html};

use super::context::Page;
use super::figure::figure;
use super::number::Rounded;
use super::tables::{head, scrolled};
use crate::diagnosis::diagnose_in;
use crate::{Against, AgainstPair, Figure};

/// Renders the section.
pub fn published(page: &Page, figures: &[Figure]) -> Markup {
    let words = page.words;
    let rows = html! {
        (head(&words.published_words(), &words.published_numbers(), &[]))
        tbody {
            @for (index, against) in page.report.against.iter().enumerate() {
                (row(page, against, index))
            }
        }
    };
    html! {
        section #published aria-labelledby="published-title" {
            h2 #published-title { (words.published_results()) }
            p { (words.published_meaning()) }
            (scrolled(words.published_results(), rows))
            @for drawn in figures { (figure(drawn)) }
        }
    }
}

fn row(page: &Page, against: &Against, index: usize) -> Markup {
    let at =
        |key: &str, rounded| page.numbers.at(&format!("/against/{index}/results/{key}"), rounded);
    let classes = page.report.comparison.class_names.len();
    let diagnosis = diagnose_in(page.words, &against.results.history.curves(), classes);
    html! {
        tr {
            th scope="row" { (against.results.experiment_name) }
            td.words { @for pair in &against.pairs { p { (verdict(page, against, pair)) "." } } }
            td.words { @if let Some(diagnosis) = diagnosis { (diagnosis.sentence) } }
            td.number { (at("test_acc", Rounded::Fixed(1))) }
            td.number { (at("best_val_acc", Rounded::Fixed(1))) }
            td.number { (at("epochs", Rounded::Count)) }
            td.number { (at("lr", Rounded::Scientific)) }
        }
    }
}

fn verdict(page: &Page, against: &Against, pair: &AgainstPair) -> String {
    let ours =
        page.report.comparison.run(&pair.run).and_then(|run| Some((run, run.test.as_ref()?)));
    let (Some((run, test)), Some(theirs)) = (ours, against.test) else {
        return pair.verdict.clone();
    };
    let accuracy = &test.evaluation.accuracy;
    page.words.against(
        [&run.label, &against.results.experiment_name],
        [accuracy.correct, accuracy.n, theirs.correct],
        pair.smallest_p,
        pair.is_determined,
    )
}
