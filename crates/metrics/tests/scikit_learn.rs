//! Compares every number with scikit-learn, scipy and statsmodels. `tools/fixtures/metrics.py`
//! makes the fixtures; the versions are beside them.

use kennel_core::PredictionRecord;
use kennel_metrics::{
    Evaluation, calibration, evaluate, fit_temperature, holm, mcnemar_p, photos_to_separate,
    softmax, wilson_interval,
};
use serde_json::Value;

/// Both sides compute in f64. They differ in the order of sums and in the last bit of `exp` and
/// `ln`.
const TOLERANCE: f64 = 1e-12;

fn cases() -> Vec<(String, Vec<PredictionRecord>, Evaluation, Value)> {
    let inputs: Vec<Value> =
        serde_json::from_str(include_str!("fixtures/metrics/input.json")).unwrap();
    let mut expected = expected();
    let expected: Vec<Value> = serde_json::from_value(expected["cases"].take()).unwrap();
    assert_eq!(inputs.len(), expected.len());
    assert!(inputs.len() >= 12);
    inputs
        .into_iter()
        .zip(expected)
        .map(|(mut input, expected)| {
            assert_eq!(input["name"], expected["name"]);
            let class_names: Vec<String> =
                serde_json::from_value(input["class_names"].take()).unwrap();
            let records: Vec<PredictionRecord> =
                serde_json::from_value(input["records"].take()).unwrap();
            let evaluation = evaluate(&records, &class_names).unwrap();
            (input["name"].as_str().unwrap().to_string(), records, evaluation, expected)
        })
        .collect()
}

fn expected() -> Value {
    serde_json::from_str(include_str!("fixtures/metrics/expected.json")).unwrap()
}

#[track_caller]
fn assert_near(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: no number"));
    let bound = TOLERANCE * expected.abs().max(1.0);
    assert!((found - expected).abs() <= bound, "{what}: {found}, expected {expected}");
}

#[test]
fn counts_are_those_of_scikit_learn() {
    for (name, records, evaluation, expected) in cases() {
        assert_eq!(evaluation.n, records.len(), "{name}");
        assert_eq!(Some(evaluation.correct as u64), expected["correct"].as_u64(), "{name}");
        assert_near(evaluation.accuracy.value, &expected["accuracy"], &name);
        let matrix: Vec<Vec<usize>> =
            serde_json::from_value(expected["confusion_matrix"].clone()).unwrap();
        assert_eq!(evaluation.confusion_matrix, matrix, "{name}");
        let top5 = evaluation.top5.map(|top5| top5.correct as u64);
        assert_eq!(top5, expected["top5_correct"].as_u64(), "{name}");
    }
}

#[test]
fn precision_recall_and_f1_are_those_of_scikit_learn() {
    for (name, _, evaluation, expected) in cases() {
        for (class, found) in evaluation.per_class.iter().enumerate() {
            let what = format!("{name}, {}", found.name);
            let expected = &expected["per_class"];
            assert_near(found.precision, &expected["precision"][class], &what);
            assert_near(found.recall, &expected["recall"][class], &what);
            assert_near(found.f1, &expected["f1"][class], &what);
            assert_eq!(Some(found.support as u64), expected["support"][class].as_u64(), "{what}");
        }
        for (kind, found) in
            [("macro", evaluation.macro_avg), ("weighted", evaluation.weighted_avg)]
        {
            let what = format!("{name}, {kind}");
            assert_near(found.precision, &expected[kind]["precision"], &what);
            assert_near(found.recall, &expected[kind]["recall"], &what);
            assert_near(found.f1, &expected[kind]["f1"], &what);
            assert_eq!(found.support, evaluation.n, "{what}");
        }
    }
}

#[test]
fn log_loss_and_probabilities_are_those_of_scipy() {
    for (name, records, evaluation, expected) in cases() {
        assert_near(evaluation.log_loss, &expected["log_loss"], &name);
        for (found, expected) in softmax(&records[0].logits)
            .iter()
            .zip(expected["first_probabilities"].as_array().unwrap())
        {
            assert_near(*found, expected, &name);
        }
    }
}

#[test]
fn wilson_intervals_are_those_of_scipy() {
    let expected = expected();
    let rows = expected["wilson"].as_array().unwrap();
    assert!(rows.len() >= 16);
    for row in rows {
        let (correct, n) = (row[0].as_u64().unwrap() as usize, row[1].as_u64().unwrap() as usize);
        let (low, high) = wilson_interval(correct, n);
        assert_near(low, &row[2], &format!("{correct}/{n} low"));
        assert_near(high, &row[3], &format!("{correct}/{n} high"));
    }
}

#[test]
fn calibration_and_temperatures_are_those_of_scikit_learn_and_scipy() {
    let mut fitted = 0;
    for (name, records, evaluation, expected) in cases() {
        let class = |label: &str| {
            evaluation.per_class.iter().position(|class| class.name == label).unwrap()
        };
        let photos: Vec<_> =
            records.iter().map(|record| (record.logits.as_slice(), class(&record.label))).collect();
        for (key, temperature) in [("calibration", 1.0), ("cooled", 2.5)] {
            let (found, expected) =
                (calibration(photos.iter().copied(), temperature), &expected[key]);
            let error = &expected["expected_calibration_error"];
            assert_near(found.expected_calibration_error, error, &format!("{name}, {key}"));
            assert_near(found.brier_score, &expected["brier_score"], &format!("{name}, {key}"));
            let counts: Vec<u64> = found.bins.iter().map(|bin| bin.n as u64).collect();
            assert_eq!(serde_json::json!(counts), expected["counts"], "{name}, {key}");
        }
        let temperature = fit_temperature(&photos);
        match expected["temperature"].as_f64() {
            Some(expected) => {
                assert!(
                    (temperature.value - expected).abs() < 1e-9,
                    "{name}: {temperature:?}, {expected}"
                );
                assert_eq!(temperature.not_fitted, None, "{name}");
                fitted += 1;
            }
            None => assert!(temperature.value == 1.0 && temperature.not_fitted.is_some(), "{name}"),
        }
    }
    assert!(fitted >= 3, "{fitted}");
}

#[test]
fn paired_tests_are_those_of_statsmodels() {
    let expected = expected();
    let whole = |value: &Value| value.as_u64().unwrap() as usize;
    for row in expected["paired"].as_array().unwrap() {
        // statsmodels sums the tail with the incomplete beta function, which is accurate to 1e-11
        // for counts in the tens of thousands.
        let found = mcnemar_p(whole(&row[0]), whole(&row[1]));
        let expected = row[2].as_f64().unwrap();
        assert!((found - expected).abs() <= 1e-10 * expected, "{row}: {found}");
    }
    for row in expected["holm"].as_array().unwrap() {
        let p_values: Vec<f64> = serde_json::from_value(row[0].clone()).unwrap();
        let found = holm(&p_values);
        assert_eq!(found.len(), row[1].as_array().unwrap().len());
        for (found, expected) in found.iter().zip(row[1].as_array().unwrap()) {
            assert_near(*found, expected, &row.to_string());
        }
    }
    for row in expected["power"].as_array().unwrap() {
        let found = photos_to_separate(whole(&row[0]), whole(&row[1]), whole(&row[2]));
        assert_eq!(found, Some(whole(&row[3])), "{row}");
    }
}

#[test]
fn an_evaluation_survives_its_file() {
    for (name, _, evaluation, _) in cases() {
        let text = serde_json::to_string_pretty(&evaluation).unwrap();
        assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), evaluation, "{name}");
    }
}
