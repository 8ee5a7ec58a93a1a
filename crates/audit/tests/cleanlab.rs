//! Compares confident learning and distances with cleanlab. `tools/fixtures/audit.py` makes the
//! fixtures; the versions are beside them.

use kennel_audit::{
    Features, JudgedPhoto, JudgedPhotos, NEIGHBOURS, audit, confident_joint, confident_thresholds,
    label_issues, neighbour_distances,
};
use serde::Deserialize;

/// Both sides compute in f64 and differ in the order of sums. Counts must be equal.
const TOLERANCE: f64 = 1e-12;
/// Distances are computed from features in f32.
const DISTANCE_TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct LabelsCase {
    name: String,
    labels: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    thresholds: Vec<f64>,
    joint: Vec<Vec<usize>>,
    calibrated: Vec<Vec<usize>>,
    issues: Vec<bool>,
    self_confidence: Vec<f64>,
    wrong: usize,
    overlapping: Vec<(usize, usize, usize)>,
}

#[derive(Deserialize)]
struct FeaturesCase {
    name: String,
    width: usize,
    features: Vec<Vec<f32>>,
    scores: Vec<f64>,
}

/// Calls `check` with every case.
fn with_cases(check: impl Fn(&LabelsCase, &JudgedPhotos)) {
    let cases: Vec<LabelsCase> =
        serde_json::from_str(include_str!("fixtures/audit/labels.json")).unwrap();
    assert!(cases.len() >= 9);
    for case in &cases {
        let class_names: Vec<String> =
            (0..case.probabilities[0].len()).map(|class| format!("c{class}")).collect();
        let paths: Vec<String> = (0..case.labels.len()).map(|at| format!("{at}.jpg")).collect();
        let photos: Vec<JudgedPhoto> = paths
            .iter()
            .zip(&case.labels)
            .map(|(path, &label)| JudgedPhoto { path, label })
            .collect();
        let judged = JudgedPhotos {
            class_names: &class_names,
            photos: &photos,
            probabilities: &case.probabilities.concat(),
            features: None,
            duplicates: &[],
        };
        check(case, &judged);
    }
}

#[test]
fn thresholds_and_joints_are_cleanlabs() {
    with_cases(|LabelsCase { name, expected, .. }, judged| {
        for (found, expected) in confident_thresholds(judged).iter().zip(&expected.thresholds) {
            assert!((found - expected).abs() < TOLERANCE, "{name}: {found}, {expected}");
        }
        let joint = confident_joint(judged);
        assert_eq!(joint.counts, expected.joint, "{name}");
        assert_eq!(joint.calibrated, expected.calibrated, "{name}");
        for &(first, second, overlapping) in &expected.overlapping {
            let both = joint.calibrated[first][second] + joint.calibrated[second][first];
            assert_eq!(both, overlapping, "{name}: {first} and {second}");
        }
    });
}

#[test]
fn the_labels_that_are_listed_are_cleanlabs_in_its_order() {
    with_cases(|LabelsCase { name, labels, expected, .. }, judged| {
        assert_eq!(label_issues(judged, &confident_joint(judged)), expected.issues, "{name}");
        let found = audit(judged).unwrap();
        assert_eq!(found.estimated_wrong.count, expected.wrong, "{name}");
        let mut listed: Vec<usize> =
            (0..labels.len()).filter(|&photo| expected.issues[photo]).collect();
        let scores = &expected.self_confidence;
        listed.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        assert_eq!(found.wrong_labels.len(), listed.len(), "{name}");
        for (wrong, photo) in found.wrong_labels.iter().zip(listed) {
            assert_eq!(wrong.path, format!("{photo}.jpg"), "{name}");
            assert_eq!(wrong.label_probability, scores[photo], "{name}");
        }
    });
}

#[test]
fn distances_to_neighbours_give_cleanlabs_scores() {
    let cases: Vec<FeaturesCase> =
        serde_json::from_str(include_str!("fixtures/audit/features.json")).unwrap();
    assert!(cases.len() >= 4);
    for FeaturesCase { name, width, features, scores } in cases {
        let values = features.concat();
        let distances = neighbour_distances(Features { values: &values, width }, NEIGHBOURS);
        let mut sorted = distances.clone();
        sorted.sort_by(f64::total_cmp);
        let median = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
        for (distance, expected) in distances.iter().zip(&scores) {
            let score = (-distance / median).exp();
            assert!((score - expected).abs() < DISTANCE_TOLERANCE, "{name}: {score}, {expected}");
        }
    }
}
