//! Scores the untouched ImageNet heads of a study's networks, to compare its runs with.

use std::collections::{BTreeMap, BTreeSet};

use kennel_core::{Method, Split, Task, Weights};
use kennel_infer::{InferError, ZeroShotOptions, zero_shot};
use kennel_models::{architecture, locate_weights};

use crate::{Claims, Event, Failed, Halt, Result, Study, StudyOptions};

/// Evaluates the untouched head of every model, if the classes are ImageNet's and no such run
/// exists. Returns the models that failed.
pub fn baselines(
    study: &Study,
    options: &StudyOptions,
    task: Task<'_>,
    on: &dyn Fn(Event<'_>),
) -> Result<Vec<Failed>> {
    let data = options.data;
    let none = BTreeMap::new();
    if !options.scores_baselines || data.manifest().match_imagenet(&none).is_err() {
        return Ok(Vec::new());
    }
    let counts = data.manifest().counts(None);
    let splits: Vec<Split> =
        [Split::Val, Split::Test].into_iter().filter(|split| counts.of(*split) > 0).collect();
    let mut failed = Vec::new();
    for model in study.models.iter().collect::<BTreeSet<_>>() {
        let weights = study.weights.get(model);
        // The experiments report missing weights.
        let found = locate_weights(architecture(model)?, weights.map(Weights::as_str));
        let Ok(source) = found else { continue };
        // The head of a fine-tuned run is not ImageNet's.
        let is_untouched = weights != Some(&Weights::Random) && source.fine_tuned_in.is_none();
        let name = source.name;
        if !is_untouched || options.existing.has_zero_shot(model, &name.as_str().into(), &splits) {
            continue;
        }
        let label = format!("{model} {}", Method::ZeroShot);
        let claim = |claims: &Claims| claims.of_baseline(&name, &label, task);
        let claim = options.claims.map(claim).transpose()?;
        if claim.is_some() {
            let now = options.existing.again(options.runs)?;
            if now.has_zero_shot(model, &name.as_str().into(), &splits) {
                continue;
            }
        }
        on(Event::BaselineBegins { label: &label });
        let asked =
            ZeroShotOptions { model, weights: &name, data, splits: &splits, synsets: &none };
        match zero_shot(&asked, options.runs, &options.train.compute, task) {
            Ok(_) => {}
            Err(InferError::Stopped(_)) => return Err(Halt::Baseline { label }.into()),
            Err(error) => failed.push(Failed { label, reason: options.commands.describe(&error) }),
        }
    }
    Ok(failed)
}
