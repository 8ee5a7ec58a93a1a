//! Properties of every head.

use kennel_core::{Stopped, Task};
use kennel_probe::{
    CrossValidation, CurvePoint, Errors, LearningCurve, Photos, ProbeError, Thinned,
    cross_validate, fit, learning_curve, learning_curve_by_class,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Rows of features with their classes.
#[derive(Clone, Debug)]
struct Data {
    width: usize,
    classes: usize,
    features: Vec<f32>,
    labels: Vec<usize>,
}

impl Data {
    fn photos(&self) -> Photos<'_> {
        Photos::new(&self.features, self.width, &self.labels, self.classes).unwrap()
    }

    fn all(&self) -> Vec<usize> {
        (0..self.labels.len()).collect()
    }
}

fn data() -> impl Strategy<Value = Data> {
    (2usize..40, 1usize..24, 2usize..6).prop_flat_map(|(photos, width, classes)| {
        (vec(-4f32..4.0, photos * width), vec(0..classes, photos))
            .prop_map(move |(features, labels)| Data { width, classes, features, labels })
    })
}

fn strength() -> impl Strategy<Value = f64> {
    (-1.0..3.0).prop_map(|exponent| 10_f64.powf(exponent))
}

fn logits(data: &Data, l2: f64) -> Vec<f32> {
    let fit = fit(&data.photos(), &data.all(), l2, Task::unwatched()).unwrap();
    fit.head.logits(&data.features).unwrap()
}

fn on_threads<T: Send>(threads: usize, job: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(job)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_gradient_at_a_head_is_almost_zero(data in data(), l2 in strength()) {
        let fit = fit(&data.photos(), &data.all(), l2, Task::unwatched()).unwrap();
        prop_assert!(fit.gradient <= 1e-7, "{} after {}", fit.gradient, fit.evaluations);
    }

    #[test]
    fn the_order_of_photos_does_not_matter(data in data(), l2 in strength(), shift in 0usize..40) {
        let n = data.labels.len();
        let order: Vec<usize> = (0..n).map(|at| (at + shift) % n).rev().collect();
        let moved = Data {
            features: order.iter().flat_map(|&at| data.features[at * data.width..][..data.width].to_vec()).collect(),
            labels: order.iter().map(|&at| data.labels[at]).collect(),
            ..data.clone()
        };
        let (before, after) = (logits(&data, l2), logits(&moved, l2));
        for (place, &photo) in order.iter().enumerate() {
            for class in 0..data.classes {
                let (before, after) = (before[photo * data.classes + class], after[place * data.classes + class]);
                prop_assert!((before - after).abs() < 1e-4, "{before} {after}");
            }
        }
    }

    #[test]
    fn a_constant_feature_changes_nothing(data in data(), l2 in strength(), constant in -1e3f32..1e3) {
        let rows = data.features.chunks(data.width);
        let wider = Data {
            features: rows.flat_map(|row| row.iter().copied().chain([constant])).collect(),
            width: data.width + 1,
            ..data.clone()
        };
        for (before, after) in logits(&data, l2).iter().zip(logits(&wider, l2)) {
            prop_assert!((before - after).abs() < 1e-4, "{before} {after}");
        }
    }

    #[test]
    fn views_that_repeat_their_photos_change_nothing(data in data(), l2 in strength()) {
        let doubled = data.photos().with_views(&data.features, &data.all()).unwrap();
        let twice = fit(&doubled, &data.all(), l2, Task::unwatched()).unwrap().head;
        for (once, twice) in logits(&data, l2).iter().zip(twice.logits(&data.features).unwrap()) {
            prop_assert!((once - twice).abs() < 1e-4, "{once} {twice}");
        }
    }

    #[test]
    fn every_photo_is_predicted_from_the_other_folds_only(data in data(), folds in 2usize..5, bent in 0usize..40) {
        let n = data.labels.len();
        let folds: Vec<usize> = (0..n).map(|photo| photo % folds.min(n)).collect();
        let options = CrossValidation { l2: vec![10.0] };
        let out_of_fold = |data: &Data| {
            cross_validate(&data.photos(), &folds, &options, &data.all(), Task::unwatched()).unwrap().out_of_fold
        };
        // Another label for one photo: the logits of its own fold stay.
        let mut other = data.clone();
        let bent = bent % n;
        other.labels[bent] = (other.labels[bent] + 1) % data.classes;
        let (before, after) = (out_of_fold(&data), out_of_fold(&other));
        for photo in (0..n).filter(|&photo| folds[photo] == folds[bent]) {
            let at = photo * data.classes..(photo + 1) * data.classes;
            prop_assert_eq!(&before[at.clone()], &after[at]);
        }
        prop_assert!(before.iter().all(|logit| logit.is_finite()));
    }
}

/// Classes around centres, with noise; the same for every call.
fn blobs(photos: usize, width: usize, classes: usize) -> Data {
    let value = |at: usize| {
        let mixed = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        (mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let labels: Vec<usize> = (0..photos).map(|photo| photo % classes).collect();
    let features = (0..photos * width).map(|at| {
        let centre = value(usize::MAX / 2 + labels[at / width] * width + at % width);
        0.5 * centre + 2.0 * value(at)
    });
    Data { width, classes, features: features.collect(), labels }
}

#[test]
fn one_thread_and_four_give_the_same_bits() {
    let data = blobs(1000, 70, 5);
    let folds: Vec<usize> = (0..1000).map(|photo| photo / 5 % 3).collect();
    let job = || {
        let options = CrossValidation::default();
        cross_validate(&data.photos(), &folds, &options, &data.all(), Task::unwatched()).unwrap()
    };
    let (one, four) = (on_threads(1, job), on_threads(4, job));
    assert_eq!(one, four);
    assert!(one.strengths.len() > 3 && one.strength().accuracy > 0.3, "{:?}", one.strengths);
}

#[test]
fn the_chosen_strength_has_the_least_loss() {
    let data = blobs(300, 40, 4);
    let folds: Vec<usize> = (0..300).map(|photo| photo / 4 % 5).collect();
    let options = CrossValidation::default();
    let found =
        cross_validate(&data.photos(), &folds, &options, &data.all(), Task::unwatched()).unwrap();
    let least = found.strengths.iter().map(|strength| strength.loss).fold(f64::INFINITY, f64::min);
    assert_eq!(found.strength().loss, least);
    assert!(found.chosen > 0 && found.strengths.len() < options.l2.len(), "{:?}", found.strengths);
    // The head is the one that `fit` finds from nothing.
    let cold = fit(&data.photos(), &data.all(), found.strength().l2, Task::unwatched()).unwrap();
    for (warm, cold) in found.fit.head.weights.iter().zip(&cold.head.weights) {
        assert!((warm - cold).abs() < 1e-5, "{warm} {cold}");
    }
}

#[test]
fn a_class_that_only_the_fold_has_costs_a_finite_loss() {
    let mut data = blobs(40, 6, 2);
    data.classes = 4;
    data.labels[7] = 2;
    let folds: Vec<usize> = (0..40).map(|photo| photo % 4).collect();
    let options = CrossValidation::default();
    let found =
        cross_validate(&data.photos(), &folds, &options, &data.all(), Task::unwatched()).unwrap();
    assert!(found.out_of_fold.iter().all(|logit| logit.is_finite()));
    // Seven of 40 is in the fold of 10 that 30 others judge: about 1 in 32 for the unseen class.
    let logits = &found.out_of_fold[7 * 4..8 * 4];
    let total: f32 = logits.iter().map(|logit| logit.exp()).sum();
    let share = logits[2].exp() / total;
    assert!((0.01..0.06).contains(&share), "{share}");
    // Class 3 has no photo at all.
    assert!(found.fit.head.weights[3 * 6..].iter().all(|&weight| weight == 0.0));
}

#[test]
fn what_cannot_be_fitted_is_named() {
    let data = blobs(4, 2, 2);
    let photos = data.photos();
    let error = |result: Result<_, ProbeError>| result.err().unwrap().to_string();
    let task = Task::unwatched();
    assert_eq!(error(fit(&photos, &[], 1.0, task)), "there are no photos to fit a head on");
    assert_eq!(error(fit(&photos, &[4], 1.0, task)), "photo 4 of 4, counted from 0");
    assert_eq!(
        error(fit(&photos, &[0], 0.0, task)),
        "the strength of the penalty is 0, expected a finite number above 0"
    );
    let options = CrossValidation::default();
    let validated = |folds: &[usize]| {
        cross_validate(&photos, folds, &options, &[0], task).err().unwrap().to_string()
    };
    assert_eq!(
        validated(&[3; 4]),
        "all photos are in one fold; a fold is judged by the photos outside it"
    );
    assert_eq!(validated(&[0, 1]), "2 fold numbers, expected 4");
    let nan = [0.0, f32::NAN, 1.0, 1.0];
    assert_eq!(
        Photos::new(&nan, 2, &[0, 1], 2).err().unwrap().to_string(),
        "feature 1 of row 0 is NaN, expected a finite number"
    );
}

#[test]
fn a_learning_curve_thins_what_it_is_asked_to() {
    let data = blobs(500, 40, 4);
    let folds: Vec<usize> = (0..500).map(|photo| photo / 4 % 5).collect();
    let curve = |thinned| {
        learning_curve(&data.photos(), &folds, thinned, 100.0, 42, Task::unwatched()).unwrap()
    };
    let sizes = |thinned| curve(thinned).points.iter().map(|p| p.photos).collect::<Vec<_>>();
    assert_eq!(sizes(Thinned::All), [52.0, 100.0, 200.0, 300.0, 400.0]);
    assert_eq!(sizes(Thinned::Class(2)), [13.0, 25.0, 50.0, 75.0, 100.0]);
    let (all, one) = (curve(Thinned::All), curve(Thinned::Class(2)));
    // With all photos, both are cross-validation.
    assert_eq!(all.points[4], CurvePoint { photos: 400.0, ..one.points[4].clone() });
    let wrong = |curve: &LearningCurve, at, whose| curve.errors(at, whose).0;
    assert!(wrong(&all, 0, Errors::Overall) > wrong(&all, 4, Errors::Overall));
    assert!(wrong(&one, 0, Errors::OfClass(2)) > wrong(&one, 4, Errors::OfClass(2)));
}

#[test]
fn half_of_a_class_is_compared_with_all_of_it() {
    let data = blobs(500, 40, 4);
    let folds: Vec<usize> = (0..500).map(|photo| 10 * (photo / 4 % 5)).collect();
    let (photos, task) = (data.photos(), Task::unwatched());
    let (curve, halved) = learning_curve_by_class(&photos, &folds, 100.0, 42, task).unwrap();
    assert_eq!(curve, learning_curve(&photos, &folds, Thinned::All, 100.0, 42, task).unwrap());
    assert_eq!(halved.len(), 4);
    for found in &halved {
        assert_eq!((found.photos, found.half), (100.0, 50.0));
        let of = |whose| curve.errors(4, whose);
        let (class, all) = (found.of_class, found.overall);
        assert_eq!((class.with_all, class.judged), of(Errors::OfClass(found.class)));
        assert_eq!((all.with_all, all.judged), of(Errors::Overall));
        let fewer = class.with_half as f64 - class.with_all as f64;
        assert_eq!(class.value, fewer / 125.0);
        assert!(class.low <= class.value && class.value <= class.high, "{found:?}");
    }
    assert!(halved.iter().map(|found| found.of_class.value).sum::<f64>() > 0.0, "{halved:?}");
    let by_fold = curve.errors_by_fold(0, Errors::Overall);
    assert_eq!(by_fold.iter().map(|of| of.0).sum::<usize>(), curve.errors(0, Errors::Overall).0);
    assert!(by_fold.iter().all(|of| of.1 == 100));
}

#[test]
fn a_class_does_not_lose_by_being_rarer() {
    let mut data = blobs(400, 20, 4);
    // Every photo of class 1 shows the same.
    let (first, rest) = data.features.split_at_mut(2 * 20);
    for photo in rest.chunks_exact_mut(20).skip(3).step_by(4) {
        photo.copy_from_slice(&first[20..]);
    }
    let folds: Vec<usize> = (0..400).map(|photo| photo / 4 % 5).collect();
    let task = Task::unwatched();
    let (_, halved) = learning_curve_by_class(&data.photos(), &folds, 1000.0, 1, task).unwrap();
    let found = &halved[1];
    assert_eq!((found.of_class.value, found.of_class.low, found.of_class.high), (0.0, 0.0, 0.0));
    assert!(found.overall.value.abs() < 0.01, "{found:?}");
}

#[test]
fn a_stopped_task_stops_everything() {
    let data = blobs(60, 8, 3);
    let folds: Vec<usize> = (0..60).map(|photo| photo % 2).collect();
    let stop = std::sync::atomic::AtomicBool::new(true);
    let task = Task::new(&stop, &|_| {});
    let stopped = Some(ProbeError::Stopped(Stopped));
    assert_eq!(fit(&data.photos(), &data.all(), 1.0, task).err(), stopped);
    let options = CrossValidation::default();
    assert_eq!(cross_validate(&data.photos(), &folds, &options, &[0], task).err(), stopped);
    assert_eq!(learning_curve(&data.photos(), &folds, Thinned::All, 1.0, 1, task).err(), stopped);
}
