//! The zero-shot baseline of every network: its untouched ImageNet head, or the command that scores
//! it.

use std::collections::BTreeMap;

use kennel_core::{Method, Weights};
use kennel_metrics::format_proportion;

use super::check::{Check, Level};
use crate::{Commands, Comparison, FinishedRun, Named};

pub fn checks(
    comparison: &Comparison,
    runs: &[FinishedRun],
    commands: &dyn Commands,
) -> Vec<Check> {
    let check = |level, text| Check { title: "Zero-shot baseline", level, text };
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
        let text = format!(
            "Neither names nor file names say of every class which of ImageNet's it is, so no untouched head was scored. \
             Where all are in it under other names, `{}` with `{}` for each scores one.",
            commands.name(Named::ZeroShot),
            commands.name(Named::SynsetExample)
        );
        return vec![check(Level::Fine, text)];
    }
    let of_network = |((model, weights), run): ((&str, &Weights), &FinishedRun)| {
        if run.settings().method.is_training() {
            let synsets = match is_named {
                true => String::new(),
                false => {
                    let synset = commands.name(Named::Synset);
                    format!(", with the `{synset}`s that the other network was given,")
                }
            };
            let command = commands.zero_shot(run);
            let text =
                format!("{model} has no zero-shot baseline here; `{command}`{synsets} makes it.");
            return (*weights != Weights::Random).then(|| check(Level::Note, text));
        }
        let test = comparison.run(&run.name())?.test.as_ref()?;
        let text = format!(
            "Before any training the untouched ImageNet head of {model}, asked among these {} classes only, is right on {} of the \
             test photos. Training is worth what it adds to that.",
            comparison.class_names.len(),
            format_proportion(&test.evaluation.accuracy)
        );
        Some(check(Level::Note, text))
    };
    networks.into_iter().filter_map(of_network).collect()
}
