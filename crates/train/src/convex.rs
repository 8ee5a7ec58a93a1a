//! The convex head: a logistic regression on the features of the untrained network.

use std::time::Instant;

use burn::module::Module;
use kennel_core::{
    HeadFit, LearningCurveRecord, PredictionRecord, Settings, Split, Strategy, Task,
};
use kennel_data::{DataError, Dataset, DatasetPhoto, folds_of};
use kennel_metrics::{Evaluation, argmax, evaluate, mean_log_loss};
use kennel_models::{Network, StateDict, TensorValue, apply_state_dict};
use kennel_probe::{
    CrossValidated, CrossValidation, Errors, Head, Outlook, Photos, Strength, Thinned,
    cross_validate, fit, learning_curve,
};

use crate::features::{Features, Part};
use crate::learning_curve::measure_curve;
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
    /// What more photos would bring, unless training goes on from the head.
    pub learning_curve: Option<LearningCurveRecord>,
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

/// What cross-validation says about a convex head, without a run.
#[derive(Clone, Debug)]
pub struct JudgedHead {
    /// Number of folds.
    pub folds: usize,
    /// Every strength of the penalty that was tried, from strong to weak.
    pub strengths: Vec<Strength>,
    /// Index of the chosen one in `strengths`.
    pub chosen: usize,
    /// Metrics on all training and validation photos, each judged by a head that was fitted without
    /// it.
    pub out_of_fold: Evaluation,
    /// What half as many photos again would bring, judged by the errors of heads that were fitted to
    /// an eighth of the photos up to all of them.
    pub outlook: Outlook,
    /// Seconds that features and fits took.
    pub seconds: f64,
}

/// Photos for which errors are extrapolated, as a multiple of those there are.
pub const MORE_PHOTOS: f64 = 1.5;

/// Cross-validates a convex head on the frozen network, in `count` folds, or as many as a run takes.
/// Writes nothing but cached features, and does not read the test photos.
///
/// # Errors
///
/// As [`rehearse`](crate::rehearse); too few photos of a class for the folds; a task that is
/// stopped.
pub fn judge_head(
    settings: &Settings,
    count: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<JudgedHead> {
    let options = &TrainOptions { skip_test: true, ..options.clone() };
    let setup = set_up(settings, options, task)?;
    let began = Instant::now();
    let CrossValidatedHead { rows, folds, found, .. } =
        cross_validated(&setup, settings, count, options, task)?;
    let records = records(&rows, &found, setup.data.classes());
    let labels: Vec<usize> = rows.photos.iter().map(|photo| photo.class_index).collect();
    let photos = Photos::new(&rows.values, rows.width, &labels, setup.data.classes().len())?;
    let (l2, seed) = (found.strength().l2, settings.seed);
    let curve = learning_curve(&photos, &folds, Thinned::All, l2, seed, task)?;
    let all = curve.points.last().map_or(0.0, |point| point.photos);
    Ok(JudgedHead {
        outlook: curve.outlook(Errors::Overall, MORE_PHOTOS * all, seed)?,
        folds: count_of(&folds),
        strengths: found.strengths,
        chosen: found.chosen,
        out_of_fold: evaluate(&records, setup.data.classes())?,
        seconds: began.elapsed().as_secs_f64(),
    })
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
    let CrossValidatedHead { rows, training, folds, found, head } =
        cross_validated(setup, settings, None, options, task)?;
    let of_training: Vec<f32> = training.iter().flat_map(|&row| rows.row(row)).copied().collect();
    let logits = head.logits(&of_training)?;
    let classes = setup.data.classes();
    let judged: Vec<(&[f32], usize)> = logits
        .chunks_exact(classes.len())
        .zip(training.iter().map(|&row| rows.photos[row].class_index))
        .collect();
    let right = judged.iter().filter(|(logits, class)| argmax(logits) == *class).count();
    let mut told = ConvexHead {
        seconds: began.elapsed().as_secs_f64(),
        train_loss: mean_log_loss(judged.iter().copied()),
        train_accuracy: right as f64 / judged.len() as f64,
        out_of_fold: records(&rows, &found, classes),
        learning_curve: None,
    };
    if settings.strategy()? == Strategy::Freeze {
        let labels: Vec<usize> = rows.photos.iter().map(|photo| photo.class_index).collect();
        let weights = labels.iter().map(|&class| setup.class_weights[class]).collect();
        let photos =
            Photos::new(&rows.values, rows.width, &labels, classes.len())?.with_weights(weights)?;
        let (l2, seed) = (found.strength().l2, settings.seed);
        told.learning_curve = Some(measure_curve(&photos, &folds, l2, classes, seed, task)?);
    }
    install(setup, settings, &head);
    Ok(Some(told))
}

/// A head that was cross-validated, and what it was fitted to.
struct CrossValidatedHead {
    /// The training and validation photos.
    rows: FeatureRows,
    /// Positions of the training photos in `rows`.
    training: Vec<usize>,
    /// The fold of each photo in `rows`.
    folds: Vec<usize>,
    found: CrossValidated,
    /// The head that the run is to have.
    head: Head,
}

/// Computes features, and fits a head on those of the training photos at the strength that
/// cross-validation chooses, in `count` folds, or as many as the photos allow up to five.
fn cross_validated(
    setup: &Setup,
    settings: &Settings,
    count: Option<usize>,
    options: &TrainOptions,
    task: Task<'_>,
) -> Result<CrossValidatedHead> {
    // Photos that cannot be divided are known before their features are computed.
    let folds = match count {
        Some(count) => folds_of(setup.data.manifest(), &JUDGED, count, settings.seed)?,
        None => folds(setup, settings.seed)?,
    };
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
    let weights = labels.iter().map(|&class| setup.class_weights[class]).collect();
    let photos = Photos::new(&rows.values, rows.width, &labels, setup.data.classes().len())?
        .with_views(&views, &photo_of)?
        .with_weights(weights)?;
    let found = cross_validate(&photos, &folds, &CrossValidation::default(), &training, task)?;
    let head = match settings.strategy()? {
        Strategy::Freeze => found.fit.head.clone(),
        _ => fit(&photos, &training, start_strength(&found), task)?.head,
    };
    Ok(CrossValidatedHead { rows, training, folds, found, head })
}

fn count_of(folds: &[usize]) -> usize {
    folds.iter().max().map_or(0, |last| last + 1)
}

/// The penalty of a head that training goes on from: the strongest whose loss out of fold is within
/// one standard error of the lowest (Breiman et al. 1984).
///
/// The head of lowest loss knows a few photos nearly by heart, and leaves little to learn from them:
/// on 50 photos a class of TrashNet (seed 42), a training loss of 0.09 nats, where 15 epochs of Adam
/// leave 0.40.
fn start_strength(found: &CrossValidated) -> f64 {
    let lowest = found.strength();
    let is_close = |tried: &&Strength| tried.loss <= lowest.loss + lowest.standard_error;
    found.strengths.iter().find(is_close).map_or(lowest.l2, |tried| tried.l2)
}

/// The predictions out of fold, in the manifest's order.
fn records(
    rows: &FeatureRows,
    found: &CrossValidated,
    classes: &[String],
) -> Vec<PredictionRecord> {
    let logits = found.out_of_fold.chunks_exact(classes.len());
    rows.photos
        .iter()
        .zip(logits)
        .map(|(photo, logits)| PredictionRecord {
            path: photo.path.clone(),
            label: classes[photo.class_index].clone(),
            logits: logits.to_vec(),
        })
        .collect()
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

/// Returns the features of the photos of some splits in the test view, in the manifest's order.
/// `network` is in evaluation mode.
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
        let (found, values) = features.rows_of_view(network, split, task)?;
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
