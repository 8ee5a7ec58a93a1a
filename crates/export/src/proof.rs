//! Compares an exported file with the trained network on the same photos.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kennel_core::Task;
use kennel_core::hint::Describe;
use kennel_data::DatasetPhoto;
use kennel_infer::{Model, Photos, label};
use kennel_metrics::{Proportion, argmax, softmax_at};
use kennel_onnx::{Classifier, Description, OnnxError, RuntimeKind, Takes, UnknownCard};

use crate::parity::{RuntimeParity, UnknownParity};
use crate::{ExportError, Result};

/// The trained network's logits for some photos.
pub struct Reference<'a> {
    task: Task<'a>,
    photos: Arc<[DatasetPhoto]>,
    temperature: f64,
    logits: Vec<Vec<f32>>,
    /// Unknown scores, if the network tells.
    unknown: Vec<f64>,
    unknown_threshold: Option<f64>,
}

/// A file's results in one runtime, and its unknown scores if it tells.
pub struct Found {
    parity: RuntimeParity,
    /// One score per photo.
    pub unknown: Vec<f64>,
}

impl<'a> Reference<'a> {
    /// Runs the trained network.
    ///
    /// # Errors
    ///
    /// [`ExportError::Photos`] for a photo that cannot be read; [`ExportError::NoNumber`] when a
    /// logit is not finite; [`ExportError::Stopped`] once the task is stopped.
    pub fn of(
        network: &mut dyn Model,
        photos: Arc<[DatasetPhoto]>,
        task: Task<'a>,
    ) -> Result<Self> {
        let (logits, unknown) = scores(network, &photos, task, |row, photo| {
            match row.iter().find(|logit| !logit.is_finite()) {
                None => Ok(()),
                Some(&logit) => Err(ExportError::NoNumber { photo: photo.file.clone(), logit }),
            }
        })?;
        let (temperature, unknown_threshold) = (network.temperature(), network.unknown_threshold());
        Ok(Self { task, photos, temperature, logits, unknown, unknown_threshold })
    }

    /// Returns the trained network's accuracy.
    pub fn accuracy(&self) -> Proportion {
        self.share(|place, photo| argmax(&self.logits[place]) == photo.class_index)
    }

    fn share(&self, is_so: impl Fn(usize, &DatasetPhoto) -> bool) -> Proportion {
        let photos = self.photos.iter().enumerate();
        Proportion::new(
            photos.filter(|(place, photo)| is_so(*place, photo)).count(),
            self.photos.len(),
        )
    }

    /// Runs a file in every available runtime. Returns the results of each runtime that reads the
    /// file, and the reason for each one that does not, in the words of `describe`.
    ///
    /// # Errors
    ///
    /// [`ExportError::Photos`] for a photo that cannot be read; [`ExportError::Onnx`] when a
    /// runtime reads the file and then fails on it, or once the task is stopped.
    pub fn compare(
        &self,
        path: &Path,
        describe: Describe<'_>,
    ) -> Result<(Vec<Found>, BTreeMap<String, String>)> {
        let (mut found, mut not_run) = (Vec::new(), BTreeMap::new());
        for runtime in RuntimeKind::ALL {
            match self.compare_in(path, runtime) {
                Ok(of_file) => found.push(of_file),
                // A runtime that reads the file and then fails, or gives a value that is not
                // finite, refutes it.
                Err(ExportError::Onnx(
                    error @ (OnnxError::NoRuntime { .. } | OnnxError::Runtime { verb: "read", .. }),
                )) => {
                    not_run.insert(runtime.to_string(), describe(&error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((found, not_run))
    }

    fn compare_in(&self, path: &Path, runtime: RuntimeKind) -> Result<Found> {
        let mut classifier = Classifier::open(path, runtime, Description::default())?;
        let takes_photos = classifier.takes() == Takes::Photo;
        let (values, unknown) = scores(&mut classifier, &self.photos, self.task, |_, _| Ok(()))?;
        if !takes_photos {
            values.iter().try_for_each(|row| classifier.check_logits(row))?;
        }
        classifier.check_unknown_scores(&unknown)?;
        let expected: Vec<Vec<f32>> = match takes_photos {
            true => self.logits.iter().map(|row| probabilities(row, self.temperature)).collect(),
            false => self.logits.clone(),
        };
        let largest =
            |pairs: &mut dyn Iterator<Item = f32>| pairs.map(f64::from).fold(0.0, f64::max);
        let apart =
            expected.iter().flatten().zip(values.iter().flatten()).map(|(a, b)| (a - b).abs());
        let max_difference = largest(&mut apart.into_iter());
        let max_value = match takes_photos {
            true => 1.0,
            false => largest(&mut expected.iter().flatten().map(|x| x.abs())),
        };
        let parity = RuntimeParity {
            runtime: runtime.to_string(),
            max_difference,
            max_value,
            agreement: self.share(|place, _| argmax(&values[place]) == argmax(&self.logits[place])),
            accuracy: self.share(|place, photo| argmax(&values[place]) == photo.class_index),
            unknown: None,
        };
        Ok(Found { parity, unknown })
    }

    /// Compares the unknown scores of a file with those of the network, each by its own threshold.
    pub fn with_unknown(&self, found: Found, card: Option<UnknownCard>) -> RuntimeParity {
        let Found { parity, unknown: scores } = found;
        let (Some(card), Some(threshold)) = (card, self.unknown_threshold) else { return parity };
        let difference = |(score, expected): (&f64, &f64)| {
            let found = (score - expected).abs() / expected.max(f64::MIN_POSITIVE);
            if found.is_nan() { f64::INFINITY } else { found }
        };
        let refuses = |place: usize| scores.get(place).is_none_or(|score| *score > card.threshold);
        let unknown = UnknownParity {
            relative_difference: scores
                .iter()
                .zip(&self.unknown)
                .map(difference)
                .fold(0.0, f64::max),
            agreement: self.share(|place, _| refuses(place) == (self.unknown[place] > threshold)),
            refused: self.share(|place, _| refuses(place)),
        };
        RuntimeParity { unknown: Some(unknown), ..parity }
    }
}

/// Runs a model on photos and checks each row of its scores. Returns them with unknown scores, if
/// the model tells.
fn scores(
    model: &mut dyn Model,
    photos: &Arc<[DatasetPhoto]>,
    task: Task<'_>,
    check: impl Fn(&[f32], &DatasetPhoto) -> Result<()>,
) -> Result<(Vec<Vec<f32>>, Vec<f64>)> {
    let mut found: Vec<Vec<f32>> = Vec::with_capacity(photos.len());
    let mut unknown = Vec::new();
    for rows in label(model, Photos::Listed(Arc::clone(photos)), task) {
        for row in rows? {
            unknown.extend(row.unknown.map(|unknown| unknown.score));
            let scores = row.scores?.into_values();
            check(&scores, &photos[found.len()])?;
            found.push(scores);
        }
    }
    Ok((found, unknown))
}

fn probabilities(logits: &[f32], temperature: f64) -> Vec<f32> {
    softmax_at(logits, temperature).into_iter().map(|p| p as f32).collect()
}
