//! Folders of drawn photos.

use std::path::Path;

use kennel_core::{CoreError, files};
use rayon::prelude::*;

use crate::Breed;
use crate::photo::draw_photo;

/// Draws `per_breed` photos of every breed into `folder/<breed>/<number>.jpg`. The same arguments
/// give the same bytes; another seed gives other dogs.
///
/// # Errors
///
/// [`CoreError::Io`] when a file cannot be written.
pub fn write_photos(
    folder: &Path,
    breeds: &[Breed],
    per_breed: usize,
    seed: u64,
) -> Result<(), CoreError> {
    for breed in breeds {
        files::create_dir_all(&folder.join(&breed.name))?;
    }
    let all: Vec<(&Breed, usize)> =
        breeds.iter().flat_map(|breed| (0..per_breed).map(move |index| (breed, index))).collect();
    all.par_iter().try_for_each(|&(breed, index)| {
        let path = folder.join(&breed.name).join(format!("{:04}.jpg", index + 1));
        let photo = draw_photo(breed, seed, index as u64);
        std::fs::write(&path, photo).map_err(CoreError::io("write", path))
    })
}
