//! The convex head: a logistic regression on the features of the untrained network.

use std::time::Instant;

use burn::module::Module;
use kennel_core::{HeadFit, PredictionRecord, Settings, Split, Strategy, Task};
use kennel_data::{DataError, Dataset, DatasetPhoto, folds_of};
use kennel_metrics::{argmax, mean_log_loss};
use kennel_models::{Network, StateDict, TensorValue, apply_state_dict};
use kennel_probe::{CrossValidation, Head, Photos, cross_validate};

use crate::features::{Features, Part};
use crate::setup::{Setup, set_up};
use crate::{Result, TrainOptions};

/// Folds of the cross-validation, where every class has as many photos.
const FOLDS: usize = 5;

/// The splits that the strength of the penalty is chosen on.
const JUDGED: [Split; 2] = [Split::Train, Split::Val];

/// What is known once the head is fitted.
pub struct ConvexHead {
    /// Mean loss of the training photos, in nats.
    pub train_loss: f64,
    /// Seconds that the fit took, features included.
    pub seconds: f64,
    /// Share of the training photos that are labelled correctly.
    pub train_accuracy: f64,
    /// Of each training and validation photo the logits of a head that was fitted without it, in
    /// the manifest's order.
    pub out_of_fold: Vec<PredictionRecord>,
}

/// Features of photos, a row each, with what is known of the photos.
pub struct FeatureRows {
    /// Number of features.
    pub width: usize,
    /// `[photos, width]`.
    pub values: Vec<f32>,
    /// The photos, in the manifest's order.
    pub photos: Vec<DatasetPhoto>,
}

/// Fits the head of a run whose settings ask for it, and makes it the network's head. Returns None
/// for other runs.
///
/// The strength of the penalty is chosen by cross-validation over training and validation photos;
/// photos that look alike, and those of one group, are in one fold. The head is fitted on the
/// training photos and their augmented views.
///
/// # Errors
///
/// Too few photos of a class for two folds; a photo that cannot be read any more; a task that is
/// stopped.
pub fn fit_head(
    setup: &mut Setup,
    settings: &Settings,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<Option<ConvexHead>> {
    if settings.head != HeadFit::Convex {
        return Ok(None);
    }
    let began = Instant::now();
    let mut features = Features::below_head(setup, settings, options);
    // As in evaluation, whatever is trained afterwards: statistics stay, and nothing is recorded.
    let network = setup.network().valid();
    let rows = rows_of(&setup.data, &network, &mut features, &JUDGED, task)?;
    let labels: Vec<usize> = rows.photos.iter().map(|photo| photo.class_index).collect();
    let training: Vec<usize> = positions(&rows, setup, Split::Train);
    let mut views = Vec::new();
    for view in 0..settings.feature_views as u64 {
        views.extend(features.rows(&network, Part::Train { view }, task)?.1);
    }
    let photo_of = training.repeat(settings.feature_views);
    let classes = setup.data.classes();
    let weights = labels.iter().map(|&class| setup.class_weights[class]).collect();
    let photos = Photos::new(&rows.values, rows.width, &labels, classes.len())?
        .with_views(&views, &photo_of)?
        .with_weights(weights)?;
    let folds = folds(setup, settings.seed)?;
    let found = cross_validate(&photos, &folds, &CrossValidation::default(), &training, task)?;
    let head = &found.fit.head;
    let of_training: Vec<f32> = training.iter().flat_map(|&row| rows.row(row)).copied().collect();
    let logits = head.logits(&of_training)?;
    let judged: Vec<(&[f32], usize)> =
        logits.chunks_exact(classes.len()).zip(training.iter().map(|&row| labels[row])).collect();
    let right = judged.iter().filter(|(logits, class)| argmax(logits) == *class).count();
    let out_of_fold = rows
        .photos
        .iter()
        .zip(found.out_of_fold.chunks_exact(classes.len()))
        .map(|(photo, logits)| PredictionRecord {
            path: photo.path.clone(),
            label: classes[photo.class_index].clone(),
            logits: logits.to_vec(),
        })
        .collect();
    let told = ConvexHead {
        seconds: began.elapsed().as_secs_f64(),
        train_loss: mean_log_loss(judged.iter().copied()),
        train_accuracy: right as f64 / judged.len() as f64,
        out_of_fold,
    };
    install(setup, settings, head);
    Ok(Some(told))
}

/// Returns the features of the training and validation photos in the network that a run starts
/// from, in the manifest's order: that of the predictions out of fold.
///
/// # Errors
///
/// As [`train`](crate::train), up to the point where it creates its run directory; a photo that
/// cannot be read any more.
pub fn frozen_features(
    settings: &Settings,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<FeatureRows> {
    let setup = set_up(settings, options, task)?;
    let mut features = Features::below_head(&setup, settings, options);
    rows_of(&setup.data, &setup.network().valid(), &mut features, &JUDGED, task)
}

/// Makes `head` the network's head. Where training goes on from it, it is also what the head's
/// progress is measured from.
fn install(setup: &mut Setup, settings: &Settings, head: &Head) {
    let name = setup.network().head();
    let value =
        |shape: &[usize], data: &[f32]| TensorValue { shape: shape.to_vec(), data: data.to_vec() };
    let tensors: StateDict = [
        (format!("{name}.weight"), value(&[head.classes(), head.width], &head.weights)),
        (format!("{name}.bias"), value(&[head.classes()], &head.bias)),
    ]
    .into();
    setup.network = setup.network.take().map(|network| apply_state_dict(network, &tensors));
    if settings.strategy().ok() != Some(Strategy::Freeze) {
        setup.initial_head = tensors;
    }
}

/// Divides the judged photos into folds: five, or as many as the smallest class allows.
fn folds(setup: &Setup, seed: u64) -> Result<Vec<usize>> {
    let manifest = setup.data.manifest();
    let of = |count| folds_of(manifest, &JUDGED, count, seed);
    for count in (3..=FOLDS).rev() {
        match of(count) {
            Err(DataError::TooManyFolds { .. }) => continue,
            found => return Ok(found?),
        }
    }
    Ok(of(2)?)
}

/// Returns the features of the photos of some splits in evaluation preprocessing, in the
/// manifest's order. `network` is in evaluation mode.
///
/// # Errors
///
/// A photo that cannot be read any more; a task that is stopped.
pub fn rows_of(
    data: &Dataset,
    network: &Network,
    features: &mut Features,
    splits: &[Split],
    task: Task<'_>,
) -> Result<FeatureRows> {
    let mut by_index: Vec<(DatasetPhoto, Vec<f32>)> = Vec::new();
    let mut width = 0;
    for &split in splits {
        let photos = data.photos(split);
        if photos.is_empty() {
            continue;
        }
        let (found, values) = features.rows(network, Part::Eval(split), task)?;
        width = found;
        let rows = values.chunks_exact(width).map(<[f32]>::to_vec);
        by_index.extend(photos.iter().cloned().zip(rows));
    }
    by_index.sort_by_key(|(photo, _)| photo.index);
    let (photos, values): (Vec<_>, Vec<_>) = by_index.into_iter().unzip();
    Ok(FeatureRows { width, values: values.concat(), photos })
}

/// Positions in `rows` of the photos of a split, in the split's own order.
fn positions(rows: &FeatureRows, setup: &Setup, split: Split) -> Vec<usize> {
    let position = |photo: &DatasetPhoto| {
        let found = rows.photos.binary_search_by_key(&photo.index, |row| row.index);
        found.expect("the rows hold every photo of the split")
    };
    setup.data.photos(split).iter().map(position).collect()
}

impl FeatureRows {
    /// The features of one photo.
    pub fn row(&self, photo: usize) -> &[f32] {
        &self.values[photo * self.width..][..self.width]
    }
}
