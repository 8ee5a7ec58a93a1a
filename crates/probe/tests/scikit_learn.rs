//! Compares heads with scikit-learn's. `tools/fixtures/probe.py` makes the fixture; the versions
//! are beside it.

use kennel_core::Task;
use kennel_probe::{Head, Photos, fit};
use serde::Deserialize;

/// Both sides stop where the gradient is tiny; the difference is what that leaves open, and the
/// rounding of the head to f32.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Case {
    name: String,
    width: usize,
    classes: usize,
    features: Vec<Vec<f32>>,
    labels: Vec<usize>,
    weights: Vec<f64>,
    heads: Vec<Expected>,
}

/// A head over standardised features.
#[derive(Deserialize)]
struct Expected {
    l2: f64,
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("fixtures/probe/cases.json")).unwrap()
}

/// Mean and standard deviation of each column.
fn units(case: &Case) -> Vec<(f64, f64)> {
    let n = case.features.len() as f64;
    let column = |at: usize| case.features.iter().map(move |row| f64::from(row[at]));
    let unit = |at: usize| {
        let mean = column(at).sum::<f64>() / n;
        (mean, (column(at).map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
    };
    (0..case.width).map(unit).collect()
}

/// Weights and biases over standardised features, biases about their mean.
fn standardised(head: &Head, units: &[(f64, f64)]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let rows = head.weights.chunks_exact(head.width);
    let weights = rows.clone().map(|row| {
        row.iter().zip(units).map(|(&weight, (_, std))| f64::from(weight) * std).collect()
    });
    let bias: Vec<f64> = rows
        .zip(&head.bias)
        .map(|(row, &bias)| {
            let shift = row.iter().zip(units).map(|(&weight, (mean, _))| f64::from(weight) * mean);
            f64::from(bias) + shift.sum::<f64>()
        })
        .collect();
    let mean = bias.iter().sum::<f64>() / bias.len() as f64;
    (weights.collect(), bias.iter().map(|bias| bias - mean).collect())
}

#[test]
fn heads_are_those_of_scikit_learn() {
    let cases = cases();
    assert!(cases.len() >= 6);
    for case in cases {
        let features: Vec<f32> = case.features.concat();
        let photos = Photos::new(&features, case.width, &case.labels, case.classes).unwrap();
        let photos = photos.with_weights(case.weights.clone()).unwrap();
        let all: Vec<usize> = (0..case.labels.len()).collect();
        let units = units(&case);
        for expected in &case.heads {
            let what = format!("{}, l2 {}", case.name, expected.l2);
            let found = fit(&photos, &all, expected.l2, Task::unwatched()).unwrap();
            assert!(found.gradient <= 1e-7, "{what}: gradient {}", found.gradient);
            let (weights, bias) = standardised(&found.head, &units);
            let found = weights.concat().into_iter().chain(bias);
            let expected = expected.weights.concat().into_iter().chain(expected.bias.clone());
            for (at, (found, expected)) in found.zip(expected).enumerate() {
                let is_near = (found - expected).abs() < TOLERANCE;
                assert!(is_near, "{what}: coefficient {at} is {found}, expected {expected}");
            }
        }
    }
}
