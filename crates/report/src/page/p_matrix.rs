//! The paired tests: a triangle of p values, and each in a sentence.

use std::collections::HashMap;

use maud::{Markup, html};

use super::context::Page;
use super::number::Rounded;
use super::tables::{folded, head, scrolled};
use crate::words::Compared;
use crate::{LEVEL, Pair};

/// Largest number of runs in the triangle.
const RUNS: usize = 16;
/// Largest number of pairs in sentences.
const SENTENCES: usize = 30;

/// Renders the tests between all runs.
pub fn p_matrix(page: &Page) -> Markup {
    let words = page.words;
    html! {
        h3 { (words.is_one_better()) }
        p { (words.p_matrix_meaning()) }
        (triangle(page))
        (folded(html! { (words.pairs_in_words()) }, sentences(page)))
    }
}

/// Renders a row for each run but the best, with a cell for each run above it.
fn triangle(page: &Page) -> Markup {
    let (words, pairs) = (page.words, &page.report.comparison.pairs);
    let mut cells: HashMap<(&str, &str), (usize, &Pair)> = HashMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        for [a, b] in [[&pair.first, &pair.second], [&pair.second, &pair.first]] {
            cells.insert((a.as_str(), b.as_str()), (index, pair));
        }
    }
    // A run that repeats another is in no pair, and a row of dashes says nothing.
    let is_paired = |index: &&usize| {
        let name = page.summary(**index).name.as_str();
        pairs.iter().any(|pair| pair.first == name || pair.second == name)
    };
    let paired: Vec<usize> = page.order.iter().filter(is_paired).copied().collect();
    let runs = &paired[..paired.len().min(RUNS)];
    let rank = |index: usize| 1 + page.order.iter().position(|other| *other == index).unwrap_or(0);
    let cell = |better: usize, worse: usize| {
        let key = (page.summary(better).name.as_str(), page.summary(worse).name.as_str());
        cells.get(&key).map(|(index, pair)| (*index, pair.p_holm < LEVEL))
    };
    let table = html! {
        thead { tr {
            th scope="col" { (words.run()) }
            @for &better in &runs[..runs.len() - 1] {
                th.number scope="col" { abbr title=(page.summary(better).label) { (rank(better)) } }
            }
        } }
        tbody {
            @for (row, &worse) in runs.iter().enumerate().skip(1) {
                tr {
                    th.words scope="row" { (rank(worse)) ". " bdi { (page.summary(worse).label) } }
                    @for &better in &runs[..row] {
                        @match cell(better, worse) {
                            Some((index, is_evidence)) => td.p.evidence[is_evidence] {
                                @let pointer = format!("/comparison/pairs/{index}/p_holm");
                                (page.numbers.at(&pointer, Rounded::P))
                                @if is_evidence { span aria-hidden="true" { " ●" } }
                            },
                            None => td.p { "–" },
                        }
                    }
                    @for _ in row + 1..runs.len() { td.p {} }
                }
            }
        }
    };
    html! {
        div.matrix { (scrolled(words.p_matrix(), table)) }
        @if paired.len() > runs.len() { p { (words.best_runs_only(runs.len())) } }
    }
}

fn sentences(page: &Page) -> Markup {
    let (words, comparison) = (page.words, &page.report.comparison);
    let pairs = &comparison.pairs;
    let label = |name: &str| comparison.run(name).map_or("", |run| run.label.as_str());
    let verdict = |pair: &Pair| {
        let compared = Compared {
            labels: [label(&pair.first), label(&pair.second)],
            only: [pair.only_first, pair.only_second],
        };
        words.verdict(compared, pair.p, pair.p_holm, pairs.len())
    };
    let rows = html! {
        (head(&[words.in_words()], &words.pair_titles(), &[]))
        tbody {
            @for (index, pair) in pairs.iter().take(SENTENCES).enumerate() {
                @let at = |key: &str, rounded| {
                    page.numbers.at(&format!("/comparison/pairs/{index}/{key}"), rounded)
                };
                tr {
                    th.words scope="row" { (verdict(pair)) }
                    td.number { (at("only_first", Rounded::Count)) }
                    td.number { (at("only_second", Rounded::Count)) }
                    td.number { (at("p", Rounded::P)) }
                    td.number { (at("p_holm", Rounded::P)) }
                }
            }
        }
    };
    html! {
        (scrolled(words.pairs_in_words(), rows))
        @if pairs.len() > SENTENCES { p { (words.more_pairs(pairs.len() - SENTENCES)) } }
    }
}
