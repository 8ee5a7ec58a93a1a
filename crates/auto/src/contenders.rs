//! Compares networks by their convex heads, so that only those in contention are fine-tuned.

use kennel_core::{RunDir, RunRecord};

use crate::Result;
use crate::choose::{Behind, Losses, choose};
use crate::run::out_of_fold;

/// A network whose head is further behind the lowest loss than this many standard errors is not in
/// contention.
const CONTENTION: f64 = 2.0;

/// The convex head of a run of `auto`, judged on all training and validation photos, each by a head
/// that was fitted without it.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedProbe {
    /// The network.
    pub model: String,
    /// Losses of the photos, in the manifest's order.
    pub losses: Losses,
}

/// A network among those that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Contender {
    /// The network.
    pub model: String,
    /// Photos that its head was judged on.
    pub photos: usize,
    /// Photos that its head labels correctly.
    pub correct: usize,
    /// Loss of its head at its own temperature, in nats per photo.
    pub log_loss: f64,
    /// How far that is above the lowest.
    pub behind: Behind,
    /// Why it is not fine-tuned, in a sentence, if it is not in contention.
    pub left_out: Option<String>,
}

impl JudgedProbe {
    /// Reads the head of a run of `auto`, finished or not.
    ///
    /// # Errors
    ///
    /// A run that is damaged, or that has no head yet.
    pub fn read(run: &RunDir) -> Result<Self> {
        let RunRecord { settings, facts } = run.read_record()?;
        let losses = Losses::of(&out_of_fold(run)?, &facts.class_names)?;
        Ok(JudgedProbe { model: settings.model, losses })
    }
}

/// Compares the heads of networks on the same photos. In contention are the one of lowest loss, and
/// those that are behind it by at most two standard errors of the difference.
///
/// # Panics
///
/// Without a head.
pub fn contend(probes: &[JudgedProbe]) -> Vec<Contender> {
    let losses: Vec<Losses> = probes.iter().map(|probe| probe.losses.clone()).collect();
    let (_, behind) = choose(&losses);
    let lowest = probes
        .iter()
        .zip(&behind)
        .find(|(_, behind)| behind.difference == 0.0)
        .map(|(probe, _)| probe)
        .expect("the lowest is not behind itself");
    let contender = |(JudgedProbe { model, losses }, behind): (&JudgedProbe, Behind)| {
        let Behind { difference, standard_error } = behind;
        let log_loss = losses.mean();
        let left_out = (difference > CONTENTION * standard_error).then(|| {
            format!(
                "fine-tuning: out of fold its head's log loss is {log_loss:.3}, and that of {} \
                 {:.3} ({difference:.3} less, standard error {standard_error:.3})",
                lowest.model,
                lowest.losses.mean()
            )
        });
        Contender {
            model: model.clone(),
            photos: losses.by_photo.len(),
            correct: losses.correct,
            log_loss,
            behind,
            left_out,
        }
    };
    probes.iter().zip(behind).map(contender).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_left_out_if_its_head_is_behind_by_more_than_two_standard_errors() {
        let probe = |model: &str, by_photo: [f64; 4]| JudgedProbe {
            model: model.into(),
            losses: Losses { by_photo: by_photo.into(), correct: 3 },
        };
        let found = contend(&[
            // 0.25 behind the lowest, standard error 0.144: 1.7 of them.
            probe("near", [1.0, 1.0, 0.5, 0.5]),
            probe("lowest", [0.5, 0.5, 0.5, 0.5]),
            // 0.25 behind, standard error 0.02.
            probe("far", [0.7, 0.8, 0.75, 0.75]),
        ]);
        let left_out: Vec<bool> = found.iter().map(|found| found.left_out.is_some()).collect();
        assert_eq!(left_out, [false, false, true]);
        assert_eq!((found[2].photos, found[2].correct, found[2].log_loss), (4, 3, 0.75));
        assert_eq!(
            found[2].left_out.as_deref().unwrap(),
            "fine-tuning: out of fold its head's log loss is 0.750, and that of lowest 0.500 \
             (0.250 less, standard error 0.020)"
        );
    }
}
