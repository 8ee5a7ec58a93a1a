//! What a reader has to know before believing the numbers: every check in a sentence, with what it rests on.

use std::collections::{BTreeMap, BTreeSet};

use kennel_core::{Strategy, imagenet};
use kennel_metrics::format_proportion;
use serde::Serialize;

use crate::{Comparison, FinishedRun};

/// How much a check's outcome takes away from the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing.
    Fine,
    /// Something that a reader has to know.
    Note,
    /// The numbers are not what they look like.
    Warning,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub title: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found and what it means.
    pub text: String,
}

/// Whether the pretrained network has seen the test photos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Test photos that are named like ImageNet's own.
    pub imagenet_names: usize,
    /// Of how many.
    pub test_photos: usize,
    /// Classes that are ImageNet's, by their names.
    pub imagenet_classes: Vec<String>,
}

/// Every check of a comparison, in the order of the report.
pub fn checks(comparison: &Comparison, runs: &[FinishedRun]) -> Vec<Check> {
    let mut checks = baselines(comparison, runs);
    checks.push(overlap_check(runs));
    checks.push(duplicates(&runs[0]));
    checks.extend(calibration(comparison));
    checks.extend(diagnoses(comparison));
    checks.extend(power(comparison));
    checks
}

/// The untouched ImageNet head of every network, or how to get it.
fn baselines(comparison: &Comparison, runs: &[FinishedRun]) -> Vec<Check> {
    const TITLE: &str = "Zero-shot baseline";
    let mut networks: BTreeMap<(&str, &str), Option<&str>> = BTreeMap::new();
    for run in &comparison.runs {
        let name = networks.entry((&run.model, &run.weights)).or_default();
        if run.strategy == Strategy::ZeroShot {
            *name = Some(&run.name);
        }
    }
    if networks.values().all(Option::is_none) && !could_be_imagenet(&runs[0]) {
        let text = "The classes are not ImageNet's, so no untouched head can be scored on them.".into();
        return vec![Check { title: TITLE, level: Level::Fine, text }];
    }
    let mut checks = Vec::new();
    for ((model, weights), run) in networks {
        let scores = run.and_then(|run| comparison.run(run)).and_then(|run| run.test.as_ref());
        checks.push(match scores {
            Some(scores) => Check {
                title: TITLE,
                level: Level::Note,
                text: format!(
                    "Before any training the untouched ImageNet head of {model}, asked among these {} classes only, is right on {} \
                     of the test photos. Training is worth what it adds to that.",
                    comparison.class_names.len(),
                    format_proportion(&scores.evaluation.accuracy)
                ),
            },
            None if weights == "none" => continue,
            None => Check {
                title: TITLE,
                level: Level::Note,
                text: format!(
                    "{model} has no zero-shot baseline here; `kennel evaluate --zero-shot --model {model} --weights {weights}` makes it."
                ),
            },
        });
    }
    checks
}

fn could_be_imagenet(run: &FinishedRun) -> bool {
    let file_names = |class: &str| {
        let of_class = run.manifest.photos.iter().filter(|photo| photo.label == class);
        of_class.map(|photo| base_name(&photo.path).to_string()).collect()
    };
    imagenet::match_classes(&run.facts.class_names, file_names, &BTreeMap::new()).is_ok()
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What names and classes say about the test photos of a run. None where its weights were not pretrained.
pub fn overlap(run: &FinishedRun) -> Option<Overlap> {
    if run.config.weights == "none" {
        return None;
    }
    let photos = || run.test.iter().flat_map(|test| &test.records).map(|record| base_name(&record.path));
    let is_imagenet =
        |name: &&String| imagenet::index_of_name(name).is_some() || imagenet::index_of_synset(name).is_some();
    Some(Overlap {
        imagenet_names: imagenet::pretraining_overlap(photos()),
        test_photos: photos().count(),
        imagenet_classes: run.facts.class_names.iter().filter(is_imagenet).cloned().collect(),
    })
}

fn overlap_check(runs: &[FinishedRun]) -> Check {
    const TITLE: &str = "Pretraining overlap";
    let check = |level, text| Check { title: TITLE, level, text };
    let Some(Overlap { imagenet_names, test_photos, imagenet_classes }) = runs.iter().find_map(overlap)
    else {
        return check(Level::Fine, "Nothing was pretrained.".into());
    };
    if imagenet_names > 0 {
        return check(
            Level::Warning,
            format!(
                "{imagenet_names} of {test_photos} test photos are named like ImageNet's own training photos (n########_#####). \
                 Weights that were pretrained on ImageNet have most likely learned from these very photos, so every accuracy here \
                 is higher than it would be on new ones. Compare runs with each other, and measure on photos of your own."
            ),
        );
    }
    if !imagenet_classes.is_empty() {
        return check(
            Level::Warning,
            format!(
                "{} of the classes are classes of ImageNet ({}). Weights that were pretrained on it have learned to tell them from \
                 others, and may have seen these photos: good numbers are to be expected, and say little about classes that \
                 ImageNet does not have.",
                imagenet_classes.len(),
                imagenet_classes.join(", ")
            ),
        );
    }
    check(
        Level::Fine,
        "Neither file names nor class names say that the weights were pretrained on these photos.".into(),
    )
}

fn duplicates(run: &FinishedRun) -> Check {
    const TITLE: &str = "Duplicates across splits";
    let groups = &run.manifest.duplicates;
    let crossing: Vec<_> = groups.iter().filter(|group| group.crosses_splits).collect();
    match crossing.first() {
        Some(example) => Check {
            title: TITLE,
            level: Level::Warning,
            text: format!(
                "{} pictures stand on both sides of the split (such as {}): what was learned from one was tested on the other. \
                 Let `kennel prepare` divide the photos anew.",
                crossing.len(),
                example.paths.join(" and ")
            ),
        },
        None => Check {
            title: TITLE,
            level: Level::Fine,
            text: match groups.len() {
                0 => "No picture is there twice.".into(),
                n => {
                    format!("{n} pictures are there twice or more, none of them on both sides of the split.")
                }
            },
        },
    }
}

fn calibration(comparison: &Comparison) -> Vec<Check> {
    let of_run = |run: &crate::RunSummary| {
        let (test, temperature) = (run.test.as_ref()?, run.temperature?);
        let before = test.calibration.expected_calibration_error;
        let fitted = match (&test.calibrated, temperature.not_fitted) {
            (Some(after), _) => format!(
                "with the temperature {:.3}, fitted on validation, it is {:.4}",
                temperature.value, after.expected_calibration_error
            ),
            (None, Some(reason)) => {
                format!("no temperature could be fitted on validation ({reason}), so T = 1")
            }
            (None, None) => return None,
        };
        let text = format!(
            "{}: expected calibration error {before:.4}, Brier score {:.4} on the test photos; {fitted}.",
            run.label, test.calibration.brier_score
        );
        Some(Check { title: "Calibration", level: Level::Fine, text })
    };
    comparison.runs.iter().filter_map(of_run).collect()
}

fn diagnoses(comparison: &Comparison) -> Vec<Check> {
    use crate::Finding;
    let of_run = |run: &crate::RunSummary| {
        let diagnosis = run.diagnosis.as_ref()?;
        let level = if diagnosis.finding == Finding::Converged { Level::Fine } else { Level::Note };
        let text = format!("{}: {}", run.label, diagnosis.sentence);
        Some(Check { title: "Training", level, text })
    };
    comparison.runs.iter().filter_map(of_run).collect()
}

fn power(comparison: &Comparison) -> Option<Check> {
    let power = comparison.power.as_ref()?;
    let level = if power.need.is_some_and(|need| need <= power.have) { Level::Fine } else { Level::Note };
    Some(Check { title: "Power", level, text: power.sentence.clone() })
}

/// The titles of checks, each once, in their order.
pub fn titles(checks: &[Check]) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    checks.iter().map(|check| check.title).filter(|title| seen.insert(*title)).collect()
}
