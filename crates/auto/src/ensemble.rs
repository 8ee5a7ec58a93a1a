//! Averages the probabilities of finished runs, and evaluates the average like a run.

use std::path::Path;

use kennel_core::{PredictionRecord, Split, files, write_predictions};
use kennel_metrics::{
    EnsembleMember, RunEvaluation, average_predictions, evaluate, mcnemar_p, select_greedily,
};
use serde::Serialize;

use crate::members::{EnsembleError, Member, best_member, discordant};

/// An ensemble of runs.
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// What it is and how it does.
    pub record: EnsembleRecord,
    /// Its metrics, by split.
    pub evaluation: RunEvaluation,
    /// Its predictions of the validation photos: logarithms of averaged probabilities.
    pub val: Vec<PredictionRecord>,
    /// Its predictions of the test photos, if the members have some.
    pub test: Option<Vec<PredictionRecord>>,
}

/// Contents of `ensemble.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnsembleRecord {
    /// Version of this format: 1.
    pub version: u32,
    /// Every run that was given, in its order.
    pub members: Vec<MemberRecord>,
    /// The steps of the greedy selection, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Step>>,
    /// The ensemble beside the best member.
    pub against: Versus,
}

/// A run of an ensemble.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberRecord {
    /// Its name.
    pub run: String,
    /// Its weight in the average, in [0, 1]; 0 when the selection left it out.
    pub weight: f64,
    /// Divisor of its logits before the softmax.
    pub temperature: f64,
    /// Validation loss at that temperature, in nats per photo.
    pub val_loss: f64,
}

/// A step of the greedy selection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The run that was added.
    pub run: String,
    /// Validation loss of the average with it, in nats per photo.
    pub val_loss: f64,
}

/// What was made of several runs, compared with the best of them on the same photos.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Versus {
    /// Name of the run with the best validation accuracy, then the lowest validation loss.
    pub run: String,
    /// The photos: test photos, or validation photos without those.
    pub split: Split,
    /// Photos that the run gets wrong and the new one right.
    pub gained: usize,
    /// Photos that the run gets right and the new one wrong.
    pub lost: usize,
    /// p of the exact McNemar test, two-sided.
    pub p: f64,
}

impl Versus {
    /// Compares predictions with those of the best member, on test photos where there are some.
    pub fn best_of(
        members: &[Member],
        val: &[PredictionRecord],
        test: Option<&[PredictionRecord]>,
    ) -> Self {
        let best = &members[best_member(members)];
        let (split, ours, theirs) = match (test, &best.test) {
            (Some(ours), Some(theirs)) => (Split::Test, ours, &theirs[..]),
            _ => (Split::Val, val, &best.val[..]),
        };
        let (gained, lost) = discordant(ours, theirs, best.class_names());
        Versus { run: best.run.name(), split, gained, lost, p: mcnemar_p(gained, lost) }
    }
}

impl Ensemble {
    /// Averages the probabilities of the members, each at its own temperature. `is_greedy`: of
    /// those that the greedy selection adds by validation loss, as often as it adds them; otherwise
    /// of all with equal weights.
    ///
    /// # Errors
    ///
    /// Predictions that cannot be evaluated.
    ///
    /// # Panics
    ///
    /// Without members.
    pub fn of(members: &[Member], is_greedy: bool) -> Result<Self, EnsembleError> {
        let added = is_greedy.then(|| {
            let losses: Vec<Vec<f64>> =
                members.iter().map(|member| member.losses.by_photo.clone()).collect();
            select_greedily(&losses)
        });
        let weights: Vec<f64> = match &added {
            None => vec![1.0 / members.len() as f64; members.len()],
            Some(added) => {
                let times = |index| added.iter().filter(|step| step.member == index).count();
                (0..members.len()).map(|index| times(index) as f64 / added.len() as f64).collect()
            }
        };
        let average = |split: Split| -> Option<Vec<PredictionRecord>> {
            let parts = members.iter().zip(&weights).filter(|(_, weight)| **weight > 0.0);
            let parts: Option<Vec<EnsembleMember<'_>>> = parts
                .map(|(member, &weight)| {
                    let records = member.predictions(split)?;
                    Some(EnsembleMember { records, temperature: member.temperature, weight })
                })
                .collect();
            Some(average_predictions(&parts?))
        };
        let val = average(Split::Val).expect("every member has predicted them");
        let test = average(Split::Test);
        let classes = members[0].class_names();
        let evaluated = |records: &Vec<PredictionRecord>| evaluate(records, classes);
        let evaluation = RunEvaluation {
            best_epoch: None,
            train: None,
            val: Some(evaluated(&val)?),
            test: test.as_ref().map(evaluated).transpose()?,
            out_of_fold: None,
        };
        let of_member = |(member, &weight): (&Member, &f64)| MemberRecord {
            run: member.run.name(),
            weight,
            temperature: member.temperature,
            val_loss: member.losses.mean(),
        };
        let steps = added.map(|added| {
            let step = |added: kennel_metrics::Added| Step {
                run: members[added.member].run.name(),
                val_loss: added.loss,
            };
            added.into_iter().map(step).collect()
        });
        let record = EnsembleRecord {
            version: 1,
            members: members.iter().zip(&weights).map(of_member).collect(),
            steps,
            against: Versus::best_of(members, &val, test.as_deref()),
        };
        Ok(Ensemble { record, evaluation, val, test })
    }

    /// Writes a new folder: the predictions, `evaluation.json`, and `ensemble.json` last.
    ///
    /// # Errors
    ///
    /// [`EnsembleError::InTheWay`] when the place is taken; a file that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), EnsembleError> {
        if folder.symlink_metadata().is_ok() {
            return Err(EnsembleError::InTheWay { path: folder.into() });
        }
        let predictions = folder.join("predictions");
        files::create_dir_all(&predictions)?;
        for (split, records) in [(Split::Val, Some(&self.val)), (Split::Test, self.test.as_ref())] {
            if let Some(records) = records {
                write_predictions(&predictions.join(format!("{split}.jsonl")), records)?;
            }
        }
        files::write_json(&folder.join("evaluation.json"), &self.evaluation)?;
        files::write_json(&folder.join("ensemble.json"), &self.record)?;
        Ok(())
    }
}
