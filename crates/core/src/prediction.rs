//! Predictions: one line with the logits of each photo. All metrics can be recomputed from them.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{CoreError, Result, files};

/// The network's prediction for one photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionRecord {
    /// Path of the photo, relative to the data set, with `/`.
    pub path: String,
    /// Name of the *true* class.
    pub label: String,
    /// One logit per class, in the order of the run's `class_names`.
    pub logits: Vec<f32>,
}

/// Parses the predictions of a `.jsonl` file and checks them against `class_names`. Errors name
/// `path` as the file.
///
/// # Errors
///
/// [`CoreError::MalformedLine`] with file and line number when a line is damaged, has the wrong
/// number of logits, a logit that is not finite or an unknown label.
pub(crate) fn parse_predictions(
    bytes: &[u8],
    path: &Path,
    class_names: &[String],
) -> Result<Vec<PredictionRecord>> {
    let mut records = Vec::new();
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let malformed = |reason: String| CoreError::MalformedLine {
            path: path.into(),
            line: index + 1,
            what: "prediction",
            reason,
        };
        let record: PredictionRecord =
            serde_json::from_slice(line).map_err(|error| malformed(error.to_string()))?;
        if record.logits.len() != class_names.len() {
            return Err(malformed(format!(
                "{} logits, expected {}",
                record.logits.len(),
                class_names.len()
            )));
        }
        if let Some(logit) = record.logits.iter().find(|logit| !logit.is_finite()) {
            return Err(malformed(format!("a logit is {logit}")));
        }
        if !class_names.contains(&record.label) {
            return Err(malformed(format!("`{}` is none of the classes", record.label)));
        }
        records.push(record);
    }
    Ok(records)
}

/// Writes predictions, one JSON object per line, to a temporary file that is renamed into place.
/// Logits have the shortest form that reads back to the same value.
///
/// # Errors
///
/// [`CoreError::Io`].
pub fn write_predictions(path: &Path, records: &[PredictionRecord]) -> Result<()> {
    files::write_atomically_with(path, |file| {
        for record in records {
            serde_json::to_writer(&mut *file, record)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_survive_the_round_trip_bit_for_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("val.jsonl");
        let classes = ["a".to_string(), "b".to_string()];
        let records = vec![PredictionRecord {
            path: "val/a/1.jpg".into(),
            label: "a".into(),
            logits: vec![0.1, -1.000_000_1e-20],
        }];
        write_predictions(&path, &records).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(parse_predictions(&bytes, &path, &classes).unwrap(), records);
    }

    #[test]
    fn a_damaged_line_is_named_by_file_and_number() {
        let path = Path::new("val.jsonl");
        let classes = ["a".to_string(), "b".to_string()];
        let good = r#"{"path":"p","label":"a","logits":[1.0,2.0]}"#;
        for (bad, reason) in [
            (r#"{"path":"p","label":"a","logits":[1.0"#, "EOF"),
            (r#"{"path":"p","label":"a","logits":[1.0]}"#, "1 logits, expected 2"),
            (r#"{"path":"p","label":"c","logits":[1.0,2.0]}"#, "none of the classes"),
            (r#"{"path":"p","label":"a","logits":[1.0,null]}"#, "null"),
        ] {
            let text = format!("{good}\n{bad}\n");
            let error = parse_predictions(text.as_bytes(), path, &classes).unwrap_err().to_string();
            assert!(error.contains("val.jsonl:2:") && error.contains(reason), "{error}");
        }
    }
}
