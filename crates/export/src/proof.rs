//! Compares an exported file with the trained network on the same photos.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use kennel_core::hint::Describe;
use kennel_core::{Preprocessing, Task};
use kennel_data::DatasetPhoto;
use kennel_metrics::{Proportion, argmax, softmax_at};
use kennel_models::Network;
use kennel_onnx::{Classifier, Description, OnnxError, RuntimeKind, Takes};

use crate::parity::RuntimeParity;
use crate::{ExportError, Result, photos};

/// The trained network's logits for some photos.
pub struct Reference<'a> {
    task: Task<'a>,
    photos: Arc<[DatasetPhoto]>,
    preprocessing: Preprocessing,
    temperature: f64,
    logits: Vec<Vec<f32>>,
}

impl<'a> Reference<'a> {
    /// Runs the network, in evaluation mode, on the CPU.
    ///
    /// # Errors
    ///
    /// [`ExportError::Photos`] for a photo that cannot be read; [`ExportError::NoNumber`] when a
    /// logit is not finite; [`ExportError::Stopped`] once the task is stopped.
    pub fn of(
        network: &Network,
        photos: Arc<[DatasetPhoto]>,
        preprocessing: &Preprocessing,
        temperature: f64,
        task: Task<'a>,
    ) -> Result<Self> {
        let device = Device::flex();
        let mut logits: Vec<Vec<f32>> = Vec::with_capacity(photos.len());
        for batch in photos::batches(&photos, preprocessing, task) {
            let batch = batch?;
            let side = batch.side_px as usize;
            let count = batch.len();
            for row in network.infer_rows(batch.pixels, count, side, &device) {
                if let Some(logit) = row.iter().find(|logit| !logit.is_finite()) {
                    let photo = photos[logits.len()].file.clone();
                    return Err(ExportError::NoNumber { photo, logit: *logit });
                }
                logits.push(row);
            }
        }
        Ok(Self { task, photos, preprocessing: preprocessing.clone(), temperature, logits })
    }

    /// Returns the trained network's accuracy.
    pub fn accuracy(&self) -> Proportion {
        self.share(|place, photo| argmax(&self.logits[place]) == photo.class_index)
    }

    fn share(&self, is_so: impl Fn(usize, &DatasetPhoto) -> bool) -> Proportion {
        let photos = self.photos.iter().enumerate();
        Proportion::new(photos.filter(|(place, photo)| is_so(*place, photo)).count(), self.photos.len())
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
    ) -> Result<(Vec<RuntimeParity>, BTreeMap<String, String>)> {
        let (mut found, mut not_run) = (Vec::new(), BTreeMap::new());
        for runtime in RuntimeKind::ALL {
            match self.compare_in(path, runtime) {
                Ok(parity) => found.push(parity),
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

    fn compare_in(&self, path: &Path, runtime: RuntimeKind) -> Result<RuntimeParity> {
        let mut classifier = Classifier::open(path, runtime, Description::default())?;
        let takes_photos = classifier.takes() == Takes::Photo;
        let values =
            if takes_photos { self.probabilities(&mut classifier)? } else { self.logits(&mut classifier)? };
        let expected: Vec<Vec<f32>> = match takes_photos {
            true => self.logits.iter().map(|row| probabilities(row, self.temperature)).collect(),
            false => self.logits.clone(),
        };
        let largest = |pairs: &mut dyn Iterator<Item = f32>| pairs.map(f64::from).fold(0.0, f64::max);
        let apart = expected.iter().flatten().zip(values.iter().flatten()).map(|(a, b)| (a - b).abs());
        let max_difference = largest(&mut apart.into_iter());
        let max_value = match takes_photos {
            true => 1.0,
            false => largest(&mut expected.iter().flatten().map(|x| x.abs())),
        };
        Ok(RuntimeParity {
            runtime: runtime.to_string(),
            max_difference,
            max_value,
            agreement: self.share(|place, _| argmax(&values[place]) == argmax(&self.logits[place])),
            accuracy: self.share(|place, photo| argmax(&values[place]) == photo.class_index),
        })
    }

    fn logits(&self, classifier: &mut Classifier) -> Result<Vec<Vec<f32>>> {
        let mut rows = Vec::with_capacity(self.photos.len());
        for batch in photos::batches(&self.photos, &self.preprocessing, self.task) {
            let batch = batch?;
            rows.extend(classifier.logits(&batch.pixels, batch.len())?);
        }
        Ok(rows)
    }

    fn probabilities(&self, classifier: &mut Classifier) -> Result<Vec<Vec<f32>>> {
        self.photos
            .iter()
            .map(|photo| {
                self.task.check()?;
                let photo = photo.read().map_err(photos::unreadable)?;
                Ok(classifier.probabilities(&photo)?)
            })
            .collect()
    }
}

fn probabilities(logits: &[f32], temperature: f64) -> Vec<f32> {
    softmax_at(logits, temperature).into_iter().map(|p| p as f32).collect()
}
