//! Draws into a run where its network looks in some photos.

use std::sync::Arc;

use kennel_core::{RunDir, Split, Task, files};
use kennel_data::DatasetPhoto;
use kennel_explain::{overlay, png};

use crate::open_data::is_unchanged;
use crate::{Compute, ExplainedPhoto, Photos, Predictor, Result, explain, open_photos_of_run};

/// Draws the heat of photos of `split`, named by their `paths` in the data set, each for the class
/// that the network of `run` gives it, as [`RunDir::heat_map`]. Leaves out photos that are gone or
/// changed. Keeps the pictures that are finished when the task is stopped.
///
/// # Errors
///
/// - Photos of which none is in its place, as [`open_photos_of_run`].
/// - A run without checkpoint, or a damaged one.
/// - A picture that cannot be written.
/// - [`InferError::Stopped`](crate::InferError::Stopped).
pub fn draw_heat_maps(
    run: &RunDir,
    split: Split,
    paths: &[&str],
    compute: &Compute,
    task: Task<'_>,
) -> Result<()> {
    let data = open_photos_of_run(run, split, None, Task::unwatched())?;
    let listed = data.photos(split).iter();
    let photos: Arc<[DatasetPhoto]> = listed
        .filter(|photo| paths.contains(&photo.path.as_str()) && is_unchanged(photo))
        .cloned()
        .collect();
    if photos.is_empty() {
        return Ok(());
    }
    let mut predictor = Predictor::of_run(run, compute)?;
    for batch in explain(&mut predictor, Photos::Listed(photos), None, task)? {
        for ExplainedPhoto { photo, explained, .. } in batch? {
            let (square, explained) = explained?;
            let Some(file) = run.heat_map(split, &photo) else { continue };
            files::create_dir_all(files::folder_of(&file))?;
            files::write_atomically(&file, &png(&overlay(&square, &explained.heat)))?;
        }
    }
    Ok(())
}
