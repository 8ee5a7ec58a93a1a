//! The best run class by class: a bar for each, the confusion matrix, and the curves of all runs.

use kennel_metrics::Proportion;
use maud::{Markup, html};

use super::confusion::confusion;
use super::context::Page;
use super::number::Rounded;
use super::plots::{CurvePanel, LossScale, bar, curve_panel};
use super::subject::Subject;
use super::tables::folded;

/// Bars and panels before the fold.
const CLASSES: usize = 24;
const PANELS: usize = 12;

/// Renders the section.
pub fn per_class(page: &Page, subject: &Subject) -> Markup {
    let words = page.words;
    html! {
        section #classes aria-labelledby="classes-title" {
            h2 #classes-title { (words.class_by_class()) }
            p { (words.of_best_run()) " " strong { bdi { (subject.summary.label) } } }
            (bars(page, subject))
            (confusion(page, subject))
            (curves(page))
        }
    }
}

/// Renders a bar for each class: its recall with the interval, and how many photos that rests on.
fn bars(page: &Page, subject: &Subject) -> Markup {
    let (words, evaluation) = (page.words, subject.evaluation);
    let mut order: Vec<usize> = (0..evaluation.per_class.len()).collect();
    order.sort_by(|&a, &b| {
        let recall = |class: usize| {
            let report = &evaluation.per_class[class];
            if report.support == 0 { 2.0 } else { report.recall }
        };
        recall(a).total_cmp(&recall(b))
    });
    let rows = |classes: &[usize]| {
        html! {
            table.bars {
                thead { tr {
                    th scope="col" { (words.class()) }
                    td.drawn {}
                    th.number scope="col" { (words.recall()) }
                    th.number.wide scope="col" { (words.precision()) }
                    th.number.wide scope="col" { "F1" }
                    th.number scope="col" { (words.photos_column()) }
                } }
                tbody { @for &class in classes { (class_row(page, subject, class)) } }
            }
        }
    };
    let shown = order.len().min(CLASSES);
    html! {
        p { (words.bars_meaning()) }
        (rows(&order[..shown]))
        @if shown < order.len() {
            (folded(html! { (words.more_classes(order.len() - shown)) }, rows(&order[shown..])))
        }
    }
}

fn class_row(page: &Page, subject: &Subject, class: usize) -> Markup {
    let report = &subject.evaluation.per_class[class];
    let right = subject.evaluation.confusion_matrix[class][class];
    let at = |key: &str, rounded| {
        page.numbers.at(&subject.at(&format!("per_class/{class}/{key}")), rounded)
    };
    html! {
        tr {
            th.words scope="row" { bdi { (report.name) } }
            td.drawn { @if report.support > 0 { (bar(&Proportion::new(right, report.support))) } }
            td.number { @if report.support > 0 { (at("recall", Rounded::PerCent)) } @else { "–" } }
            td.number.wide { (at("precision", Rounded::PerCent)) }
            td.number.wide { (at("f1", Rounded::Fixed(3))) }
            td.number { (at("support", Rounded::Count)) }
        }
    }
}

/// Renders the losses of every trained run, one panel each.
fn curves(page: &Page) -> Markup {
    let (words, report) = (page.words, page.report);
    let trained: Vec<usize> =
        page.order.iter().copied().filter(|&index| !report.runs[index].epochs.is_empty()).collect();
    let losses: Vec<(Vec<f64>, Vec<f64>)> = report
        .runs
        .iter()
        .map(|run| {
            let val = |epoch: &kennel_core::EpochRecord| epoch.val_loss.unwrap_or(f64::NAN);
            let train = run.epochs.iter().map(|epoch| epoch.train_loss).collect();
            (train, run.epochs.iter().map(val).collect())
        })
        .collect();
    let all = losses.iter().flat_map(|(train, val)| train.iter().chain(val));
    let scale = LossScale::new(all, report.comparison.class_names.len());
    let panel = |index: usize| {
        let (run, (train, val)) = (page.summary(index), &losses[index]);
        let finding = run.diagnosis.as_ref().map(|diagnosis| words.finding(diagnosis.finding));
        let drawn = CurvePanel {
            train,
            val,
            best_epoch: run.best_epoch,
            title: words.curves_of(&run.label, finding),
        };
        html! {
            li {
                p { a href={ "#run-" (index) } { bdi { (run.label) } } }
                (curve_panel(&drawn, scale))
                p.soft {
                    @if let Some(best) = run.best_epoch { (words.epoch_kept(best, run.epochs)) }
                    @if let Some(finding) = finding { " · " (finding) }
                }
            }
        }
    };
    let panels = |runs: &[usize]| html! { ul.panels { @for &index in runs { (panel(index)) } } };
    let shown = trained.len().min(PANELS);
    html! {
        @if !trained.is_empty() {
            h3 #curves { (words.learning_curves()) }
            p { (words.curves_meaning()) }
            (panels(&trained[..shown]))
            @if shown < trained.len() {
                (folded(
                    html! { (words.more_runs(trained.len() - shown)) },
                    panels(&trained[shown..]),
                ))
            }
        }
    }
}
