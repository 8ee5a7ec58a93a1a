//! Commands that a reader may copy.

use kennel_core::{Method, quoted};

use crate::FinishedRun;

/// Returns the command that repeats a run.
pub fn reproduce(run: &FinishedRun) -> String {
    match run.settings().method {
        Method::ZeroShot => zero_shot(run),
        Method::Train(_) => {
            format!("kennel train --config {}", quoted(&run.dir.config().display().to_string()))
        }
    }
}

/// Returns the command that scores the untouched head of a run's network on the run's photos and
/// stores the result in the same folder of runs.
pub fn zero_shot(run: &FinishedRun) -> String {
    let runs = run.dir.path().parent().map_or_else(String::new, |runs| runs.display().to_string());
    let settings = run.settings();
    let [weights, data, runs] = [settings.weights.as_str(), &settings.data_dir, &runs].map(quoted);
    format!(
        "kennel evaluate --zero-shot --model {} --weights {weights} --data {data} --split all --runs {runs}",
        settings.model
    )
}
