//! The file in which a run keeps what tells unknown photos.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use kennel_core::{CoreError, RunDir, RunRecord};
use kennel_metrics::UnknownFacts;
use kennel_models::{
    Checkpoint, LoadOptions, Network, RegularizationRates, StateDict, TensorValue, architecture,
    is_under, load, read_checkpoint, state_dict, write_checkpoint,
};
use kennel_unknown::{Gaussian, Unknown};

use crate::Result;

/// What a run has learnt of known photos.
#[derive(Clone, Debug, PartialEq)]
pub struct LearntUnknown {
    /// What decides.
    pub unknown: Unknown,
    /// What was counted.
    pub facts: UnknownFacts,
    /// Tensors of the network whose late features it knows, without the head, if that is not the
    /// run's own network.
    trunk: Option<StateDict>,
}

impl LearntUnknown {
    /// Returns the network whose late features it knows, if that is not the run's own. Its head
    /// means nothing.
    ///
    /// # Errors
    ///
    /// A run that is damaged.
    pub fn trunk(&self, run: &RunDir, device: &Device) -> Result<Option<Network>> {
        let Some(tensors) = &self.trunk else { return Ok(None) };
        let RunRecord { settings, facts } = run.read_record()?;
        let architecture = architecture(&settings.model)?;
        let rates = RegularizationRates::default();
        let network = Network::new(architecture, facts.class_names.len(), rates, device);
        let checkpoint = Checkpoint { tensors: tensors.clone(), ..Checkpoint::default() };
        let path = run.unknown();
        let (network, _) =
            load(network, &checkpoint, LoadOptions::NewHead, architecture.name, &path)?;
        Ok(Some(network.valid()))
    }
}

/// Reads what a run has learnt of known photos. None if the run was not asked to, or if it is not
/// finished: its best epoch may have changed since.
///
/// # Errors
///
/// A file that is damaged.
pub fn read_unknown(run: &RunDir) -> Result<Option<LearntUnknown>> {
    let path = run.unknown();
    if !run.is_finished() || !path.exists() {
        return Ok(None);
    }
    let mut checkpoint = read_checkpoint(&path)?;
    let malformed = |reason: String| CoreError::Malformed {
        path: path.clone(),
        what: "description of known photos",
        reason,
    };
    let facts: UnknownFacts =
        serde_json::from_str(checkpoint.metadata.get(UnknownFacts::KEY).map_or("", String::as_str))
            .map_err(|error| malformed(error.to_string()))?;
    let mut take = |name: &str| {
        let tensor = checkpoint.tensors.remove(name);
        tensor.map(|value| value.data).ok_or_else(|| malformed(format!("it has no `{name}`")))
    };
    let (mean, axes, variances) = (take("mean")?, take("axes")?, take("variances")?);
    let rest = take("rest")?;
    let &[rest] = rest.as_slice() else {
        return Err(malformed("`rest` is no scalar".into()).into());
    };
    let is_positive = variances.iter().chain([&rest]).all(|variance| *variance > 0.0);
    if mean.is_empty() || axes.len() != mean.len() * variances.len() || !is_positive {
        return Err(malformed("its tensors do not fit together".into()).into());
    }
    let known = Gaussian { mean, axes, variances, rest };
    let trunk: StateDict = std::mem::take(&mut checkpoint.tensors)
        .into_iter()
        .filter_map(|(name, value)| {
            Some((name.strip_prefix(UnknownFacts::TRUNK)?.to_string(), value))
        })
        .collect();
    let trunk = (!trunk.is_empty()).then_some(trunk);
    let unknown = Unknown { known, share: facts.share, threshold: facts.threshold };
    Ok(Some(LearntUnknown { unknown, facts, trunk }))
}

/// Writes what a run has learnt of known photos; `trunk` is the network whose late features it
/// knows, if that is not the run's own. The same contents give the same bytes.
///
/// # Errors
///
/// [`CoreError::Io`].
pub fn write_unknown(
    path: &Path,
    unknown: &Unknown,
    trunk: Option<&Network>,
    facts: &UnknownFacts,
) -> Result<()> {
    let Gaussian { mean, axes, variances, rest } = &unknown.known;
    let tensor = |shape: Vec<usize>, data: &[f32]| TensorValue { shape, data: data.to_vec() };
    let mut tensors = StateDict::from([
        ("mean".into(), tensor(vec![mean.len()], mean)),
        ("axes".into(), tensor(vec![variances.len(), mean.len()], axes)),
        ("variances".into(), tensor(vec![variances.len()], variances)),
        ("rest".into(), tensor(Vec::new(), &[*rest])),
    ]);
    if let Some(trunk) = trunk {
        let below_head = |(name, _): &(String, TensorValue)| !is_under(name, trunk.head());
        let named = |(name, value)| (format!("{}{name}", UnknownFacts::TRUNK), value);
        tensors.extend(state_dict(trunk).into_iter().filter(below_head).map(named));
    }
    let note = serde_json::to_string(facts).map_err(|error| CoreError::Malformed {
        path: path.into(),
        what: "description of known photos",
        reason: error.to_string(),
    })?;
    Ok(write_checkpoint(path, &tensors, &BTreeMap::new(), Some((UnknownFacts::KEY, note)))?)
}

#[cfg(test)]
mod tests {
    use kennel_metrics::{LeftOutClass, Proportion};

    use super::*;

    #[test]
    fn what_is_written_is_read_back_from_a_finished_run_only() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(dir.path(), "run").unwrap();
        std::fs::write(run.config(), "").unwrap();
        let known = Gaussian {
            mean: vec![0.5, 1.5],
            axes: vec![0.6, 0.8],
            variances: vec![2.0],
            rest: 0.25,
        };
        let unknown = Unknown { known, share: 0.01, threshold: 1.75 };
        let facts = UnknownFacts {
            share: 0.01,
            threshold: 1.75,
            val: Proportion::new(1, 40),
            test: Some(Proportion::new(0, 30)),
            left_out: vec![LeftOutClass { name: "a".into(), refused: Proportion::new(2, 9) }],
        };
        write_unknown(&run.unknown(), &unknown, None, &facts).unwrap();
        assert_eq!(read_unknown(&run).unwrap(), None);
        std::fs::write(run.evaluation(), "{}").unwrap();
        let read = read_unknown(&run).unwrap().unwrap();
        assert_eq!((&read.unknown, &read.facts, read.trunk), (&unknown, &facts, None));
        let wrong = Gaussian { rest: -0.25, ..unknown.known.clone() };
        write_unknown(&run.unknown(), &Unknown { known: wrong, ..unknown }, None, &facts).unwrap();
        let said = read_unknown(&run).unwrap_err().to_string();
        assert!(said.contains("unknown.safetensors"), "{said}");
    }
}
