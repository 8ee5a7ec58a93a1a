//! Compares scores and thresholds with numpy and scipy. `tools/fixtures/unknown.py` makes the
//! fixture; the versions are beside it.

use kennel_unknown::{Gaussian, Moments, Unknown};
use proptest::prelude::*;
use serde::Deserialize;

/// Relative. Axes and variances are kept in f32, and Student's quantile is an expansion.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Input {
    train: Vec<Vec<f32>>,
    val: Vec<Vec<f32>>,
    unknown: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Expected {
    mean: Vec<f64>,
    variances: Vec<f64>,
    rest: f64,
    val: Vec<f64>,
    unknown: Vec<f64>,
    shares: Vec<f64>,
    thresholds: Vec<f64>,
}

fn input() -> Input {
    serde_json::from_str(include_str!("fixtures/unknown/input.json")).unwrap()
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("fixtures/unknown/expected.json")).unwrap()
}

fn moments(rows: &[Vec<f32>]) -> Moments {
    let mut moments = Moments::new(rows[0].len());
    moments.push(&rows.concat());
    moments
}

#[track_caller]
fn assert_near(found: f64, expected: f64, what: &str) {
    let bound = TOLERANCE * expected.abs();
    assert!((found - expected).abs() <= bound, "{what}: {found}, expected {expected}");
}

#[test]
fn scores_are_those_of_numpy() {
    let (input, expected) = (input(), expected());
    let gaussian = Gaussian::of(&moments(&input.train));
    assert_eq!(gaussian.variances.len(), 6);
    for (found, expected) in gaussian.variances.iter().zip(&expected.variances) {
        assert_near(f64::from(*found), *expected, "variance");
    }
    assert_near(f64::from(gaussian.rest), expected.rest, "variance outside the axes");
    for (found, expected) in gaussian.mean.iter().zip(&expected.mean) {
        assert_near(f64::from(*found), *expected, "mean");
    }
    let rows = input.val.iter().zip(expected.val).chain(input.unknown.iter().zip(expected.unknown));
    for (row, expected) in rows {
        assert_near(gaussian.score(row), expected, "score");
    }
}

#[test]
fn thresholds_are_those_of_scipy_and_unknown_photos_lie_above() {
    let (input, expected) = (input(), expected());
    let train = moments(&input.train);
    for (share, threshold) in expected.shares.into_iter().zip(expected.thresholds) {
        let unknown = Unknown::fit(&train, &input.val.concat(), share).unwrap();
        assert_near(unknown.threshold, threshold, "threshold");
        assert!(input.unknown.iter().all(|row| unknown.refuses(unknown.known.score(row))));
    }
}

#[test]
fn the_same_rows_give_the_same_bits_with_one_thread_and_with_two() {
    let rows = input().train;
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Gaussian::of(&moments(&rows)))
    };
    assert_eq!(with(1), with(2));
}

proptest! {
    #[test]
    fn a_photo_twice_as_far_from_the_mean_has_four_times_the_score(
        features in prop::collection::vec(-100.0_f32..100.0, 24),
    ) {
        let gaussian = Gaussian::of(&moments(&input().train));
        let at = |by: f32| -> f64 {
            let row: Vec<f32> =
                features.iter().zip(&gaussian.mean).map(|(x, mean)| mean + by * x).collect();
            gaussian.score(&row)
        };
        let (near, far) = (at(1.0), at(2.0));
        prop_assert!(near >= 0.0);
        prop_assert!((far - 4.0 * near).abs() <= 1e-3 * far.max(1e-3), "{} and {}", near, far);
    }
}
