//! The first screen: how good the best run is, what that is worth, and what to do next.

use kennel_core::{CurveOutlook, Method};
use kennel_metrics::Proportion;
use maud::{Markup, html};

use super::context::Page;
use super::number::Rounded;
use super::plots::headline_strip;
use super::subject::Subject;
use crate::judged_on::HeldOut;
use crate::{CheckKind, Finding, LEVEL, Level};

/// Renders the headline.
pub fn headline(page: &Page) -> Markup {
    let (words, comparison) = (page.words, &page.report.comparison);
    html! {
        p.eyebrow {
            strong { (words.report()) } " · " (words.classes(comparison.class_names.len())) " · "
            @if comparison.test_photos > 0 { (words.test_photos(comparison.test_photos)) " · " }
            (words.runs(comparison.runs.len()))
        }
        @match &page.subject {
            Some(subject) => (of_subject(page, subject)),
            None => { h1 { (words.report()) } p.lead { (words.no_predictions()) } }
        }
    }
}

fn of_subject(page: &Page, subject: &Subject) -> Markup {
    let (words, summary) = (page.words, subject.summary);
    let accuracy = &subject.evaluation.accuracy;
    let marks = marks(page, subject);
    let shares: Vec<(&str, f64)> = marks.iter().map(|(class, _, share)| (*class, *share)).collect();
    html! {
        h1.label { (words.best_run()) " " bdi { (summary.label) } }
        div.headline {
            div.figure-of-merit {
                p.big { (page.numbers.at(&subject.at("accuracy"), Rounded::Share)) }
                p { (words.right_on(subject.held_out, accuracy.n)) }
            }
            div.range {
                (headline_strip(accuracy, &shares, &words.headline_strip(accuracy), words))
                ul.key {
                    li.band {
                        (words.interval_of(
                            page.numbers.at(&subject.at("accuracy"), Rounded::Interval),
                        ))
                    }
                    @for (class, name, _) in &marks { li class=(class) { (name) } }
                }
            }
        }
        p.lead { (worth(page, subject)) }
        @if let Some(rivals) = rivals(page, subject) { p { (rivals) } }
        div.next {
            section aria-labelledby="next-title" {
                h2 #next-title { (words.next()) }
                ol { @for step in next(page, subject) { li { (step) } } }
            }
            section aria-labelledby="model-title" {
                h2 #model-title { (words.the_model()) }
                p { (words.model_lies_in()) " " code { (subject.run.dir.path().display()) } }
                p { (words.label_photos()) } pre { code { (page.commands.predict(subject.run)) } }
                p { (words.one_file()) } pre { code { (page.commands.export(subject.run)) } }
            }
        }
    }
}

/// Returns what the accuracy is compared with: the class of its mark, its name and its share.
fn marks(page: &Page, subject: &Subject) -> Vec<(&'static str, Markup, f64)> {
    let (words, evaluation) = (page.words, subject.evaluation);
    let mut marks = Vec::new();
    let most = evaluation.per_class.iter().enumerate().max_by_key(|(_, class)| class.support);
    if let Some((class, report)) = most.filter(|_| evaluation.n > 0) {
        let support = subject.at(&format!("per_class/{class}/support"));
        let name = words.always(&report.name, page.numbers.at(&support, Rounded::Count));
        marks.push(("guess", name, report.support as f64 / evaluation.n as f64));
    }
    if let Some((index, start)) = untouched(page, subject) {
        let accuracy = page.of_run(index, "test/accuracy", Rounded::Share);
        marks.push(("start", words.untouched(accuracy), start.value));
    }
    marks
}

/// Finds the untouched head of the subject's network.
fn untouched(page: &Page, subject: &Subject) -> Option<(usize, Proportion)> {
    let runs = page.report.comparison.runs.iter().enumerate();
    let (index, run) = runs
        .filter(|(index, run)| {
            run.strategy == Method::ZeroShot
                && run.model == subject.summary.model
                && *index != subject.index
        })
        .find(|(_, run)| run.test.is_some())?;
    Some((index, run.test.as_ref()?.evaluation.accuracy))
}

/// Says in a sentence what the accuracy is worth: the gravest thing that a reader must know.
fn worth(page: &Page, subject: &Subject) -> Markup {
    let words = page.words;
    let warning = page
        .checks
        .iter()
        .filter(|check| check.level == Level::Warning && check.kind != CheckKind::Training)
        .min_by_key(|check| check.kind);
    let wrong = subject.evaluation.n - subject.evaluation.correct;
    html! {
        @if let Some(check) = warning {
            a.warning href="#checks" {
                span aria-hidden="true" { "■ " } (words.check_in_short(check.kind, check.level))
            }
        } @else if subject.held_out == HeldOut::Validation {
            (words.worth_of_validation())
        } @else {
            (words.worth_of_photos_like_these(wrong))
        }
    }
}

/// Says how many of the other runs are shown to be worse than the subject.
fn rivals(page: &Page, subject: &Subject) -> Option<Markup> {
    let name = &subject.summary.name;
    let pairs: Vec<_> = page
        .report
        .comparison
        .pairs
        .iter()
        .filter(|pair| &pair.first == name || &pair.second == name)
        .collect();
    let decided = |pair: &&&crate::Pair| pair.p_holm < LEVEL;
    let worse = pairs.iter().filter(decided).filter(|pair| &pair.first == name).count();
    let better = pairs.iter().filter(decided).filter(|pair| &pair.second == name).count();
    (!pairs.is_empty()).then(|| page.words.rivals(pairs.len(), worse, better))
}

/// Returns what to do next, the most useful first; at most four steps.
fn next(page: &Page, subject: &Subject) -> Vec<Markup> {
    let (words, summary, evaluation) = (page.words, subject.summary, subject.evaluation);
    let mut steps = Vec::new();
    let wrong = evaluation.n - evaluation.correct;
    if wrong > 0 {
        steps.push(words.look_at_mistakes(wrong));
    } else {
        steps.push(words.look_at_unsure());
    }
    match &page.report.labels {
        Some(found) if !found.wrong_labels.is_empty() => {
            steps.push(words.look_at_labels(found.wrong_labels.len()));
        }
        Some(_) => {}
        None if subject.run.dir.out_of_fold().is_file() => {
            steps.push(words.audit_labels(&page.commands.audit(subject.run, page.out)));
        }
        None => {}
    }
    let weakest = evaluation
        .per_class
        .iter()
        .enumerate()
        .filter(|(_, class)| class.support > 0)
        .min_by(|(_, a), (_, b)| a.recall.total_cmp(&b.recall));
    if let Some((class, report)) = weakest.filter(|(_, class)| class.recall < 1.0) {
        let recall =
            page.numbers.at(&subject.at(&format!("per_class/{class}/recall")), Rounded::PerCent);
        steps.push(words.weakest_class(&report.name, recall));
    }
    let is_falling =
        |more: &crate::MorePhotos| matches!(more.curve.outlook, CurveOutlook::Falls(_));
    if summary.more_photos.as_ref().is_some_and(is_falling) {
        steps.push(words.more_photos_help(&format!("#run-{}", subject.index)));
    }
    let finding = summary.diagnosis.as_ref().map(|diagnosis| diagnosis.finding);
    if matches!(finding, Some(Finding::StillImproving | Finding::Underfitting)) {
        steps.push(words.train_longer());
    }
    steps.push(words.try_new_photos());
    steps.truncate(4);
    steps
}
