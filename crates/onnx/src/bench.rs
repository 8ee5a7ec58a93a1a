//! Measures how fast a file runs on this machine, in every available runtime.

use std::path::Path;

use kennel_data::RgbImage;
use kennel_metrics::Rate;
use serde::Serialize;

use kennel_core::hint::Describe;

use crate::{Apart, Classifier, Description, Result, RuntimeKind, Takes};

/// More classes than this are not plausible; the shape of the output is then ignored.
const MAX_CLASSES: usize = 100_000;

/// Result of [`bench_file`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileBench {
    /// Path of the file.
    pub path: String,
    /// Size of the file, without a separate weights file.
    pub file_bytes: u64,
    /// One row per runtime and batch.
    pub rates: Vec<FileRate>,
    /// Runtimes that could not run the file.
    pub not_run: Vec<NotRun>,
}

/// Speed of a file in one runtime.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileRate {
    /// Name of the runtime.
    pub runtime: String,
    /// Photos per run of the graph.
    pub batch_size: usize,
    /// Photos per second.
    #[serde(flatten)]
    pub rate: Rate,
}

/// A runtime that could not run the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotRun {
    /// Name of the runtime.
    pub runtime: String,
    /// Why not.
    pub reason: String,
}

/// Times a file on random noise, in a process of its own. The time does not include communication
/// with that process.
///
/// A file that takes pixels is timed with each of `batch_sizes`, or with the batch size that it
/// fixes. A file that takes photos gets one photo of 500 by 375 pixels at a time.
///
/// # Errors
///
/// Those of [`crate::read_model`]. A runtime that cannot run the file is listed in
/// [`FileBench::not_run`].
///
/// # Panics
///
/// When `repeats` is 0.
pub fn bench_file(
    path: &Path,
    batch_sizes: &[usize],
    warmup: usize,
    repeats: usize,
    apart: &Apart,
    describe: Describe<'_>,
) -> Result<FileBench> {
    // The names of the classes do not affect the speed.
    let model = crate::read_model(path)?;
    let given = nameless(&model);
    drop(model);
    let file_bytes =
        std::fs::metadata(path).map_err(kennel_core::CoreError::io("read", path))?.len();
    let (mut rates, mut not_run) = (Vec::new(), Vec::new());
    for runtime in RuntimeKind::ALL {
        let time = || -> Result<Vec<FileRate>> {
            let mut classifier = Classifier::open_apart(path, runtime, given.clone(), apart)?;
            let sizes: &[usize] = match classifier.takes() {
                Takes::Photo => &[1],
                Takes::Pixels { batch: None } => batch_sizes,
                Takes::Pixels { batch: Some(fixed) } => &[fixed],
            };
            sizes
                .iter()
                .map(|&batch_size| {
                    let mut pass = passes(&mut classifier, batch_size);
                    for _ in 0..warmup {
                        pass()?;
                    }
                    let timed: Vec<f64> = (0..repeats)
                        .map(|_| Ok(batch_size as f64 / pass()?))
                        .collect::<Result<_>>()?;
                    Ok(FileRate { runtime: runtime.to_string(), batch_size, rate: Rate::of(timed) })
                })
                .collect()
        };
        match time() {
            Ok(timed) => rates.extend(timed),
            Err(error) => {
                not_run.push(NotRun { runtime: runtime.to_string(), reason: describe(&error) })
            }
        }
    }
    Ok(FileBench { path: path.to_string_lossy().into_owned(), file_bytes, rates, not_run })
}

/// Returns a closure that runs the graph once on noise and returns the seconds that it took.
fn passes(classifier: &mut Classifier, batch_size: usize) -> impl FnMut() -> Result<f64> {
    let side = classifier.described().preprocessing.side_px as usize;
    let noise = |i: usize| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let takes = classifier.takes();
    let photo = RgbImage::from_fn(500, 375, |x, y| {
        let level = |channel: usize| noise((y as usize * 500 + x as usize) * 3 + channel) as u8;
        [level(0), level(1), level(2)].into()
    });
    let pixels: Vec<f32> = (0..batch_size * 3 * side * side)
        .map(|i| noise(i) as f32 / (1 << 22) as f32 - 2.0)
        .collect();
    move || {
        match takes {
            Takes::Photo => drop(classifier.probabilities(&photo)?),
            Takes::Pixels { .. } => drop(classifier.logits(&pixels, batch_size)?),
        }
        Ok(classifier.last_run_s())
    }
}

/// Fills the gaps of the metadata from the shapes of the graph, or with defaults.
fn nameless(model: &crate::ModelProto) -> Description {
    let classes = crate::outputs(model)
        .iter()
        .find_map(|output| output.shape.last().copied().flatten())
        .filter(|classes| *classes <= MAX_CLASSES)
        .unwrap_or(1000);
    let side_px = crate::inputs(model)
        .first()
        .and_then(|input| input.shape.get(2).copied().flatten())
        .and_then(|side| u32::try_from(side).ok());
    let has = |key: &str| model.metadata_props.iter().any(|entry| entry.key == key);
    let open = |key: &str| !has(key);
    Description {
        class_names: open("class_names")
            .then(|| (0..classes).map(|class| class.to_string()).collect()),
        side_px: if open("side_px") { side_px.or(Some(224)) } else { None },
        crop_pct: open("crop_pct").then_some(1.0),
        crop_mode: None,
        interpolation: open("interpolation").then_some(kennel_core::Interpolation::Bicubic),
        mean: open("mean").then_some([0.0; 3]),
        std: open("std").then_some([1.0; 3]),
        temperature: None,
    }
}
