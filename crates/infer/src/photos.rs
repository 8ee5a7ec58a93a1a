//! Reads photos, a batch at a time, in the form that a model takes.

use std::path::PathBuf;
use std::sync::Arc;

use kennel_core::Preprocessing;
use kennel_data::{
    DatasetPhoto, Loader, LoaderOptions, NoPhoto, Note, PhotoSource, RgbImage, Transform,
    in_parallel, photo_sources, resize,
};

use crate::{InferError, Result};

/// Photos of a batch. This bounds the memory, however many photos there are.
pub const BATCH: usize = 32;
/// Limit of the pixels of a batch of named photos in bytes, for networks with a large input: 32
/// photos of 408 by 408.
const BATCH_BYTES: usize = 64 << 20;

/// Photos to label.
#[derive(Clone, Debug)]
pub enum Photos {
    /// Files, folders, patterns or `-`, as [`photo_sources`] finds them. One that cannot be read
    /// does not end the others.
    Named(Vec<PathBuf>),
    /// Photos of a data set, each checked against its digest. One that cannot be read is an error.
    Listed(Arc<[DatasetPhoto]>),
}

/// Some photos, in their order.
pub struct Batch {
    pub photos: Vec<Photo>,
    /// Pixels of the photos that are [`Input::Pixels`], `[count, 3, side, side]`.
    pub pixels: Vec<f32>,
}

/// A photo of a batch.
pub struct Photo {
    pub name: String,
    pub notes: Vec<Note>,
    pub input: Result<Input>,
}

/// What a model gets of a photo.
pub enum Input {
    /// Its part of [`Batch::pixels`].
    Pixels,
    /// The decoded photo.
    Decoded(RgbImage),
}

/// Batches with an error in place of a batch that cannot be read.
type Batches = Box<dyn Iterator<Item = Result<Batch>>>;

impl Photos {
    /// Reads the photos. Without `preprocessing` they are only decoded.
    pub fn batches(self, preprocessing: Option<Preprocessing>) -> Batches {
        match (self, preprocessing) {
            (Photos::Named(asked), preprocessing) => named(asked, preprocessing),
            (Photos::Listed(photos), Some(preprocessing)) => listed(photos, preprocessing),
            (Photos::Listed(photos), None) => Box::new((0..photos.len()).map(move |index| {
                let decoded = photos[index].read()?;
                let name = photos[index].path.clone();
                let photo = Photo { name, notes: Vec::new(), input: Ok(Input::Decoded(decoded)) };
                Ok(Batch { photos: vec![photo], pixels: Vec::new() })
            })),
        }
    }
}

fn named(asked: Vec<PathBuf>, preprocessing: Option<Preprocessing>) -> Batches {
    // Decoded photos are large, preprocessed ones are not.
    let at_once = match &preprocessing {
        Some(preprocessing) => {
            let bytes = 3 * size_of::<f32>() * (preprocessing.side_px as usize).pow(2);
            (BATCH_BYTES / bytes).clamp(1, BATCH)
        }
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let read = move |source: &Result<PhotoSource, NoPhoto>| -> Result<_> {
        let source =
            source.as_ref().map_err(|none| InferError::NoPhoto { reason: none.reason.clone() })?;
        let decoded = source.read()?;
        Ok(match &preprocessing {
            Some(preprocessing) => {
                (Input::Pixels, resize::prepare(&decoded.photo, preprocessing), decoded.notes)
            }
            None => (Input::Decoded(decoded.photo), Vec::new(), decoded.notes),
        })
    };
    Box::new(in_parallel(photo_sources(asked), at_once, read).map(|chunk| {
        let mut batch = Batch { photos: Vec::with_capacity(chunk.len()), pixels: Vec::new() };
        for (source, read) in chunk {
            let name = source.map_or_else(|none| none.asked, |source| source.to_string());
            let (input, notes) = match read {
                Ok((input, pixels, notes)) => {
                    batch.pixels.extend(pixels);
                    (Ok(input), notes)
                }
                Err(error) => (Err(error), Vec::new()),
            };
            batch.photos.push(Photo { name, notes, input });
        }
        Ok(batch)
    }))
}

fn listed(photos: Arc<[DatasetPhoto]>, preprocessing: Preprocessing) -> Batches {
    let order = (0..photos.len()).collect();
    let transform = Transform::Eval(preprocessing);
    let loader = Loader::new(&photos, order, transform, BATCH, &LoaderOptions::default());
    let mut read = 0;
    Box::new(loader.map(move |batch| {
        let batch = batch?;
        let here = &photos[read..read + batch.len()];
        read += batch.len();
        let photo = |photo: &DatasetPhoto| Photo {
            name: photo.path.clone(),
            notes: Vec::new(),
            input: Ok(Input::Pixels),
        };
        Ok(Batch { photos: here.iter().map(photo).collect(), pixels: batch.pixels })
    }))
}
