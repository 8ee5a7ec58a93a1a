//! Draws a map of the photos of a run's data set into the run.

use kennel_atlas::{Features, Map, Place, UnitRows};
use kennel_core::{RunDir, Task, files};
use kennel_data::DatasetPhoto;

use crate::features::features_of;
use crate::open_data::unchanged_photos_of_run;
use crate::{Compute, Predictor, Result};

/// Largest number of photos on a map: more can neither be told apart nor computed while one waits.
const MOST: usize = 1000;

/// Takes those that stand on a map: all, or every second, third and so on.
pub fn thinned<T>(all: &[T]) -> impl Iterator<Item = &T> {
    all.iter().step_by(all.len().div_ceil(MOST).max(1))
}

/// Places photos on a map by their features, a row for each. `None` for too few.
pub fn places<R: AsRef<[f32]>>(rows: &[R]) -> Option<Vec<[f32; 2]>> {
    let width = rows.first().map_or(1, |row| row.as_ref().len());
    let values: Vec<f32> = rows.iter().flat_map(AsRef::as_ref).copied().collect();
    kennel_atlas::places(&UnitRows::of(Features { values: &values, width }))
}

/// Places the photos of a run's data set by what its network sees in them, and writes the map as
/// [`RunDir::photo_map`]. Of more than 1,000 photos takes every second, third and so on. Leaves out
/// photos that are gone or changed. Writes nothing if too few are left
/// ([`kennel_atlas::LEAST_PHOTOS`]).
///
/// # Errors
///
/// - Photos of which none is in its place.
/// - A run without checkpoint, or a damaged one.
/// - A map that cannot be written.
/// - [`InferError::Stopped`](crate::InferError::Stopped).
pub fn draw_photo_map(run: &RunDir, compute: &Compute, task: Task<'_>) -> Result<()> {
    let all = unchanged_photos_of_run(run, None, Task::unwatched())?;
    let photos: Vec<DatasetPhoto> = thinned(&all).cloned().collect();
    let mut predictor = Predictor::of_run(run, compute)?;
    let rows = features_of(&mut predictor, photos.clone().into(), task)?;
    let Some(places) = places(&rows) else { return Ok(()) };
    let place = |(photo, [x, y]): (DatasetPhoto, [f32; 2])| Place { path: photo.path, x, y };
    let map = Map { photos: photos.into_iter().zip(places).map(place).collect(), of: all.len() };
    Ok(files::write_json(&run.photo_map(), &map)?)
}
