//! Every run, folded: its settings, its figures, and how to make it again.

use kennel_core::CoreError;
use maud::{Markup, html};

use super::context::Page;
use super::figure::figure;
use super::more_photos::{is_curve, more_photos};
use super::number::Rounded;
use super::subject::score;
use super::tables::{folded, head, scrolled, star};
use super::tried::tried;
use super::unknown_photos::unknown_photos;
use crate::diagnosis::diagnose_in;
use crate::{Curves, Figure, Named, Result};

/// Largest number of class scores on the page; with more, each run's are in its file only.
const SCORES: usize = 1000;

/// Renders an article for every run.
///
/// # Errors
///
/// A configuration that cannot be serialised.
pub fn runs(page: &Page, figures: &[Vec<Figure>]) -> Result<Markup> {
    let words = page.words;
    let articles = page.order.iter().map(|&index| run(page, index, &figures[index]));
    let articles: Vec<Markup> = articles.collect::<Result<_>>()?;
    Ok(html! {
        section #runs aria-labelledby="runs-title" {
            h2 #runs-title { (words.every_run()) }
            p { (words.every_run_meaning()) }
            @for article in articles { (article) }
        }
    })
}

fn run(page: &Page, index: usize, figures: &[Figure]) -> Result<Markup> {
    let (words, summary) = (page.words, page.summary(index));
    let body = self::body(page, index, figures)?;
    Ok(html! {
        article {
            details.run {
                summary {
                    bdi { (summary.label) }
                    @if score(summary).is_some() {
                        span.soft { (page.accuracy(index, Rounded::Share)) }
                    }
                    @if page.is_best(index) { (star(words.the_best())) }
                }
                // A link to what is inside opens it.
                div #{ "run-" (index) } { (body) }
            }
        }
    })
}

fn body(page: &Page, index: usize, figures: &[Figure]) -> Result<Markup> {
    let (words, run, summary) = (page.words, &page.report.runs[index], page.summary(index));
    let config = toml::to_string(&run.record).map_err(|error| CoreError::Malformed {
        path: run.dir.config(),
        what: "configuration",
        reason: error.to_string(),
    })?;
    let classes = page.report.comparison.class_names.len();
    let curves = Curves::of(&run.epochs, run.settings().label_smoothing, classes);
    let drawn = |figure: &&Figure| figure.stem.ends_with("_reliability_diagram");
    Ok(html! {
        p { code { (summary.name) } }
        (facts(page, index))
        @if let Some(diagnosis) = diagnose_in(words, &curves, classes) {
            p { (diagnosis.sentence) }
        }
        @if summary.test.is_some() {
            @if classes * page.report.runs.len() <= SCORES { (class_scores(page, index)) }
            p { (words.files_of(&summary.name)) }
        }
        @for drawn in figures.iter().filter(drawn) { (figure(drawn)) }
        (tried(page, index))
        (more_photos(page, index, figures.iter().find(|figure| is_curve(figure))))
        (unknown_photos(page, index))
        h3 { (words.make_it_again()) }
        pre { code { (page.commands.reproduce(run)) } }
        (folded(html! { (words.configuration()) }, html! { pre { code { (config) } } }))
    })
}

fn facts(page: &Page, index: usize) -> Markup {
    let (words, summary) = (page.words, page.summary(index));
    let at = |key: &str, rounded: Rounded| page.of_run(index, key, rounded);
    html! {
        dl {
            dt { (words.weights()) } dd { (summary.weights) }
            dt { (words.frozen()) } dd { (page.frozen_layers(index)) }
            @if summary.total_params > 0 { dt { (words.trained_parameters()) } dd {
                (at("trainable_params", Rounded::Count)) (words.of())
                (at("total_params", Rounded::Count))
            } }
            @if let Some(best) = summary.best_epoch {
                dt { (words.epochs()) } dd { (words.epoch_kept(best, summary.epochs)) }
            }
            @if let Some(views) = summary.feature_views {
                dt { (words.cached_features()) }
                dd { (words.cached_views(views, page.commands.name(Named::FreshViews))) }
            }
            @if let Some(folds) = summary.folds {
                dt { (words.out_of_fold()) }
                dd { (at("out_of_fold/accuracy", Rounded::Proportion)) ", " (words.folds(folds)) }
            } @else {
                dt { (words.validation()) } dd { (at("val/accuracy", Rounded::Proportion)) }
            }
            dt { (words.test()) } dd { (at("test/accuracy", Rounded::Proportion)) }
            dt { (words.log_loss()) } dd { (at("test/log_loss", Rounded::Fixed(4))) }
            dt { (words.calibration_error()) }
            dd { (at("test/calibration/expected_calibration_error", Rounded::Fixed(4))) }
            dt { (words.brier_score()) }
            dd { (at("test/calibration/brier_score", Rounded::Fixed(4))) }
            dt { (words.temperature()) } dd {
                (at("temperature/value", Rounded::Fixed(3)))
                @if let Some(reason) = summary.temperature.and_then(|fitted| fitted.not_fitted) {
                    " (" (words.not_fitted(reason)) ")"
                }
            }
            @if summary.training_s.is_some() {
                dt { (words.training_time()) } dd { (at("training_s", Rounded::Duration)) }
            }
            dt { (words.computed_on()) } dd { (summary.device) ", " (summary.machine) }
        }
    }
}

fn class_scores(page: &Page, index: usize) -> Markup {
    let (words, summary) = (page.words, page.summary(index));
    let Some(test) = &summary.test else { return html! {} };
    let titles = [words.precision(), words.recall(), "F1", words.photos_column()];
    let rows = html! {
        caption { span { (words.on_the_test_photos()) } }
        (head(&[words.class()], &titles, &[]))
        tbody {
            @for (class, report) in test.evaluation.per_class.iter().enumerate() {
                @let at = |key: &str, rounded| {
                    page.of_run(index, &format!("test/per_class/{class}/{key}"), rounded)
                };
                tr {
                    th scope="row" { bdi { (report.name) } }
                    @for key in ["precision", "recall", "f1"] {
                        td.number { (at(key, Rounded::Fixed(3))) }
                    }
                    td.number { (at("support", Rounded::Count)) }
                }
            }
        }
    };
    scrolled(&words.scores_of(&summary.label), rows)
}
