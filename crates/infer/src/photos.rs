//! Reads photos, a batch at a time, in the form that a model takes.

use std::sync::Arc;

use kennel_core::Preprocessing;
use kennel_data::{
    DatasetPhoto, Decoded, Loader, LoaderOptions, Named, NoPhoto, Note, PhotoSource, RgbImage,
    Transform, in_parallel, resize,
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
    /// Photos by their names. One that cannot be read does not end the others.
    Named(Named),
    /// Photos of a data set, each checked against its digest. One that cannot be read is an error.
    Listed(Arc<[DatasetPhoto]>),
}

/// Some photos, in their order, as a model takes them.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) photos: Vec<Photo>,
    /// Pixels of the photos that are [`Input::Pixels`], `[count, 3, side, side]`.
    pub(crate) pixels: Vec<f32>,
}

impl Batch {
    /// Adds a photo, or the reason why it cannot be read.
    pub fn push(&mut self, name: String, photo: Result<Prepared>) {
        let (input, notes) = match photo {
            Ok(Prepared { input, pixels, notes }) => {
                self.pixels.extend(pixels);
                (Ok(input), notes)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        self.photos.push(Photo { name, notes, input });
    }
}

/// A decoded photo in the form that a model takes.
#[derive(Debug)]
pub struct Prepared {
    input: Input,
    /// Empty unless it is [`Input::Pixels`].
    pixels: Vec<f32>,
    notes: Vec<Note>,
}

impl Prepared {
    /// Prepares a photo as [`Model::preprocessing`](crate::Model::preprocessing) describes. Without
    /// a description it stays as it is.
    pub fn of(decoded: Decoded, preprocessing: Option<&Preprocessing>) -> Self {
        match preprocessing {
            Some(preprocessing) => Self {
                input: Input::Pixels,
                pixels: resize::prepare(&decoded.photo, preprocessing),
                notes: decoded.notes,
            },
            None => Self {
                input: Input::Decoded(decoded.photo),
                pixels: Vec::new(),
                notes: decoded.notes,
            },
        }
    }
}

/// A photo of a batch.
#[derive(Debug)]
pub(crate) struct Photo {
    pub name: String,
    pub notes: Vec<Note>,
    pub input: Result<Input>,
}

/// What a model gets of a photo.
#[derive(Debug)]
pub(crate) enum Input {
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

fn named(asked: Named, preprocessing: Option<Preprocessing>) -> Batches {
    // Decoded photos are large, preprocessed ones are not.
    let at_once = match &preprocessing {
        Some(preprocessing) => {
            let bytes = 3 * size_of::<f32>() * (preprocessing.side_px as usize).pow(2);
            (BATCH_BYTES / bytes).clamp(1, BATCH)
        }
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let read = move |source: &Result<PhotoSource, NoPhoto>| -> Result<Prepared> {
        let source =
            source.as_ref().map_err(|none| InferError::NoPhoto { reason: none.reason.clone() })?;
        Ok(Prepared::of(source.read()?, preprocessing.as_ref()))
    };
    Box::new(in_parallel(asked.sources(), at_once, read).map(|chunk| {
        let mut batch = Batch::default();
        for (source, read) in chunk {
            batch.push(source.map_or_else(|none| none.asked, |source| source.to_string()), read);
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
