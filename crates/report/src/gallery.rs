//! Photos with a run's predictions: examples, and its most confident mistakes.

use std::path::Path;

use kennel_core::kept_in_place;

use crate::figures::{Svg, Tile, photos};
use crate::judged::{Judged, judged, surest_mistakes};
use crate::pictures::Pictures;
use crate::{FinishedRun, Result, RunSummary};

/// Largest number of photos in a figure.
const MOST: usize = 12;
/// Longest side of a photo, in pixels.
const SIDE_PX: u32 = 176;

/// Draws examples of each class (of the first `MOST` classes if there are more), class by class in
/// the manifest's order. Returns `None` without test photos, or when no chosen photo is in its
/// place.
///
/// # Errors
///
/// A figure that cannot be drawn.
pub fn examples(run: &FinishedRun, summary: &RunSummary) -> Result<Option<Svg>> {
    let Some(test) = &run.test else { return Ok(None) };
    let photos = judged(test, summary);
    // As many photos of each class as there is room for, evenly spaced.
    let each = (MOST / run.facts().class_names.len()).max(1);
    let chosen = (0..run.facts().class_names.len()).take(MOST).flat_map(|class| {
        let of_class: Vec<&Judged> =
            photos.iter().filter(|photo| photo.true_class == class).collect();
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
    let Some(test) = &run.test else { return Ok(None) };
    let photos = judged(test, summary);
    let mut wrong = surest_mistakes(&photos);
    wrong.truncate(MOST);
    draw(run, "Most confident mistakes", wrong)
}

fn draw(run: &FinishedRun, title: &str, chosen: Vec<&Judged>) -> Result<Option<Svg>> {
    let pictures = Pictures::of(&run.manifest, Path::new(&run.settings().data_dir));
    let shown: Vec<_> = chosen
        .iter()
        .filter_map(|judged| Some((judged, pictures.read(judged.path, SIDE_PX)?)))
        .collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let tiles: Vec<Tile> = shown
        .iter()
        .map(|(judged, photo)| {
            let per_cent = 100.0 * judged.confidence();
            let name = |class: usize| kept_in_place(&run.facts().class_names[class]);
            let predicted = name(judged.said);
            let lines = match judged.is_right() {
                true => vec![format!("{predicted} {per_cent:.1} %")],
                false => vec![
                    format!("said {predicted} {per_cent:.1} %"),
                    format!("is {}", name(judged.true_class)),
                ],
            };
            Tile { photo, lines, is_right: judged.is_right() }
        })
        .collect();
    let title = match chosen.len() - tiles.len() {
        0 => title.to_string(),
        missing => format!("{title} ({missing} more could not be read)"),
    };
    photos(&title, &tiles).map(Some)
}
