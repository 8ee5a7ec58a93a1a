//! The file in which a run keeps what tells unknown photos.

use std::collections::BTreeMap;
use std::path::Path;

use kennel_core::{CoreError, RunDir};
use kennel_metrics::UnknownFacts;
use kennel_models::{StateDict, TensorValue, read_checkpoint, write_checkpoint};
use kennel_unknown::{Gaussian, Unknown};

use crate::Result;

/// Reads what a run has learnt of known photos. None if the run was not asked to, or if it is not
/// finished: its best epoch may have changed since.
///
/// # Errors
///
/// A file that is damaged.
pub fn read_unknown(run: &RunDir) -> Result<Option<(Unknown, UnknownFacts)>> {
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
    Ok(Some((Unknown { known, share: facts.share, threshold: facts.threshold }, facts)))
}

/// Writes what a run has learnt of known photos. The same contents give the same bytes.
///
/// # Errors
///
/// [`CoreError::Io`].
pub fn write_unknown(path: &Path, unknown: &Unknown, facts: &UnknownFacts) -> Result<()> {
    let Gaussian { mean, axes, variances, rest } = &unknown.known;
    let tensor = |shape: Vec<usize>, data: &[f32]| TensorValue { shape, data: data.to_vec() };
    let tensors = StateDict::from([
        ("mean".into(), tensor(vec![mean.len()], mean)),
        ("axes".into(), tensor(vec![variances.len(), mean.len()], axes)),
        ("variances".into(), tensor(vec![variances.len()], variances)),
        ("rest".into(), tensor(Vec::new(), &[*rest])),
    ]);
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
        write_unknown(&run.unknown(), &unknown, &facts).unwrap();
        assert_eq!(read_unknown(&run).unwrap(), None);
        std::fs::write(run.evaluation(), "{}").unwrap();
        assert_eq!(read_unknown(&run).unwrap(), Some((unknown.clone(), facts.clone())));
        let wrong = Gaussian { rest: -0.25, ..unknown.known.clone() };
        write_unknown(&run.unknown(), &Unknown { known: wrong, ..unknown }, &facts).unwrap();
        let said = read_unknown(&run).unwrap_err().to_string();
        assert!(said.contains("unknown.safetensors"), "{said}");
    }
}
