//! Photos as features, with their classes and weights.

use crate::{ProbeError, Result};

/// Labelled photos as rows of features: one row per photo, and further views of photos as extra
/// rows for training.
///
/// A photo counts with its weight however many rows it has: its rows share the weight.
#[derive(Clone, Debug)]
pub struct Photos<'a> {
    pub(crate) width: usize,
    pub(crate) classes: usize,
    pub(crate) labels: &'a [usize],
    pub(crate) weights: Vec<f64>,
    features: &'a [f32],
    views: &'a [f32],
    /// Views of photo `p`: `view_order[view_starts[p]..view_starts[p + 1]]`.
    view_starts: Vec<usize>,
    view_order: Vec<usize>,
}

impl<'a> Photos<'a> {
    /// Photos with one row each, all of weight 1.
    ///
    /// # Shapes
    ///
    /// `features`: `[photos, width]`, raw: they are standardised when a head is fitted. `labels`:
    /// `[photos]`, class indices below `classes`.
    ///
    /// # Errors
    ///
    /// Without photos, features or classes; when lengths do not match; for a class index that is
    /// too large, and for a feature that is not finite.
    pub fn new(
        features: &'a [f32],
        width: usize,
        labels: &'a [usize],
        classes: usize,
    ) -> Result<Self> {
        for (what, count) in [("photos", labels.len()), ("features", width), ("classes", classes)] {
            if count == 0 {
                return Err(ProbeError::Empty { what });
            }
        }
        check_length("features", features.len(), labels.len() * width)?;
        check_finite(features, width)?;
        check_range("class", labels, classes)?;
        Ok(Photos {
            width,
            classes,
            labels,
            weights: vec![1.0; labels.len()],
            features,
            views: &[],
            view_starts: vec![0; labels.len() + 1],
            view_order: Vec::new(),
        })
    }

    /// Adds further views of the photos. They train a head wherever their photo does, and are never
    /// predicted.
    ///
    /// # Shapes
    ///
    /// `views`: `[rows, width]`. `photo_of`: `[rows]`, the photo of each row, counted from 0.
    ///
    /// # Errors
    ///
    /// When lengths do not match, a photo does not exist, or a feature is not finite.
    pub fn with_views(mut self, views: &'a [f32], photo_of: &[usize]) -> Result<Self> {
        check_length("features of views", views.len(), photo_of.len() * self.width)?;
        check_finite(views, self.width)?;
        check_range("photo", photo_of, self.count())?;
        let mut starts = vec![0; self.count() + 1];
        for &photo in photo_of {
            starts[photo + 1] += 1;
        }
        for photo in 0..self.count() {
            starts[photo + 1] += starts[photo];
        }
        let mut order: Vec<usize> = (0..photo_of.len()).collect();
        order.sort_by_key(|&view| photo_of[view]);
        (self.views, self.view_starts, self.view_order) = (views, starts, order);
        Ok(self)
    }

    /// Sets the weight of each photo, such as the weight of its class. Only their ratios matter.
    ///
    /// # Errors
    ///
    /// When a weight is missing, negative, 0 or not finite.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Result<Self> {
        check_length("weights", weights.len(), self.count())?;
        weights.iter().try_for_each(|&weight| check_positive("the weight of a photo", weight))?;
        self.weights = weights;
        Ok(self)
    }

    /// Number of photos.
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// The features of a photo's own row.
    pub(crate) fn centre(&self, photo: usize) -> &'a [f32] {
        &self.features[photo * self.width..][..self.width]
    }

    /// The features of every row of a photo, its own row first.
    pub(crate) fn rows_of(&self, photo: usize) -> impl Iterator<Item = &'a [f32]> {
        let views = &self.view_order[self.view_starts[photo]..self.view_starts[photo + 1]];
        let view = |&view: &usize| &self.views[view * self.width..][..self.width];
        std::iter::once(self.centre(photo)).chain(views.iter().map(view))
    }
}

pub(crate) fn check_length(what: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(ProbeError::Length { what, found, expected }) }
}

pub(crate) fn check_range(what: &'static str, numbers: &[usize], of: usize) -> Result<()> {
    match numbers.iter().find(|&&number| number >= of) {
        Some(&found) => Err(ProbeError::OutOfRange { what, found, of }),
        None => Ok(()),
    }
}

pub(crate) fn check_positive(what: &'static str, found: f64) -> Result<()> {
    let is_fine = found > 0.0 && found.is_finite();
    if is_fine { Ok(()) } else { Err(ProbeError::NotPositive { what, found }) }
}

fn check_finite(features: &[f32], width: usize) -> Result<()> {
    match features.iter().position(|value| !value.is_finite()) {
        Some(at) => {
            Err(ProbeError::NotFinite { row: at / width, column: at % width, value: features[at] })
        }
        None => Ok(()),
    }
}
