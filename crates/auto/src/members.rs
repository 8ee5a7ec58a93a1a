//! Finished runs that can be averaged: they have predicted the same photos, in the same division.

use std::path::PathBuf;

use kennel_core::{
    CoreError, HeadFit, Hint, Hinted, Manifest, Method, PredictionRecord, RunDir, RunRecord, Split,
    shown,
};
use kennel_infer::InferError;
use kennel_metrics::{Evaluation, MetricsError, ValidationScore, argmax, evaluate, temperature_of};
use kennel_models::ModelError;
use kennel_train::TrainError;

use crate::choose::Losses;

/// A member of an ensemble.
#[derive(Clone, Debug)]
pub struct Member {
    /// The run.
    pub run: RunDir,
    /// Its settings and facts.
    pub record: RunRecord,
    /// Its photos.
    pub manifest: Manifest,
    /// The temperature of its validation photos.
    pub temperature: f64,
    /// Its predictions of the validation photos, in the order of the first member.
    pub val: Vec<PredictionRecord>,
    /// Their evaluation.
    pub val_evaluation: Evaluation,
    /// Their losses, at its temperature.
    pub losses: Losses,
    /// Its predictions of the test photos, in the order of the first member, if there are any.
    pub test: Option<Vec<PredictionRecord>>,
}

/// Runs that cannot be averaged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnsembleError {
    /// A run that cannot be read, or a network that cannot be computed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Fewer than two runs, or the same one twice.
    #[error("an ensemble needs two runs or more, each once: {found}")]
    Members {
        /// What was given.
        found: String,
    },
    /// A run that predicted other photos or classes than the first.
    #[error(
        "{run} cannot be averaged with {first}: {difference}",
        run = shown(run), first = shown(first)
    )]
    Differs {
        /// The run.
        run: PathBuf,
        /// The first run.
        first: PathBuf,
        /// How it differs.
        difference: String,
    },
    /// A run whose weights cannot be averaged with those of the first.
    #[error(
        "the weights of {run} and {first} cannot be averaged: {reason}",
        run = shown(run), first = shown(first)
    )]
    NoSharedStart {
        /// The run.
        run: PathBuf,
        /// The first run.
        first: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The photos that the runs predicted are not where they were.
    #[error("{gone} of the photos of {run} are not in {folder}", run = shown(run), folder = shown(folder))]
    PhotosGone {
        /// The run.
        run: PathBuf,
        /// Where they were looked for.
        folder: PathBuf,
        /// How many are missing.
        gone: usize,
    },
    /// Something is at the place of the result.
    #[error("{path} is in the way", path = shown(path))]
    InTheWay {
        /// The place.
        path: PathBuf,
    },
}

impl Hinted for EnsembleError {
    fn hints(&self) -> Vec<Hint> {
        let hint = match self {
            EnsembleError::Train(error) => return error.hints(),
            EnsembleError::Members { .. } => return Vec::new(),
            EnsembleError::Differs { .. } => Hint::RunsOfOneDivision,
            EnsembleError::NoSharedStart { .. } => Hint::AverageProbabilities,
            EnsembleError::PhotosGone { .. } => Hint::PhotosMoved,
            EnsembleError::InTheWay { .. } => Hint::OtherName,
        };
        vec![hint]
    }
}

/// Each error of a room below is one of training.
macro_rules! from_below {
    ($($error:ty),*) => {
        $(impl From<$error> for EnsembleError {
            fn from(error: $error) -> Self {
                TrainError::from(error).into()
            }
        })*
    };
}
from_below!(CoreError, InferError, MetricsError, ModelError);

impl Member {
    fn read(run: &RunDir) -> Result<Self, EnsembleError> {
        run.check_finished()?;
        let record = run.read_record()?;
        let manifest = run.read_manifest()?;
        let classes = &record.facts.class_names;
        let of = |split| run.read_predictions(split, classes, &manifest);
        let val = of(Split::Val)?.unwrap_or_default();
        if val.is_empty() {
            return Err(CoreError::Malformed {
                path: run.path().into(),
                what: "member of an ensemble",
                reason: "it has no predictions of validation photos".into(),
            }
            .into());
        }
        Ok(Member {
            run: run.clone(),
            temperature: temperature_of(&val, classes)?,
            val_evaluation: evaluate(&val, classes)?,
            losses: Losses::of(&val, classes)?,
            val,
            test: of(Split::Test)?,
            record,
            manifest,
        })
    }

    /// Returns its class names, in the order of its logits.
    pub fn class_names(&self) -> &[String] {
        &self.record.facts.class_names
    }

    /// Returns its predictions of a split; none without predictions.
    pub fn predictions(&self, split: Split) -> Option<&[PredictionRecord]> {
        match split {
            Split::Val => Some(&self.val),
            Split::Test => self.test.as_deref(),
            Split::Train => None,
        }
    }

    /// Puts the predictions into the order of `first`'s photos.
    ///
    /// # Errors
    ///
    /// [`EnsembleError::Differs`] when it has other classes or photos.
    fn in_order_of(mut self, first: &Member) -> Result<Self, EnsembleError> {
        let differs = |difference| EnsembleError::Differs {
            run: self.run.path().into(),
            first: first.run.path().into(),
            difference,
        };
        if let Some(difference) = other_classes(self.class_names(), first.class_names()) {
            return Err(differs(difference));
        }
        let (ours, theirs) = (&self.manifest, &first.manifest);
        let division = match ours.photos_sha256() == theirs.photos_sha256() {
            true => "it has the same photos in another division: ",
            false => "",
        };
        for (split, name) in [(Split::Val, "validation"), (Split::Test, "test")] {
            let said = match (self.predictions(split), first.predictions(split)) {
                (None, None) => continue,
                (None, Some(_)) => format!("it has no predictions of {name} photos"),
                (Some(_), None) => format!("it alone has predictions of {name} photos"),
                (Some(_), Some(_)) => match other_photos(ours, theirs, split, name) {
                    Some(difference) => format!("{division}{difference}"),
                    None => continue,
                },
            };
            return Err(differs(said));
        }
        self.val = in_order(self.val, ours, theirs, Split::Val);
        self.test = self.test.map(|records| in_order(records, ours, theirs, Split::Test));
        self.losses = Losses::of(&self.val, &self.record.facts.class_names)?;
        Ok(self)
    }

    /// Checks that the networks of two runs began with the same weights, so that averages of theirs
    /// lie in one valley of the loss (Frankle et al. 2020, "Linear mode connectivity and the
    /// lottery ticket hypothesis").
    ///
    /// # Errors
    ///
    /// [`EnsembleError::NoSharedStart`], with the reason.
    pub fn check_shared_start(&self, first: &Member) -> Result<(), EnsembleError> {
        match self.other_start(first) {
            None => Ok(()),
            Some(reason) => Err(EnsembleError::NoSharedStart {
                run: self.run.path().into(),
                first: first.run.path().into(),
                reason,
            }),
        }
    }

    fn other_start(&self, first: &Member) -> Option<String> {
        let (ours, theirs) = (&self.record.settings, &first.record.settings);
        let untrained = |member: &Member| member.record.settings.method == Method::ZeroShot;
        if let Some(member) = [self, first].into_iter().find(|member| untrained(member)) {
            return Some(format!("{} trained nothing", member.run.name()));
        }
        if ours.model != theirs.model {
            return Some(format!("they are {} and {}", ours.model, theirs.model));
        }
        let is_other_view = ours.test_view() != theirs.test_view();
        if is_other_view || ours.preprocessing != theirs.preprocessing {
            return Some("they take photos that are prepared in different ways".into());
        }
        let same_weights =
            match (&self.record.facts.weights_sha256, &first.record.facts.weights_sha256) {
                (Some(ours), Some(theirs)) => ours == theirs,
                (None, None) => ours.weights == theirs.weights,
                _ => false,
            };
        if !same_weights {
            let (ours, theirs) = (&ours.weights, &theirs.weights);
            let files = if ours == theirs { ", whose files differ" } else { "" };
            return Some(format!("they began with the weights {ours} and {theirs}{files}"));
        }
        let seeds = format!("with the seeds {} and {}", ours.seed, theirs.seed);
        if ours.weights.pretrained().is_none() {
            return ((ours.seed, ours.head_init) != (theirs.seed, theirs.head_init))
                .then(|| format!("their first weights were drawn {seeds}"));
        }
        match (ours.head, theirs.head) {
            // There is one best head, whatever the seed.
            (HeadFit::Convex, HeadFit::Convex) => None,
            (HeadFit::Gradient, HeadFit::Gradient) => ((ours.seed, ours.head_init)
                != (theirs.seed, theirs.head_init))
                .then(|| format!("their heads were drawn {seeds}")),
            _ => Some("one began with a head that was drawn, the other with a convex one".into()),
        }
    }
}

/// Reads finished runs as members of an ensemble. Their predictions come in the order of the first.
///
/// # Errors
///
/// [`EnsembleError::Members`] for fewer than two, or one twice; [`EnsembleError::Differs`] when one
/// has other classes or photos than the first; a run that is unfinished or damaged.
pub fn read_members(runs: &[RunDir]) -> Result<Vec<Member>, EnsembleError> {
    let places: Vec<PathBuf> =
        runs.iter().map(|run| std::fs::canonicalize(run.path()).unwrap_or_default()).collect();
    for (index, place) in places.iter().enumerate() {
        if places[..index].contains(place) {
            let found = format!("{} is given twice", shown(runs[index].path()));
            return Err(EnsembleError::Members { found });
        }
    }
    if runs.len() < 2 {
        return Err(EnsembleError::Members { found: format!("{} was given", runs.len()) });
    }
    let mut members: Vec<Member> = Vec::with_capacity(runs.len());
    for run in runs {
        let member = Member::read(run)?;
        let member = match members.first() {
            Some(first) => member.in_order_of(first)?,
            None => member,
        };
        members.push(member);
    }
    Ok(members)
}

/// Returns the index of the best member: the highest validation accuracy, then the lowest
/// validation loss, then the newest run, as the comparison of runs has it.
///
/// # Panics
///
/// Without members.
pub fn best_member(members: &[Member]) -> usize {
    let score = |member: &Member| ValidationScore {
        accuracy: member.val_evaluation.accuracy.value,
        loss: member.val_evaluation.log_loss,
    };
    let newer = |a: &Member, b: &Member| a.record.facts.started.cmp(&b.record.facts.started);
    (0..members.len())
        .max_by(|&a, &b| {
            let (a, b) = (&members[a], &members[b]);
            score(a).compare(&score(b)).then_with(|| newer(a, b))
        })
        .expect("there is a member")
}

/// Counts the photos that only the first, and those that only the second, gets right.
pub fn discordant(
    first: &[PredictionRecord],
    second: &[PredictionRecord],
    classes: &[String],
) -> (usize, usize) {
    let right = |record: &PredictionRecord| classes[argmax(&record.logits)] == record.label;
    let count = |wanted: (bool, bool)| {
        first.iter().zip(second).filter(|(a, b)| (right(a), right(b)) == wanted).count()
    };
    (count((true, false)), count((false, true)))
}

fn other_classes(ours: &[String], theirs: &[String]) -> Option<String> {
    let only = |what: &str, ours: &[String], theirs: &[String]| {
        let names: Vec<String> = ours
            .iter()
            .filter(|name| !theirs.contains(name))
            .map(|name| format!("`{name}`"))
            .collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let differences =
        [only("it alone has", ours, theirs), only("it lacks", theirs, ours)].into_iter().flatten();
    (ours != theirs).then(|| {
        format!(
            "its {} classes are others than the {} ({})",
            ours.len(),
            theirs.len(),
            differences.collect::<Vec<_>>().join("; ")
        )
    })
}

/// Returns digest and label of every photo of a split with its place in the split, sorted.
fn sorted(manifest: &Manifest, split: Split) -> Vec<(&str, &str, usize)> {
    let photos = manifest.photos.iter().filter(|photo| photo.split == split).enumerate();
    let mut all: Vec<_> =
        photos.map(|(place, photo)| (photo.sha256.as_str(), photo.label.as_str(), place)).collect();
    all.sort_unstable();
    all
}

fn other_photos(ours: &Manifest, theirs: &Manifest, split: Split, name: &str) -> Option<String> {
    let of = |manifest| -> Vec<(&str, &str)> {
        sorted(manifest, split).into_iter().map(|(digest, label, _)| (digest, label)).collect()
    };
    let (ours, theirs) = (of(ours), of(theirs));
    let shared = ours.iter().filter(|photo| theirs.binary_search(photo).is_ok()).count();
    (ours != theirs).then(|| {
        format!(
            "its {} {name} photos are not these {} ({shared} are in both)",
            ours.len(),
            theirs.len()
        )
    })
}

/// Puts predictions of the same photos into the order of another manifest, with its paths.
fn in_order(
    records: Vec<PredictionRecord>,
    ours: &Manifest,
    theirs: &Manifest,
    split: Split,
) -> Vec<PredictionRecord> {
    let mut places = vec![0; records.len()];
    for ((.., our_place), (.., their_place)) in
        sorted(ours, split).iter().zip(sorted(theirs, split))
    {
        places[their_place] = *our_place;
    }
    let paths = theirs.photos.iter().filter(|photo| photo.split == split).map(|photo| &photo.path);
    let at = |(place, path): (usize, &String)| PredictionRecord {
        path: path.clone(),
        ..records[place].clone()
    };
    places.into_iter().zip(paths).map(at).collect()
}
