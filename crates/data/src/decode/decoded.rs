//! A decoded photo.

use image::RgbImage;
use image::metadata::Orientation;

use super::admission::resizing_bytes;
use super::budget::Reservation;
use super::note::Note;
use super::orientation;

/// A photo, and notes on it.
#[derive(Debug)]
pub struct Decoded {
    /// Its pixels, upright.
    pub photo: RgbImage,
    /// Notes on it, each at most once.
    pub notes: Vec<Note>,
    /// Reserves the memory for the pixels and for resizing them while this value exists.
    _held: Reservation,
}

impl Decoded {
    pub(super) fn new(
        photo: RgbImage,
        orientation: Option<Orientation>,
        notes: Vec<Note>,
        mut held: Reservation,
    ) -> Self {
        let photo = orientation::upright(photo, orientation);
        let (width, height) = photo.dimensions();
        held.shrink_to(photo.as_raw().len() as u64 + resizing_bytes(width.into(), height.into()));
        Self { photo, notes, _held: held }
    }
}
