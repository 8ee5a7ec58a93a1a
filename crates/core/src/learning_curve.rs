//! `learning_curve.json`: errors of a convex head by the number of training photos, and what more
//! photos would bring.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{CoreError, Result};

/// Largest file that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Largest number of photos that is read.
const MAX_PHOTOS: f64 = 1e9;

/// Contents of `learning_curve.json`. Shares are in [0, 1]; intervals cover 95 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningCurveRecord {
    /// Version of this format: 1.
    pub version: u32,
    /// From few photos to all.
    pub points: Vec<CurveSize>,
    /// The law through all points.
    pub law: CurveLaw,
    /// What more photos of all classes would bring.
    pub outlook: CurveOutlook,
    /// What half of the photos of each class bring, in the order of the classes; empty if there are
    /// too many classes to measure it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<HalvedClassRecord>,
}

/// A number of training photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveSize {
    /// Training photos of a head: the mean over draws.
    pub photos: f64,
    /// One for each draw of so many photos. Each judges the photos of one fold, which its head has
    /// not seen.
    pub draws: Vec<CurveDraw>,
}

/// Errors of one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveDraw {
    /// Photos that it classifies wrongly.
    pub errors: usize,
    /// Photos that it judges.
    pub n: usize,
}

/// `error(photos) = floor + scale * (photos / unit)^-exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveLaw {
    /// Share of errors that no number of photos removes.
    pub floor: f64,
    /// Share of errors above the floor at `unit` photos.
    pub scale: f64,
    /// How fast they fall.
    pub exponent: f64,
    /// Number of photos.
    pub unit: f64,
}

/// What more photos of all classes would bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveOutlook {
    /// Errors fall: those with more photos, from few to many. The first is all photos there are.
    Falls(Vec<CurveAhead>),
    /// Errors do not fall beyond chance.
    Level,
    /// With all photos there are too few errors to say anything.
    FewErrors {
        /// Their number.
        errors: usize,
    },
}

/// Errors with more photos than there are, if they go on falling by the law.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveAhead {
    /// A multiple of the photos there are.
    pub times: f64,
    /// Training photos of a head.
    pub photos: f64,
    /// Share of errors.
    pub error: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// How much lower than with the photos there are.
    pub gain: f64,
    /// Lower bound.
    pub gain_low: f64,
    /// Upper bound.
    pub gain_high: f64,
}

/// Errors with half of the photos of one class, compared with those with all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HalvedClassRecord {
    /// Its name.
    pub name: String,
    /// Training photos of the class that a head has, and half of them: means over folds.
    pub photos: f64,
    /// See `photos`.
    pub half: f64,
    /// Errors on photos of the class.
    pub of_class: HalvedErrors,
    /// Errors on all photos.
    pub overall: HalvedErrors,
}

/// Errors on the same photos, by heads that have not seen them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HalvedErrors {
    /// Photos that were judged.
    pub n: usize,
    /// Errors with half of the photos of the class.
    pub with_half: usize,
    /// Errors with all.
    pub with_all: usize,
    /// How many errors fewer with all, as a share of `n`.
    pub gain: f64,
    /// Lower bound.
    pub gain_low: f64,
    /// Upper bound.
    pub gain_high: f64,
}

impl LearningCurveRecord {
    /// Its file name in a run directory.
    pub const FILE_NAME: &'static str = "learning_curve.json";

    /// Parses `learning_curve.json`. `path` is for errors.
    ///
    /// # Errors
    ///
    /// [`CoreError::Malformed`] for another format or version, and for numbers that are no learning
    /// curve: photos that do not grow, more errors than photos.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let malformed =
            |reason| CoreError::Malformed { path: path.into(), what: "learning curve", reason };
        if bytes.len() > MAX_BYTES {
            return Err(malformed(format!("it has more than {MAX_BYTES} bytes")));
        }
        let record: Self =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        if record.version != 1 {
            return Err(malformed(format!("version {} is not known, expected 1", record.version)));
        }
        record.check().map_err(|reason| malformed(reason.into()))?;
        Ok(record)
    }

    fn check(&self) -> Result<(), &'static str> {
        let ahead = match &self.outlook {
            CurveOutlook::Falls(ahead) if ahead.is_empty() => return Err("an outlook is empty"),
            CurveOutlook::Falls(ahead) => ahead.as_slice(),
            _ => &[],
        };
        let sizes: Vec<f64> = self.points.iter().map(|point| point.photos).collect();
        let further: Vec<f64> = ahead.iter().map(|ahead| ahead.photos).collect();
        let grows = |sizes: &[f64]| {
            let in_bounds = sizes.iter().all(|photos| (1.0..=MAX_PHOTOS).contains(photos));
            in_bounds && sizes.is_sorted_by(|a, b| a <= b)
        };
        if sizes.is_empty() || !grows(&sizes) || !grows(&further) {
            return Err("its numbers of photos do not grow");
        }
        let is_fine = |draw: &CurveDraw| draw.n > 0 && draw.errors <= draw.n;
        let has_draws =
            |point: &CurveSize| !point.draws.is_empty() && point.draws.iter().all(is_fine);
        let halved = self.classes.iter().flat_map(|class| [class.of_class, class.overall]);
        let counts = |of: HalvedErrors| of.n > 0 && of.with_half.max(of.with_all) <= of.n;
        if !self.points.iter().all(has_draws) || !halved.into_iter().all(counts) {
            return Err("its errors are no part of its photos");
        }
        let law = &self.law;
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        if !(0.0..=10.0).contains(&law.exponent) || !(1.0..=MAX_PHOTOS).contains(&law.unit) {
            return Err("its law is none of learning curves");
        }
        let shares = ahead.iter().flat_map(|ahead| [ahead.error, ahead.low, ahead.high]);
        if ![law.floor, law.scale].into_iter().chain(shares).all(is_share) {
            return Err("a share of errors is not between 0 and 1");
        }
        Ok(())
    }
}

impl CurveSize {
    /// Counts the errors and the photos of all draws.
    pub fn total(&self) -> CurveDraw {
        let sum = |of: fn(&CurveDraw) -> usize| self.draws.iter().map(of).sum();
        CurveDraw { errors: sum(|draw| draw.errors), n: sum(|draw| draw.n) }
    }
}

impl CurveDraw {
    /// Share of errors.
    pub fn error(&self) -> f64 {
        self.errors as f64 / self.n as f64
    }
}

impl CurveLaw {
    /// Share of errors with so many training photos.
    pub fn error(&self, photos: f64) -> f64 {
        self.floor + self.scale * (photos / self.unit).powf(-self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVE: &str = r#"{
        "version": 1,
        "points": [
            {"photos": 8.0, "draws": [{"errors": 4, "n": 10}, {"errors": 2, "n": 10}]},
            {"photos": 16.0, "draws": [{"errors": 2, "n": 10}, {"errors": 2, "n": 10}]}
        ],
        "law": {"floor": 0.1, "scale": 0.1, "exponent": 1.0, "unit": 16.0},
        "outlook": {"falls": [{"times": 1.5, "photos": 24.0, "error": 0.16, "low": 0.1, "high": 0.2,
            "gain": 0.04, "gain_low": 0.01, "gain_high": 0.06}]}
    }"#;

    fn parse(text: &str) -> Result<LearningCurveRecord> {
        LearningCurveRecord::parse(text.as_bytes(), Path::new("learning_curve.json"))
    }

    #[test]
    fn a_curve_is_read_with_its_totals_and_its_law() {
        let curve = parse(CURVE).unwrap();
        assert_eq!(curve.points[0].total(), CurveDraw { errors: 6, n: 20 });
        assert!((curve.law.error(32.0) - 0.15).abs() < 1e-12);
        let again = serde_json::to_string_pretty(&curve).unwrap();
        assert_eq!(parse(&again).unwrap(), curve);
        let level = CURVE.split("\"outlook\"").next().unwrap().to_string();
        let few = parse(&format!(r#"{level} "outlook": {{"few_errors": {{"errors": 3}}}}}}"#));
        assert_eq!(few.unwrap().outlook, CurveOutlook::FewErrors { errors: 3 });
        assert_eq!(
            parse(&format!(r#"{level} "outlook": "level"}}"#)).unwrap().outlook,
            CurveOutlook::Level
        );
    }

    #[test]
    fn what_is_no_learning_curve_is_refused() {
        for (from, to, said) in [
            ("\"version\": 1", "\"version\": 2", "version 2 is not known"),
            ("\"photos\": 16.0", "\"photos\": 4.0", "do not grow"),
            ("\"photos\": 8.0", "\"photos\": 0.5", "do not grow"),
            ("\"errors\": 4", "\"errors\": 11", "no part of its photos"),
            ("\"unit\": 16.0", "\"unit\": 0.0", "its law"),
            ("\"scale\": 0.1", "\"scale\": 1e300", "between 0 and 1"),
            ("\"high\": 0.2", "\"high\": 1.2", "between 0 and 1"),
            ("\"law\"", "\"laws\"", "laws"),
        ] {
            let error = parse(&CURVE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
        }
        let long = format!("{CURVE}{}", " ".repeat(MAX_BYTES));
        assert!(parse(&long).unwrap_err().to_string().contains("bytes"));
    }
}
