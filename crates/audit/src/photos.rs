//! The input of an audit.

use kennel_atlas::Features;
use kennel_core::{DuplicateGroup, PredictionRecord};
use kennel_metrics::{softmax, true_classes};

use crate::AuditError;

/// Largest difference from 1 of a photo's summed probabilities.
const SUM_TOLERANCE: f64 = 1e-6;

/// A photo and its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedPhoto<'a> {
    /// Relative to the data set, with `/`.
    pub path: &'a str,
    /// Index of its class.
    pub label: usize,
}

/// Photos with what networks that were not trained on them say.
#[derive(Clone, Copy, Debug)]
pub struct JudgedPhotos<'a> {
    /// Class names. A class's index is its position.
    pub class_names: &'a [String],
    /// The photos.
    pub photos: &'a [JudgedPhoto<'a>],
    /// Out-of-fold probabilities `[photos, classes]`, row by row. Each row sums to 1.
    pub probabilities: &'a [f64],
    /// Their features, to find outliers.
    pub features: Option<Features<'a>>,
    /// Photos that are copies of one picture, by path. Paths of other photos are ignored.
    pub duplicates: &'a [DuplicateGroup],
}

/// Returns the photos of out-of-fold predictions, and their probabilities `[photos, classes]`.
///
/// # Errors
///
/// [`AuditError::Predictions`].
pub fn photos_of<'a>(
    records: &'a [PredictionRecord],
    class_names: &[String],
) -> Result<(Vec<JudgedPhoto<'a>>, Vec<f64>), AuditError> {
    let labels = true_classes(records, class_names)?;
    let photo =
        |(record, label): (&'a PredictionRecord, usize)| JudgedPhoto { path: &record.path, label };
    let photos = records.iter().zip(labels).map(photo).collect();
    Ok((photos, records.iter().flat_map(|record| softmax(&record.logits)).collect()))
}

impl<'a> JudgedPhotos<'a> {
    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Returns the probabilities of a photo, one per class.
    pub fn row(&self, photo: usize) -> &'a [f64] {
        &self.probabilities[photo * self.classes()..][..self.classes()]
    }

    /// Returns the label and the probabilities of each photo.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &'a [f64])> + Clone {
        let rows = self.probabilities.chunks_exact(self.class_names.len());
        self.photos.iter().map(|photo| photo.label).zip(rows)
    }

    /// Counts the photos of each class.
    pub fn label_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        self.photos.iter().for_each(|photo| counts[photo.label] += 1);
        counts
    }

    /// Checks the numbers and their shapes.
    ///
    /// # Errors
    ///
    /// Any [`AuditError`].
    pub fn check(&self) -> Result<(), AuditError> {
        let (photos, classes) = (self.photos.len(), self.classes());
        match self.class_names {
            _ if photos == 0 => return Err(AuditError::Empty),
            [] | [_] => {
                let class = self.class_names.first().cloned().unwrap_or_default();
                return Err(AuditError::OneClass { class });
            }
            _ => {}
        }
        let found = self.probabilities.len();
        if found != photos * classes {
            return Err(AuditError::ProbabilityCount { found, photos, classes });
        }
        for (photo, row) in self.photos.iter().zip(self.probabilities.chunks_exact(classes)) {
            let path = || photo.path.to_string();
            if photo.label >= classes {
                return Err(AuditError::UnknownLabel { path: path(), label: photo.label, classes });
            }
            let sum: f64 = row.iter().sum();
            let are_shares = row.iter().all(|share| (0.0..=1.0).contains(share));
            if !are_shares || (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(AuditError::NotProbabilities { path: path(), sum });
            }
        }
        self.features.map_or(Ok(()), |features| self.check_features(features))
    }

    fn check_features(&self, Features { values, width }: Features) -> Result<(), AuditError> {
        let photos = self.photos.len();
        if width == 0 || values.len() != photos * width {
            return Err(AuditError::FeatureCount { found: values.len(), photos, width });
        }
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(AuditError::NotFinite {
                path: self.photos[at / width].path.into(),
                feature: at % width,
                value: values[at],
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("c{class}")).collect()
    }

    #[test]
    fn photos_that_cannot_be_audited_are_refused_by_name() {
        let photo = |label| JudgedPhoto { path: "train/a/1.jpg", label };
        let shares = [0.5, 0.5];
        let features = |values, width| Some(Features { values, width });
        for (classes, photos, probabilities, features, message) in [
            (2, vec![], &[][..], None, "there are no photos to audit"),
            (
                1,
                vec![photo(0)],
                &[1.0],
                None,
                "an audit compares classes, and there is only one: `c0`",
            ),
            (2, vec![photo(0)], &[1.0], None, "1 probabilities, expected 1 photos times 2 classes"),
            (
                2,
                vec![photo(2)],
                &shares,
                None,
                "train/a/1.jpg: label 2 is not below the number of classes, 2",
            ),
            (
                2,
                vec![photo(0)],
                &[0.5, 0.4],
                None,
                "train/a/1.jpg: its probabilities sum to 0.9, expected shares of 1",
            ),
            (
                2,
                vec![photo(0)],
                &[f64::NAN, 0.4],
                None,
                "train/a/1.jpg: its probabilities sum to NaN, expected shares of 1",
            ),
            (
                2,
                vec![photo(0)],
                &shares,
                features(&[1.0][..], 2),
                "1 feature values, expected 1 photos times 2",
            ),
            (
                2,
                vec![photo(0)],
                &shares,
                features(&[1.0, f32::NAN][..], 2),
                "train/a/1.jpg: feature 1 is NaN, expected a finite number",
            ),
        ] {
            let class_names = names(classes);
            let judged = JudgedPhotos {
                class_names: &class_names,
                photos: &photos,
                probabilities,
                features,
                duplicates: &[],
            };
            assert_eq!(judged.check().unwrap_err().to_string(), message);
        }
    }
}
