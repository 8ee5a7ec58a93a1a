//! Photos with a run's predictions: examples, and its most confident mistakes.

use std::path::Path;

use kennel_core::{PredictionRecord, kept_in_place};
use kennel_metrics::{argmax, softmax_at};

use crate::figures::{Svg, Tile, photos};
use crate::pictures::Pictures;
use crate::{FinishedRun, Result, RunSummary};

/// Largest number of photos in a figure.
const MOST: usize = 12;

/// A run's prediction for one test photo.
struct Said<'a> {
    path: &'a str,
    label: &'a str,
    predicted: &'a str,
    probability: f64,
}

impl Said<'_> {
    fn is_right(&self) -> bool {
        self.label == self.predicted
    }
}

/// Draws examples of each class (of the first `MOST` classes if there are more), class by class in
/// the manifest's order. Returns `None` without test photos, or when no chosen photo is in its
/// place.
///
/// # Errors
///
/// A figure that cannot be drawn.
pub fn examples(run: &FinishedRun, summary: &RunSummary) -> Result<Option<Svg>> {
    let Some(said) = said(run, summary) else { return Ok(None) };
    // As many photos of each class as there is room for, evenly spaced.
    let each = (MOST / run.facts().class_names.len()).max(1);
    let chosen = run.facts().class_names.iter().take(MOST).flat_map(|class| {
        let of_class: Vec<&Said> = said.iter().filter(|said| said.label == class).collect();
        let n = each.min(of_class.len());
        (0..n).map(move |index| of_class[index * of_class.len() / n]).collect::<Vec<_>>()
    });
    draw(run, "Example predictions", chosen.collect())
}

/// Draws the wrong test photos, the most confident first. Returns `None` if there are none, or when
/// no chosen photo is in its place.
///
/// # Errors
///
/// A figure that cannot be drawn.
pub fn mistakes(run: &FinishedRun, summary: &RunSummary) -> Result<Option<Svg>> {
    let Some(said) = said(run, summary) else { return Ok(None) };
    let mut wrong: Vec<&Said> = said.iter().filter(|said| !said.is_right()).collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    wrong.truncate(MOST);
    draw(run, "Most confident mistakes", wrong)
}

/// Returns the run's predictions for its test photos, with the confidence that `kennel predict`
/// would give.
fn said<'a>(run: &'a FinishedRun, summary: &RunSummary) -> Option<Vec<Said<'a>>> {
    let class_names = &run.facts().class_names;
    let temperature = summary.temperature.map_or(1.0, |fitted| fitted.value);
    let of_record = |record: &'a PredictionRecord| {
        let PredictionRecord { path, label, logits } = record;
        let predicted = argmax(logits);
        let probability = softmax_at(logits, temperature)[predicted];
        Said { path, label, predicted: &class_names[predicted], probability }
    };
    Some(run.test.as_ref()?.records.iter().map(of_record).collect())
}

fn draw(run: &FinishedRun, title: &str, chosen: Vec<&Said>) -> Result<Option<Svg>> {
    let pictures = Pictures::of(&run.manifest, Path::new(&run.settings().data_dir));
    let shown: Vec<_> = chosen
        .iter()
        .filter_map(|said| pictures.read(said.path).map(|photo| (said, photo)))
        .collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let tiles: Vec<Tile> = shown
        .iter()
        .map(|(said, photo)| {
            let per_cent = 100.0 * said.probability;
            let predicted = kept_in_place(said.predicted);
            let lines = match said.is_right() {
                true => vec![format!("{predicted} {per_cent:.1} %")],
                false => vec![
                    format!("said {predicted} {per_cent:.1} %"),
                    format!("is {}", kept_in_place(said.label)),
                ],
            };
            Tile { photo, lines, is_right: said.is_right() }
        })
        .collect();
    let title = match chosen.len() - tiles.len() {
        0 => title.to_string(),
        missing => format!("{title} ({missing} more could not be read)"),
    };
    photos(&title, &tiles).map(Some)
}
