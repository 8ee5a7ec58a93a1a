//! Divides the photos of a data set anew, in memory: into folds, or with the validation photos in
//! training. Test photos stay test photos.

use std::collections::HashMap;

use kennel_core::{Manifest, PhotoRecord, Split};

use crate::dataset::Dataset;
use crate::error::Result;
use crate::folds::folds_of;

/// The splits that are divided anew.
const DEALT: [Split; 2] = [Split::Train, Split::Val];

/// The manifest's name for such a division.
const DIVISION: &str = "folds";

impl Dataset {
    /// Divides the training and validation photos into `count` folds and returns a data set for
    /// each: that fold is for validation, the others are for training. Photos that look alike, and
    /// those of one group, are in one fold ([`folds_of`]).
    ///
    /// # Errors
    ///
    /// As [`folds_of`].
    pub fn folds(&self, count: usize, seed: u64) -> Result<Vec<Dataset>> {
        let fold_of = folds_of(self.manifest(), &DEALT, count, seed)?;
        let divided = |fold: usize| {
            let note = format!("fold {} of {count} is for validation", fold + 1);
            let mut dealt = fold_of.iter();
            let manifest = divide(self.manifest(), seed, note, |photo| match photo.split {
                Split::Test => Split::Test,
                _ if dealt.next() == Some(&fold) => Split::Val,
                _ => Split::Train,
            });
            self.redivided(manifest, false)
        };
        Ok((0..count).map(divided).collect())
    }

    /// Returns the same photos with the validation photos in training. A training on them has no
    /// validation.
    pub fn without_validation(&self) -> Dataset {
        let manifest = self.manifest();
        let note = "the validation photos are for training".into();
        let divided = divide(manifest, manifest.seed, note, |photo| match photo.split {
            Split::Test => Split::Test,
            _ => Split::Train,
        });
        self.redivided(divided, true)
    }
}

/// Returns a manifest in which `split_of`, called in the manifest's order, gives each photo its
/// split.
fn divide(
    manifest: &Manifest,
    seed: u64,
    note: String,
    mut split_of: impl FnMut(&PhotoRecord) -> Split,
) -> Manifest {
    let mut divided = Manifest {
        division: DIVISION.into(),
        seed,
        // Those of the manifest are about its own division.
        notes: vec![note],
        ..manifest.clone()
    };
    divided.photos.iter_mut().for_each(|photo| photo.split = split_of(photo));
    let splits: HashMap<&str, Split> =
        divided.photos.iter().map(|photo| (photo.path.as_str(), photo.split)).collect();
    for group in &mut divided.duplicates {
        let mut splits = group.paths.iter().filter_map(|path| splits.get(path.as_str()));
        let first = splits.next();
        group.crosses_splits = splits.any(|split| Some(split) != first);
    }
    divided
}
