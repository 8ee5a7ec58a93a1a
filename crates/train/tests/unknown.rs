//! A run that learns what known photos look like tells others, and is otherwise the same run.

#[path = "common/photos.rs"]
mod photos;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::task::Event;
use kennel_core::{RunDir, Settings, Strategy, Task};
use kennel_data::Named;
use kennel_infer::{Compute, LearntUnknown, Photos, Predictor, Row, label, read_unknown};
use kennel_train::{TrainError, TrainOptions, resume, train};
use photos::{draw_photos, small_config};

fn options() -> TrainOptions {
    TrainOptions::new(Compute::cpu())
}

fn trained(config: &Settings, runs: &Path) -> RunDir {
    train(config, runs, &options(), Task::unwatched()).unwrap().run
}

fn config(data: &Path) -> Settings {
    Settings { unknown_share: Some(0.05), ..small_config(data, Strategy::Freeze, 2) }
}

/// Labels photos that are noise from edge to edge.
fn label_noise(run: &RunDir, folder: &Path) -> Vec<Row> {
    let draw = |index: u32| {
        let path = folder.join(format!("noise-{index}.png"));
        let level = |x: u32, y: u32, c: u32| {
            let place = ((index * 3 + c) * 64 + y) * 64 + x;
            (place.wrapping_mul(2_654_435_761) >> 13) as u8
        };
        let noise = |x, y| image::Rgb([level(x, y, 0), level(x, y, 1), level(x, y, 2)]);
        image::RgbImage::from_fn(64, 64, noise).save(&path).unwrap();
        path
    };
    let noise = Photos::Named(Named::new((0..8).map(draw).collect()));
    let mut model = Predictor::of_run(run, &Compute::cpu()).unwrap();
    label(&mut model, noise, Task::unwatched()).flat_map(|rows| rows.unwrap()).collect()
}

#[test]
fn a_run_that_can_tell_unknown_photos_is_otherwise_the_run_that_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [16, 6, 6]);
    let with = trained(&config(&data), &dir.path().join("with"));
    let plain = Settings { unknown_share: None, ..config(&data) };
    let without = trained(&plain, &dir.path().join("without"));
    for file in ["checkpoints/best.safetensors", "predictions/val.jsonl", "predictions/test.jsonl"]
        .into_iter()
        .chain(["evaluation.json", "manifest.json"])
    {
        let read = |run: &RunDir| std::fs::read(run.path().join(file)).unwrap();
        assert!(read(&with) == read(&without), "{file} differs");
    }
    assert!(!without.unknown().exists());
    assert!(!std::fs::read_to_string(without.config()).unwrap().contains("unknown"));

    let LearntUnknown { unknown, facts, .. } = read_unknown(&with).unwrap().unwrap();
    assert_eq!((unknown.share, facts.val.n, facts.test.unwrap().n), (0.05, 12, 12));
    let (told, untold) = (label_noise(&with, dir.path()), label_noise(&without, dir.path()));
    for (told, untold) in told.iter().zip(&untold) {
        assert_eq!(told.scores.as_ref().unwrap(), untold.scores.as_ref().unwrap());
        assert_eq!(untold.unknown, None);
        assert!(
            told.unknown.unwrap().is_unknown,
            "{:?}, above {}",
            told.unknown,
            unknown.threshold
        );
    }
}

#[test]
fn a_stopped_run_ends_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [16, 6, 6]);
    let whole = trained(&config(&data), &dir.path().join("whole"));
    // Stopped while it looks at the known photos.
    let stop = AtomicBool::new(false);
    let on = |event: Event<'_>| {
        if matches!(event, Event::Pass { what, .. } if what.starts_with("known photos")) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let task = Task::new(&stop, &on);
    let Err(TrainError::Interrupted { run, .. }) =
        train(&config(&data), &dir.path().join("stopped"), &options(), task)
    else {
        panic!("it did not stop")
    };
    assert!(!run.unknown().exists());
    let resumed = resume(run, None, &options(), Task::unwatched()).unwrap().run;
    let read = |run: &RunDir| std::fs::read(run.unknown()).unwrap();
    assert!(read(&whole) == read(&resumed));
}

#[test]
fn each_class_stands_in_for_unknown_photos_if_enough_others_are_left() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    let facts = |photos, runs| {
        draw_photos(&data, photos);
        let run = trained(&config(&data), &dir.path().join(runs));
        read_unknown(&run).unwrap().unwrap().facts
    };
    // Ten validation photos of the other class give a threshold, six do not.
    assert_eq!(facts([16, 6, 2], "few").left_out, []);
    let facts = facts([16, 10, 2], "more");
    let [checked, striped] = &facts.left_out[..] else { panic!("{facts:?}") };
    assert_eq!((checked.name.as_str(), checked.refused.n), ("checked", 10));
    assert_eq!((striped.name.as_str(), striped.refused.n), ("striped", 10));
    // Unlike in name only, they are refused far more often than the share of known photos.
    assert!(checked.refused.value > 0.5 && striped.refused.value > 0.5, "{facts:?}");
}

#[test]
fn too_few_photos_begin_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [16, 4, 2]);
    let runs = dir.path().join("runs");
    let error = train(&config(&data), &runs, &options(), Task::unwatched()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown photos cannot be told: 8 validation photos, expected at least 10"
    );
    assert!(!runs.exists());
}

#[test]
fn a_network_that_is_trained_as_a_whole_tells_unknown_photos_as_it_did_before() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [16, 6, 6]);
    let first = trained(&config(&data), &dir.path().join("first"));
    let frozen = Settings { weights: first.path().to_str().unwrap().into(), ..config(&data) };
    let strategy = |strategy: Strategy| Settings { method: strategy.into(), ..frozen.clone() };
    let of = |settings: &Settings| trained(settings, &dir.path().join("runs"));
    let [frozen, partial, full] = [
        of(&strategy(Strategy::Freeze)),
        // One of the two late stages.
        of(&Settings {
            unfreeze: vec!["layer4".into(), "fc".into()],
            ..strategy(Strategy::Partial)
        }),
        of(&Settings { learning_rate: 1e-2, ..strategy(Strategy::Full) }),
    ];
    let learnt = |run: &RunDir| read_unknown(run).unwrap().unwrap();
    assert_eq!(learnt(&frozen).unknown, learnt(&full).unknown);
    let has_trunk =
        |run: &RunDir| learnt(run).trunk(run, Compute::cpu().device()).unwrap().is_some();
    assert_eq!([&frozen, &partial, &full].map(has_trunk), [false, false, true]);
    let scores = |run: &RunDir| -> Vec<f64> {
        let rows = label_noise(run, dir.path());
        rows.iter().map(|row| row.unknown.unwrap().score).collect()
    };
    assert_eq!(scores(&frozen), scores(&full));
}
