//! What labels photos, such as a trained network or an ONNX file.

use kennel_core::Preprocessing;
use kennel_data::{RgbImage, resize};
use kennel_explain::HeatMap;
use kennel_metrics::softmax_at;
use kennel_onnx::{Classifier, Takes};

use crate::{InferError, Result};

/// A photo's logits, and how much each place speaks for one class.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// One logit per class, up to rounding those that label the photo.
    pub logits: Vec<f32>,
    /// The class.
    pub class_index: usize,
    /// How much each place speaks for it.
    pub heat: HeatMap,
}

/// A classifier of photos.
pub trait Model {
    /// Class names in the order of the scores.
    fn class_names(&self) -> &[String];

    /// The temperature: logits are divided by it before the softmax.
    fn temperature(&self) -> f64;

    /// The preprocessing of photos. None if the model takes decoded photos.
    fn preprocessing(&self) -> Option<&Preprocessing>;

    /// Computes the logits of preprocessed photos, one row per photo. A logit may be NaN or
    /// infinite.
    ///
    /// # Shapes
    ///
    /// `pixels`: `[count, 3, side, side]`, preprocessed as [`Model::preprocessing`] describes.
    ///
    /// # Errors
    ///
    /// A model that fails on them.
    ///
    /// # Panics
    ///
    /// When `pixels` has another length, or the model takes decoded photos.
    fn logits(&mut self, pixels: Vec<f32>, count: usize) -> Result<Vec<Vec<f32>>>;

    /// Score above which a photo is of none of the classes. None if the model cannot tell.
    fn unknown_threshold(&self) -> Option<f64> {
        None
    }

    /// As [`Model::logits`], with each photo's unknown score if there is a threshold.
    ///
    /// # Errors
    ///
    /// A model that fails on them.
    ///
    /// # Panics
    ///
    /// As [`Model::logits`].
    fn logits_and_unknown(
        &mut self,
        pixels: Vec<f32>,
        count: usize,
    ) -> Result<(Vec<Vec<f32>>, Vec<f64>)> {
        Ok((self.logits(pixels, count)?, Vec::new()))
    }

    /// Computes the features of preprocessed photos, one row per photo: the input of the
    /// classifier. Features of photos that are alike point the same way.
    ///
    /// # Shapes
    ///
    /// `pixels`: as for [`Model::logits`].
    ///
    /// # Errors
    ///
    /// [`InferError::NoFeatures`] for an ONNX file.
    ///
    /// # Panics
    ///
    /// As [`Model::logits`].
    fn features(&mut self, _pixels: Vec<f32>, _count: usize) -> Result<Vec<Vec<f32>>> {
        Err(InferError::NoFeatures)
    }

    /// Computes logits, and how much each place of a photo speaks for a class: for `class_index`,
    /// or for the class with the highest logit.
    ///
    /// # Shapes
    ///
    /// `pixels`: as for [`Model::logits`].
    ///
    /// # Errors
    ///
    /// [`InferError::NoGradients`] for an ONNX file.
    ///
    /// # Panics
    ///
    /// As [`Model::logits`]; when the model has no class `class_index`.
    fn explain(
        &mut self,
        pixels: Vec<f32>,
        count: usize,
        class_index: Option<usize>,
    ) -> Result<Vec<Explained>> {
        let _ = (pixels, count, class_index);
        Err(InferError::NoGradients)
    }

    /// Computes the probabilities of a decoded photo, one per class, and its unknown score if there
    /// is a threshold.
    ///
    /// # Errors
    ///
    /// A model that fails on it.
    fn probabilities(&mut self, photo: &RgbImage) -> Result<(Vec<f32>, Option<f64>)> {
        let preprocessing =
            self.preprocessing().expect("models that take photos replace this method");
        let pixels = resize::prepare(photo, preprocessing);
        let (logits, unknown) = self.logits_and_unknown(pixels, 1)?;
        let probabilities = softmax_at(&logits[0], self.temperature());
        let probabilities = probabilities.into_iter().map(|probability| probability as f32);
        Ok((probabilities.collect(), unknown.first().copied()))
    }
}

impl Model for Classifier {
    fn class_names(&self) -> &[String] {
        &self.described().class_names
    }

    fn temperature(&self) -> f64 {
        self.described().temperature
    }

    fn preprocessing(&self) -> Option<&Preprocessing> {
        match self.takes() {
            Takes::Pixels { .. } => Some(&self.described().preprocessing),
            Takes::Photo => None,
        }
    }

    fn logits(&mut self, pixels: Vec<f32>, count: usize) -> Result<Vec<Vec<f32>>> {
        Ok(self.answers(&pixels, count)?.rows)
    }

    fn unknown_threshold(&self) -> Option<f64> {
        Classifier::unknown_threshold(self)
    }

    fn logits_and_unknown(
        &mut self,
        pixels: Vec<f32>,
        count: usize,
    ) -> Result<(Vec<Vec<f32>>, Vec<f64>)> {
        let answers = self.answers(&pixels, count)?;
        Ok((answers.rows, answers.unknown))
    }

    fn probabilities(&mut self, photo: &RgbImage) -> Result<(Vec<f32>, Option<f64>)> {
        Ok(Classifier::probabilities(self, photo)?)
    }
}
