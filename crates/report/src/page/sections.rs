//! The sections of the page, from top to bottom.

use kennel_core::CoreError;
use maud::{Markup, html};
use serde_json::Value;

use super::figure::figure;
use super::more_photos::{is_curve, more_photos};
use super::number::{Rounded, number};
use super::tables::head;
use super::unknown_photos::unknown_photos;
use crate::{Commands, Figure, FinishedRun, Level, Named, Report, Result, RunSummary, honesty};

/// Largest number of pairs to list.
const PAIRS: usize = 30;

/// Renders the answer in two sentences, with a warning if a check gives one.
pub fn lead(report: &Report, json: &Value) -> Markup {
    let comparison = &report.comparison;
    let best = comparison.runs.iter().position(|run| comparison.best.as_ref() == Some(&run.name));
    let warnings = report.checks.iter().filter(|check| check.level == Level::Warning).count();
    html! {
        @if let Some(index) = best {
            p.lead {
                "The best run by validation is " strong { (comparison.runs[index].label) } "."
                @if comparison.test_photos > 0 {
                    " On the test photos it is right on "
                    (number(json, &format!("/comparison/runs/{index}/test/accuracy"), Rounded::Proportion)) "."
                }
            }
        }
        @if warnings > 0 {
            p.warning { strong { "Warning: " } a href="#checks" { "the numbers are not what they look like." } }
        }
    }
}

/// Renders the table of all runs, how they differ, and the figures of all runs together.
pub fn comparison(report: &Report, json: &Value, figures: &[Figure]) -> Markup {
    let comparison = &report.comparison;
    html! {
        section #comparison aria-labelledby="comparison-title" {
            h2 #comparison-title { "Comparison" }
            div.scroll role="region" tabindex="0" aria-label="Table of all runs" {
                table {
                    caption { span {
                        @match comparison.test_photos {
                            0 => "There are no test photos. ",
                            n => { "Every run on the same " (n) " test photos. " }
                        }
                        "The epoch of each was chosen on the \
                         validation photos; so was the best run, marked with a star."
                        @if comparison.runs.iter().any(|run| run.feature_views.is_some()) {
                            " With cached features, images/s covers the remaining work only."
                        }
                    } }
                    (head(&["Run"], &["Test", "Best validation", "Log loss (nats)", "Epochs", "Learning rate",
                        "Trained parameters", "Time", "Images/s", "Peak memory"], &["Frozen"]))
                    tbody {
                        @for (index, run) in comparison.runs.iter().enumerate() {
                            (row(run, comparison.best.as_ref() == Some(&run.name), json, index))
                        }
                    }
                }
            }
            @if !comparison.seeds.is_empty() { (seeds(report, json)) }
            @if !comparison.pairs.is_empty() { (pairs(report, json)) }
            // The page has the comparison as an HTML table.
            @for drawn in figures.iter().filter(|figure| figure.stem != "comparison_table") { (figure(drawn)) }
            @if !comparison.left_out.is_empty() {
                h3 { "Runs that were left out" }
                ul { @for out in &comparison.left_out { li { code { (out.run) } ": " (out.reason) } } }
            }
        }
    }
}

fn row(run: &RunSummary, is_best: bool, json: &Value, index: usize) -> Markup {
    let cell = |key: &str, rounded: Rounded| {
        number(json, &format!("/comparison/runs/{index}/{key}"), rounded)
    };
    let is_trained = run.strategy.is_training();
    html! {
        tr.best[is_best] {
            th scope="row" { a href={ "#run-" (index) } { (run.label) } @if is_best { " " span role="img" aria-label="the best" { "★" } } }
            td.number { (cell("test/accuracy", Rounded::Proportion)) }
            td.number { (cell("val/accuracy", Rounded::Proportion)) }
            td.number { (cell("test/log_loss", Rounded::Fixed(4))) }
            td.number { (cell("epochs", Rounded::Count)) }
            td.number { @if is_trained { (cell("learning_rate", Rounded::Scientific)) } @else { "–" } }
            td.number { (cell("trainable_params", Rounded::Count)) }
            td.number { (cell("training_s", Rounded::Duration)) }
            td.number { (cell("images_per_s", Rounded::Fixed(0))) }
            td.number { (cell("peak_rss_bytes", Rounded::Gigabytes)) }
            td { (run.frozen) }
        }
    }
}

fn seeds(report: &Report, json: &Value) -> Markup {
    html! {
        h3 { "Several seeds" }
        ul {
            @for (index, group) in report.comparison.seeds.iter().enumerate() {
                @let at = |key: &str| format!("/comparison/seeds/{index}/{key}");
                li {
                    (group.label) ": test " (number(json, &at("mean"), Rounded::PerCent)) " in the mean of "
                    (group.seeds.len()) " seeds, standard deviation " (number(json, &at("sd"), Rounded::Points)) " points; right on "
                    @for (seed, of) in group.seeds.iter().enumerate() {
                        @if seed > 0 { ", " }
                        (number(json, &at(&format!("seeds/{seed}/correct")), Rounded::Count)) " (seed " (of.seed) ")"
                    }
                    " of " (report.comparison.test_photos) "."
                }
            }
        }
    }
}

fn pairs(report: &Report, json: &Value) -> Markup {
    let pairs = &report.comparison.pairs;
    html! {
        h3 { "Is one better than another?" }
        p {
            "Every two runs on the same test photos, by the exact McNemar test; p is corrected for the number of pairs as by Holm. \
             Below 0.05 is evidence."
        }
        div.scroll role="region" tabindex="0" aria-label="Table of pairs" {
            table {
                (head(&["In words"], &["Only the first is right", "Only the second", "p", "p, corrected"], &[]))
                tbody {
                    @for (index, pair) in pairs.iter().take(PAIRS).enumerate() {
                        @let at = |key: &str| format!("/comparison/pairs/{index}/{key}");
                        tr {
                            th.words scope="row" { (pair.verdict) }
                            td.number { (number(json, &at("only_first"), Rounded::Count)) }
                            td.number { (number(json, &at("only_second"), Rounded::Count)) }
                            td.number { (number(json, &at("p"), Rounded::P)) }
                            td.number { (number(json, &at("p_holm"), Rounded::P)) }
                        }
                    }
                }
            }
        }
        @if pairs.len() > PAIRS { p { "And " (pairs.len() - PAIRS) " more, none with a smaller p." } }
    }
}

/// Renders every check, grouped by title.
pub fn checks(report: &Report) -> Markup {
    html! {
        section #checks aria-labelledby="checks-title" {
            h2 #checks-title { "Before you believe it" }
            @for title in honesty::titles(&report.checks) {
                h3 { (title) }
                ul.checks {
                    @for check in report.checks.iter().filter(|check| check.title == title) {
                        @match check.level {
                            Level::Warning => li.warning { strong { "Warning: " } (check.text) },
                            Level::Note => li.note { strong { "Note: " } (check.text) },
                            Level::Fine => li { (check.text) },
                        }
                    }
                }
            }
        }
    }
}

/// Renders published results beside ours.
pub fn against(report: &Report, json: &Value, figures: &[Figure]) -> Markup {
    html! {
        section #published aria-labelledby="published-title" {
            h2 #published-title { "Published results" }
            p {
                "They hold no record of each photo. Where their counts leave only one possibility the paired test is determined; \
                 elsewhere the smallest possible p is given."
            }
            div.scroll role="region" tabindex="0" aria-label="Table of published results" {
                table {
                    (head(&["Experiment", "Beside ours", "Its curves"], &["Test (%)", "Best validation (%)", "Epochs", "Learning rate"], &[]))
                    tbody {
                        @for (index, published) in report.against.iter().enumerate() {
                            @let at = |key: &str| format!("/against/{index}/{key}");
                            tr {
                                th scope="row" { (published.results.experiment_name) }
                                td.words { @for pair in &published.pairs { p { (pair.verdict) "." } } }
                                td.words { @if let Some(diagnosis) = &published.diagnosis { (diagnosis.sentence) } }
                                td.number {
                                    (number(json, &at("results/test_acc"), Rounded::Fixed(1)))
                                }
                                td.number { (number(json, &at("results/best_val_acc"), Rounded::Fixed(1))) }
                                td.number { (number(json, &at("results/epochs"), Rounded::Count)) }
                                td.number { (number(json, &at("results/lr"), Rounded::Scientific)) }
                            }
                        }
                    }
                }
            }
            @for drawn in figures { (figure(drawn)) }
        }
    }
}

/// Renders an article for every run.
pub fn runs(
    report: &Report,
    json: &Value,
    figures: &[Vec<Figure>],
    commands: &dyn Commands,
) -> Result<Markup> {
    let each = report.runs.iter().zip(&report.comparison.runs).zip(figures).enumerate();
    let pages = each.map(|(index, ((run, summary), figures))| {
        self::run(run, summary, json, index, figures, commands)
    });
    let pages: Vec<Markup> = pages.collect::<Result<_>>()?;
    Ok(html! {
        section #runs aria-labelledby="runs-title" {
            h2 #runs-title { "Runs" }
            @for page in pages { (page) }
        }
    })
}

fn run(
    run: &FinishedRun,
    summary: &RunSummary,
    json: &Value,
    index: usize,
    figures: &[Figure],
    commands: &dyn Commands,
) -> Result<Markup> {
    let at = |key: &str| format!("/comparison/runs/{index}/{key}");
    let config = toml::to_string(&run.record).map_err(|error| CoreError::Malformed {
        path: run.dir.config(),
        what: "configuration",
        reason: error.to_string(),
    })?;
    Ok(html! {
        article #{ "run-" (index) } {
            h3 { (summary.label) }
            p { code { (summary.name) } }
            dl {
                dt { "Weights" } dd { (summary.weights) }
                dt { "Frozen" } dd { (summary.frozen) }
                @if summary.total_params > 0 { dt { "Parameters trained" } dd {
                    (number(json, &at("trainable_params"), Rounded::Count)) " of " (number(json, &at("total_params"), Rounded::Count))
                } }
                @if let Some(best) = summary.best_epoch { dt { "Epoch kept" } dd { (best) " of " (summary.epochs) } }
                @if let Some(views) = summary.feature_views {
                    dt { "Frozen trunk" } dd {
                        "The epochs cycled through " (views) " augmented views of each photo, whose features were cached. \
                         The published recipe draws a new view every epoch: " (commands.name(Named::FreshViews)) "."
                    }
                }
                @if let Some(folds) = summary.folds {
                    dt { "Out of fold" } dd { (number(json, &at("out_of_fold/accuracy"), Rounded::Proportion)) ", " (folds) " folds" }
                } @else {
                    dt { "Validation" } dd { (number(json, &at("val/accuracy"), Rounded::Proportion)) }
                }
                dt { "Test" } dd { (number(json, &at("test/accuracy"), Rounded::Proportion)) }
                dt { "Log loss on test" } dd { (number(json, &at("test/log_loss"), Rounded::Fixed(4))) " nats per image" }
                dt { "Expected calibration error" } dd { (number(json, &at("test/calibration/expected_calibration_error"), Rounded::Fixed(4))) }
                dt { "Brier score" } dd { (number(json, &at("test/calibration/brier_score"), Rounded::Fixed(4))) }
                dt { "Temperature" } dd {
                    (number(json, &at("temperature/value"), Rounded::Fixed(3)))
                    @if let Some(reason) = summary.temperature.and_then(|temperature| temperature.not_fitted) { " (not fitted: " (reason) ")" }
                }
                dt { "Computed on" } dd { (summary.device) ", " (summary.machine) }
            }
            @if let Some(diagnosis) = &summary.diagnosis { p { (diagnosis.sentence) } }
            @if summary.test.is_some() { (classes(summary, json, index)) }
            @for drawn in figures.iter().filter(|figure| !is_curve(figure)) { (figure(drawn)) }
            @if summary.test.is_some() && !figures.iter().any(|figure| figure.stem.ends_with("example_predictions")) {
                p { "No photo is shown: those of " code { (run.settings().data_dir) } " are not there, or not those of this run." }
            }
            (more_photos(summary, json, index, figures))
            (unknown_photos(summary, json, index))
            h4 { "To make it again" }
            pre { code { (commands.reproduce(run)) } }
            details { summary { "Configuration" } pre { code { (config) } } }
        }
    })
}

fn classes(summary: &RunSummary, json: &Value, index: usize) -> Markup {
    let Some(test) = &summary.test else { return html! {} };
    html! {
        div.scroll role="region" tabindex="0" aria-label={ "Scores by class of " (summary.label) } {
            table {
                caption { "On the test photos" }
                (head(&["Class"], &["Precision", "Recall", "F1", "Photos"], &[]))
                tbody {
                    @for (class, report) in test.evaluation.per_class.iter().enumerate() {
                        @let at = |key: &str| format!("/comparison/runs/{index}/test/per_class/{class}/{key}");
                        tr {
                            th scope="row" { (report.name) }
                            @for key in ["precision", "recall", "f1"] { td.number { (number(json, &at(key), Rounded::Fixed(3))) } }
                            td.number { (number(json, &at("support"), Rounded::Count)) }
                        }
                    }
                }
            }
        }
    }
}
