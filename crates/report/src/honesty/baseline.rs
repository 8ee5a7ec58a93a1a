//! The zero-shot baseline of every network: its untouched ImageNet head, or the command that scores
//! it.

use std::collections::BTreeMap;

use kennel_core::{Method, Weights};

use super::check::{Check, CheckKind, Level};
use crate::words::Words;
use crate::{Commands, Comparison, FinishedRun, Named};

pub fn checks(
    comparison: &Comparison,
    runs: &[FinishedRun],
    commands: &dyn Commands,
    words: Words,
) -> Vec<Check> {
    let check = |level, text| Check::new(words, CheckKind::Baseline, level, text);
    let mut networks: BTreeMap<(&str, &Weights), &FinishedRun> = BTreeMap::new();
    for run in runs {
        let network =
            networks.entry((run.settings().model.as_str(), &run.settings().weights)).or_insert(run);
        if run.settings().method == Method::ZeroShot {
            *network = run;
        }
    }
    let is_there = networks.values().any(|run| run.settings().method == Method::ZeroShot);
    let is_named = runs[0].manifest.match_imagenet(&BTreeMap::new()).is_ok();
    if !is_there && !is_named {
        let names = [Named::ZeroShot, Named::SynsetExample].map(|name| commands.name(name));
        let text = words.no_synsets(names);
        return vec![check(Level::Fine, text)];
    }
    let of_network = |((model, weights), run): ((&str, &Weights), &FinishedRun)| {
        if run.settings().method.is_training() {
            let synset = (!is_named).then(|| commands.name(Named::Synset));
            let text = words.no_baseline(model, &commands.zero_shot(run), synset);
            return (*weights != Weights::Random).then(|| check(Level::Note, text));
        }
        let test = comparison.run(&run.name())?.test.as_ref()?;
        let accuracy = words.proportion(&test.evaluation.accuracy);
        let text = words.baseline(model, comparison.class_names.len(), &accuracy);
        Some(check(Level::Note, text))
    };
    networks.into_iter().filter_map(of_network).collect()
}
