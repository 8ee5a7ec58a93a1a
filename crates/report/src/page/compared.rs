//! Runs side by side: a forest plot, time against accuracy, paired tests, and every number.

use maud::{Markup, html};

use super::context::Page;
use super::number::Rounded;
use super::p_matrix::p_matrix;
use super::plots::{Dot, Scale, axis, scatter, strip};
use super::subject::score;
use super::tables::{folded, head, scrolled, star};

/// Rows of the forest plot before the fold.
const ROWS: usize = 20;

/// Renders the section.
pub fn compared(page: &Page) -> Markup {
    let (words, comparison) = (page.words, &page.report.comparison);
    html! {
        section #comparison aria-labelledby="comparison-title" {
            h2 #comparison-title { (words.runs_compared()) }
            p { (words.forest_meaning(comparison.test_photos)) }
            (forest(page))
            (times(page))
            @if !comparison.pairs.is_empty() { (p_matrix(page)) }
            @if !comparison.seeds.is_empty() { (seeds(page)) }
            (folded(html! { (words.every_number()) }, every_number(page)))
            @if !comparison.left_out.is_empty() {
                (folded(html! { (words.left_out(comparison.left_out.len())) }, html! {
                    ul lang="en" { @for out in &comparison.left_out {
                        li { code { (out.run) } ": " (out.reason) }
                    } }
                }))
            }
        }
    }
}

/// Renders accuracies with their intervals, the best on top.
fn forest(page: &Page) -> Markup {
    let words = page.words;
    let scores = || page.order.iter().filter_map(|&index| score(page.summary(index)));
    let scale = Scale::of_shares(
        scores().map(|of| of.accuracy.low).fold(1.0, f64::min),
        scores().map(|of| of.accuracy.high).fold(0.0, f64::max),
    );
    let rows = |places: std::ops::Range<usize>| {
        html! {
            table.forest {
                thead { tr {
                    th.rank scope="col" { (words.rank()) }
                    th scope="col" { (words.run()) }
                    td.drawn { (axis(scale, words)) }
                    th.number scope="col" { (words.accuracy()) }
                } }
                tbody { @for place in places { (row(page, place, scale)) } }
            }
        }
    };
    let shown = page.order.len().min(ROWS);
    html! {
        (rows(0..shown))
        @if shown < page.order.len() {
            (folded(
                html! { (words.more_runs(page.order.len() - shown)) },
                rows(shown..page.order.len()),
            ))
        }
    }
}

fn row(page: &Page, place: usize, scale: Scale) -> Markup {
    let (words, index) = (page.words, page.order[place]);
    let (run, is_best) = (page.summary(index), page.is_best(index));
    html! {
        tr.best[is_best] {
            td.rank { (place + 1) }
            th.words scope="row" {
                a href={ "#run-" (index) } { bdi { (run.label) } }
                @if is_best { " " (star(words.the_best())) }
            }
            td.drawn { @if let Some(of) = score(run) { (strip(scale, &of.accuracy, is_best)) } }
            td.number {
                (page.accuracy(index, Rounded::Share))
                @if score(run).is_some() {
                    span.soft { (page.accuracy(index, Rounded::Interval)) }
                }
            }
        }
    }
}

/// Renders accuracy over training time, if at least two runs were trained.
fn times(page: &Page) -> Markup {
    let words = page.words;
    let dot = |(place, &index): (usize, &usize)| {
        let run = page.summary(index);
        Some(Dot {
            rank: place + 1,
            label: run.label.clone(),
            seconds: run.training_s?,
            accuracy: score(run)?.accuracy.value,
            is_best: page.is_best(index),
        })
    };
    let dots: Vec<Dot> = page.order.iter().enumerate().filter_map(dot).collect();
    html! {
        @if dots.len() >= 2 {
            h3 { (words.time_and_accuracy()) }
            p { (words.time_and_accuracy_meaning()) }
            (scatter(&dots, &words.scatter_title(dots.len()), words))
        }
    }
}

fn seeds(page: &Page) -> Markup {
    let words = page.words;
    html! {
        h3 { (words.several_seeds()) }
        ul {
            @for (index, group) in page.report.comparison.seeds.iter().enumerate() {
                @let at = |key: &str, rounded| {
                    page.numbers.at(&format!("/comparison/seeds/{index}/{key}"), rounded)
                };
                li {
                    bdi { (group.label) } ": "
                    (words.mean_of_seeds(
                        at("mean", Rounded::PerCent),
                        group.seeds.len(),
                        at("sd", Rounded::Points),
                    ))
                    @for (seed, of) in group.seeds.iter().enumerate() {
                        @if seed > 0 { ", " }
                        (at(&format!("seeds/{seed}/correct"), Rounded::Count))
                        " (seed " (of.seed) ")"
                    }
                    (words.of_photos(page.report.comparison.test_photos))
                }
            }
        }
    }
}

fn every_number(page: &Page) -> Markup {
    let (words, comparison) = (page.words, &page.report.comparison);
    let titles = words.number_titles();
    let rows = html! {
        caption { span {
            (words.numbers_caption(comparison.test_photos))
            @if comparison.runs.iter().any(|run| run.feature_views.is_some()) {
                " " (words.cached_rates())
            }
        } }
        (head(&[words.run()], &titles, &[words.frozen()]))
        tbody {
            @for index in 0..comparison.runs.len() { (number_row(page, index)) }
        }
    };
    scrolled(words.every_number(), rows)
}

fn number_row(page: &Page, index: usize) -> Markup {
    let (run, is_best) = (page.summary(index), page.is_best(index));
    let cell = |key: &str, rounded: Rounded| page.of_run(index, key, rounded);
    html! {
        tr.best[is_best] {
            th scope="row" { a href={ "#run-" (index) } {
                bdi { (run.label) }
                @if is_best { " " span role="img" aria-label=(page.words.the_best()) { "★" } }
            } }
            td.number { (cell("test/accuracy", Rounded::Proportion)) }
            td.number { (cell("val/accuracy", Rounded::Proportion)) }
            td.number { (cell("test/log_loss", Rounded::Fixed(4))) }
            td.number { (cell("epochs", Rounded::Count)) }
            td.number {
                @if run.strategy.is_training() {
                    (cell("learning_rate", Rounded::Scientific))
                } @else { "–" }
            }
            td.number { (cell("trainable_params", Rounded::Count)) }
            td.number { (cell("training_s", Rounded::Duration)) }
            td.number { (cell("images_per_s", Rounded::Fixed(0))) }
            td.number { (cell("peak_rss_bytes", Rounded::Gigabytes)) }
            td { (page.frozen_layers(index)) }
        }
    }
}
