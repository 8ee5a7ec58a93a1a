//! The loop from photos to rows, for every model.

use kennel_core::Task;
use kennel_data::Note;
use kennel_metrics::{RankedClass, rank, rank_probabilities};
use kennel_onnx::OnnxError;

use crate::photos::{Batch, Input, Photo};
use crate::{InferError, Model, Photos, Result};

/// A photo with a model's scores.
#[derive(Debug)]
pub struct Row {
    /// Its name: as the user gave it, or its path in the data set.
    pub photo: String,
    /// What was noted when it was decoded.
    pub notes: Vec<Note>,
    /// Its scores, or why it has none.
    pub scores: Result<Scores>,
    /// Whether it shows none of the classes. None if the model cannot tell.
    pub unknown: Option<UnknownScore>,
}

/// How far a photo lies from known ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnknownScore {
    /// The score, near 1 for known photos.
    pub score: f64,
    /// Whether it is above the model's threshold, or no number.
    pub is_unknown: bool,
}

/// A model's scores for a photo, one per class.
#[derive(Clone, Debug, PartialEq)]
pub enum Scores {
    /// Logits of a model that takes pixels.
    Logits(Vec<f32>),
    /// Probabilities of a model that takes photos.
    Probabilities(Vec<f32>),
}

impl Scores {
    /// The plain values.
    pub fn into_values(self) -> Vec<f32> {
        match self {
            Scores::Logits(values) | Scores::Probabilities(values) => values,
        }
    }

    /// Returns the `count` best classes, best first.
    ///
    /// # Errors
    ///
    /// [`InferError::NotFinite`] for logits that give no order.
    ///
    /// # Panics
    ///
    /// When there is another number of names.
    pub fn rank(
        &self,
        class_names: &[String],
        temperature: f64,
        count: usize,
    ) -> Result<Vec<RankedClass>> {
        match self {
            Scores::Logits(logits) => match logits.iter().position(|logit| !logit.is_finite()) {
                Some(class) => Err(InferError::NotFinite {
                    class: class_names[class].clone(),
                    logit: logits[class],
                }),
                None => Ok(rank(logits, class_names, temperature, count)),
            },
            Scores::Probabilities(scores) => {
                let probabilities: Vec<f64> = scores.iter().map(|&p| f64::from(p)).collect();
                Ok(rank_probabilities(scores, &probabilities, class_names, count))
            }
        }
    }
}

/// Labels photos in their order. Yields the rows of a batch as soon as they are computed.
///
/// A photo that cannot be read alone has its reason in its row ([`Photos::Named`]).
///
/// # Errors
///
/// An item is an error when the model fails, a photo of a data set cannot be read, or the task is
/// stopped. The caller then takes no further item.
pub fn label<'a>(
    model: &'a mut dyn Model,
    photos: Photos,
    task: Task<'a>,
) -> impl Iterator<Item = Result<Vec<Row>>> + 'a {
    let batches = photos.batches(model.preprocessing().cloned());
    batches.map(move |batch| {
        task.check()?;
        label_batch(model, batch?)
    })
}

/// Labels the photos of a batch, in their order.
///
/// # Errors
///
/// A model that fails.
pub fn label_batch(model: &mut dyn Model, batch: Batch) -> Result<Vec<Row>> {
    let count =
        batch.photos.iter().filter(|photo| matches!(photo.input, Ok(Input::Pixels))).count();
    let (logits, unknown) = match count {
        0 => (Vec::new(), Vec::new()),
        _ => model.logits_and_unknown(batch.pixels, count)?,
    };
    let (mut logits, mut unknown) = (logits.into_iter(), unknown.into_iter());
    let threshold = model.unknown_threshold();
    let row = |Photo { name, notes, input }| -> Result<Row> {
        let (scores, unknown) = match input {
            Err(error) => (Err(error), None),
            Ok(Input::Pixels) => {
                let logits = logits.next().expect("a row for every photo that was read");
                (Ok(Scores::Logits(logits)), unknown.next())
            }
            Ok(Input::Decoded(photo)) => match model.probabilities(&photo) {
                // A photo too large for the file's runtime fails alone.
                Err(error @ InferError::Onnx(OnnxError::Runtime { .. })) => (Err(error), None),
                Err(error) => return Err(error),
                Ok((scores, unknown)) => (Ok(Scores::Probabilities(scores)), unknown),
            },
        };
        let unknown = unknown.zip(threshold).map(|(score, threshold)| UnknownScore {
            score,
            is_unknown: score > threshold || score.is_nan(),
        });
        Ok(Row { photo: name, notes, scores, unknown })
    };
    batch.photos.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, Ordering};

    use kennel_core::{Interpolation, Preprocessing};
    use kennel_data::{Named, RgbImage};

    use super::*;

    /// Its logits are the first pixel of the photo and 0.
    struct FirstPixel {
        preprocessing: Preprocessing,
        class_names: Vec<String>,
        batches: Vec<usize>,
    }

    impl FirstPixel {
        fn new() -> Self {
            Self {
                preprocessing: Preprocessing {
                    mean: [0.0; 3],
                    std: [1.0; 3],
                    ..Preprocessing::imagenet(32, 1.0, Interpolation::Bilinear)
                },
                class_names: ["light", "dark"].map(String::from).into(),
                batches: Vec::new(),
            }
        }
    }

    impl Model for FirstPixel {
        fn class_names(&self) -> &[String] {
            &self.class_names
        }

        fn temperature(&self) -> f64 {
            1.0
        }

        fn preprocessing(&self) -> Option<&Preprocessing> {
            Some(&self.preprocessing)
        }

        fn logits(&mut self, pixels: Vec<f32>, count: usize) -> Result<Vec<Vec<f32>>> {
            self.batches.push(count);
            Ok(pixels.chunks_exact(pixels.len() / count).map(|photo| vec![photo[0], 0.0]).collect())
        }
    }

    fn draw(folder: &Path, count: u8) -> Vec<PathBuf> {
        let draw = |level: u8| {
            let path = folder.join(format!("{level:03}.png"));
            RgbImage::from_pixel(32, 32, [level; 3].into()).save(&path).unwrap();
            path
        };
        (0..count).map(draw).collect()
    }

    #[test]
    fn rows_keep_the_order_of_the_photos_and_an_unreadable_one_ends_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut asked = draw(dir.path(), 40);
        std::fs::write(&asked[7], "no photo").unwrap();
        asked.push(dir.path().join("empty*.png"));
        let mut model = FirstPixel::new();
        let rows: Vec<Row> =
            label(&mut model, Photos::Named(Named::new(asked.clone())), Task::unwatched())
                .collect::<Result<Vec<_>>>()
                .unwrap()
                .into_iter()
                .flatten()
                .collect();
        assert_eq!(model.batches, [31, 8]);
        assert_eq!(rows.len(), 41);
        for (level, (row, path)) in rows.iter().zip(&asked).enumerate() {
            assert_eq!(row.photo, path.to_string_lossy());
            match &row.scores {
                Ok(scores) => {
                    assert_eq!(*scores, Scores::Logits(vec![level as f32 / 255.0, 0.0]));
                }
                Err(InferError::Data(_)) => assert_eq!(level, 7),
                Err(error) => {
                    assert!(level == 40 && matches!(error, InferError::NoPhoto { .. }), "{error}")
                }
            }
        }
    }

    #[test]
    fn a_stop_comes_before_the_next_batch() {
        let dir = tempfile::tempdir().unwrap();
        let asked = draw(dir.path(), 33);
        let (stop, mut model) = (AtomicBool::new(false), FirstPixel::new());
        let mut rows =
            label(&mut model, Photos::Named(Named::new(asked)), Task::new(&stop, &|_| {}));
        assert_eq!(rows.next().unwrap().unwrap().len(), 32);
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(rows.next(), Some(Err(InferError::Stopped(_)))));
        drop(rows);
        assert_eq!(model.batches, [32]);
    }

    #[test]
    fn a_logit_that_is_not_finite_gives_no_label() {
        let names = ["light", "dark"].map(String::from);
        let error = Scores::Logits(vec![1.0, f32::NAN]).rank(&names, 1.0, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no label: the logit of class `dark` is NaN, expected a finite number"
        );
        let ranked = Scores::Probabilities(vec![0.25, 0.75]).rank(&names, 1.0, 1).unwrap();
        assert_eq!((ranked[0].label.as_str(), ranked[0].probability), ("dark", 0.75));
    }
}
