//! Checks that a run which is resumed has the photos that it began with.

use std::path::Path;

use kennel_core::hint::Division;
use kennel_core::{Hint, Manifest, RunDir, RunRecord};
use kennel_data::Dataset;
use kennel_infer::manifest_digest;

use crate::{Result, TrainError};

/// Checks that `data` has the photos that the run began with, in the same division.
///
/// # Errors
///
/// [`TrainError::CannotResume`], with how to restore them; a manifest of the run that is damaged.
pub fn check_same_photos(run: &RunDir, record: &RunRecord, data: &Dataset) -> Result<()> {
    if manifest_digest(data)? == record.facts.manifest_sha256 {
        return Ok(());
    }
    let folder = &record.settings.data_dir;
    let division = match Path::new(folder).join(Manifest::FILE_NAME).is_file() {
        true => {
            let Manifest { seed, grouped_by, .. } = run.read_manifest()?;
            Some(Box::new(Division { seed, grouped_by }))
        }
        // The user's own folder: Kennel did not write it and cannot restore it.
        false => None,
    };
    let has_same_photos = data.manifest().photos_sha256() == run.photos_sha256(&record.facts)?;
    let reason = match has_same_photos {
        true => "its photos are divided otherwise than when it began",
        false => "the photos are not those it began with",
    };
    Err(TrainError::CannotResume {
        path: run.path().into(),
        reason: reason.into(),
        hint: Some(Box::new(Hint::RestorePhotos {
            run: run.path().into(),
            data: folder.clone(),
            division,
        })),
    })
}
