//! Photos are evaluated in the test view: at a side of its own, averaged with mirror images.

#[path = "common/photos.rs"]
mod photos;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Tensor, TensorData};
use kennel_core::task::Event;
use kennel_core::{HeadFit, RunDir, SchedulerKind, Settings, Split, Strategy, Task, Weights};
use kennel_data::Dataset;
use kennel_data::resize::prepare;
use kennel_infer::{Compute, predict_dataset};
use kennel_models::{Network, load_trained, rows};
use kennel_train::{CacheOptions, TrainError, TrainOptions, evaluate_run, resume, train};
use photos::{draw_photos, small_config};

const TEST_SIDE: u32 = 48;

fn uncached() -> TrainOptions {
    TrainOptions::new(Compute::cpu())
}

fn trained(config: &Settings, runs: &Path) -> RunDir {
    train(config, runs, &uncached(), Task::unwatched()).unwrap().run
}

fn with_view(config: Settings) -> Settings {
    Settings { test_side_px: Some(TEST_SIDE), test_crop_pct: Some(1.0), test_flip: true, ..config }
}

/// The files of a run that decide its result.
fn contents(run: &RunDir) -> Vec<Vec<u8>> {
    let files = ["checkpoints/best.safetensors", "predictions/val.jsonl", "predictions/test.jsonl"];
    files.map(|file| std::fs::read(run.path().join(file)).unwrap()).into()
}

#[test]
fn logits_are_the_mean_of_two_passes_at_the_test_side() {
    let dir = tempfile::tempdir().unwrap();
    let (data, runs) = (dir.path().join("photos"), dir.path().join("runs"));
    draw_photos(&data, [8, 3, 3]);
    let run = trained(&with_view(small_config(&data, Strategy::Full, 1)), &runs);

    let compute = Compute::cpu();
    let (network, record) = load_trained(&run, compute.device()).unwrap();
    let view = record.settings.test_view();
    assert_eq!(view.preprocessing.side_px, TEST_SIDE);
    let side = TEST_SIDE as usize;
    let pass = |network: &Network, pixels: Vec<f32>| {
        let data = TensorData::new(pixels, [1, 3, side, side]);
        rows(network.infer(Tensor::from_data(data, compute.device()))).remove(0)
    };
    let photos = Dataset::open(&data).unwrap();
    let manifest = run.read_manifest().unwrap();
    let classes = &record.facts.class_names;
    let found = run.read_predictions(Split::Test, classes, &manifest).unwrap().unwrap();
    assert_eq!(found.len(), 6);
    for (found, photo) in found.iter().zip(photos.photos(Split::Test).iter()) {
        let pixels = prepare(&photo.read().unwrap(), &view.preprocessing);
        let mirrored: Vec<f32> =
            pixels.chunks(side).flat_map(|row| row.iter().rev().copied()).collect();
        let (one, other) = (pass(&network, pixels), pass(&network, mirrored));
        assert_ne!(one, other, "the mirror image is another photo");
        let mean: Vec<f32> = one.iter().zip(&other).map(|(a, b)| (a + b) / 2.0).collect();
        assert_eq!(found.logits, mean);
    }
    let again =
        predict_dataset(&run, &data, Some(Split::Test), &compute, Task::unwatched()).unwrap();
    assert_eq!(Some(again), evaluate_run(&run).unwrap().test);
}

#[test]
fn a_run_ends_the_same_with_a_cold_a_warm_and_no_cache_and_when_it_is_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let (data, runs) = (dir.path().join("photos"), dir.path().join("runs"));
    draw_photos(&data, [9, 4, 3]);
    let of =
        |strategy| Settings { feature_views: 1, ..with_view(small_config(&data, strategy, 2)) };
    let unfreeze = ["layer3", "layer4", "fc"].map(String::from).into();
    for (name, config) in [
        ("freeze", of(Strategy::Freeze)),
        ("convex", Settings { head: HeadFit::Convex, epochs: 1, ..of(Strategy::Freeze) }),
        ("partial", Settings { unfreeze, ..of(Strategy::Partial) }),
    ] {
        let cache = CacheOptions { dir: dir.path().join(name), max_bytes: 1 << 30 };
        let options = TrainOptions { cache: Some(cache), ..uncached() };
        let passes = Mutex::new(Vec::new());
        let stop = AtomicBool::new(false);
        let on = |event: Event<'_>| {
            if let Event::Pass { what, done, of } = event
                && let Some(part) = what.strip_prefix("features of ")
                && done == of
            {
                passes.lock().unwrap().push(part.to_string());
            }
        };
        let run = || train(&config, &runs, &options, Task::new(&stop, &on)).unwrap().run;
        let cold = run();
        let mut parts = std::mem::take(&mut *passes.lock().unwrap());
        parts.sort();
        let mut expected = vec!["test-48px-1", "test-48px-1-mirrored", "train-0"];
        expected.extend(["val-48px-1", "val-48px-1-mirrored"]);
        if name == "convex" {
            expected.extend(["train-48px-1", "train-48px-1-mirrored"]);
            expected.sort();
        }
        assert_eq!(parts, expected, "{name}");
        let warm = run();
        assert!(passes.lock().unwrap().is_empty(), "{name}: nothing is computed again");
        let none = trained(&config, &runs);
        assert!(contents(&cold) == contents(&warm), "{name}: warm");
        assert!(contents(&cold) == contents(&none), "{name}: none");
        if name == "partial" {
            let stop = AtomicBool::new(false);
            let on = |event: Event<'_>| {
                if let Event::Epoch { .. } = event {
                    stop.store(true, Ordering::Relaxed);
                }
            };
            let Err(TrainError::Interrupted { run, epochs: 1 }) =
                train(&config, &runs, &uncached(), Task::new(&stop, &on))
            else {
                panic!("it did not stop")
            };
            let resumed = resume(run, None, &uncached(), Task::unwatched()).unwrap().run;
            assert!(contents(&cold) == contents(&resumed), "{name}: resumed");
        }
    }
}

#[test]
fn training_is_the_same_in_every_view_and_a_plain_run_does_not_name_one() {
    let dir = tempfile::tempdir().unwrap();
    let (data, runs) = (dir.path().join("photos"), dir.path().join("runs"));
    draw_photos(&data, [8, 3, 3]);
    let config =
        Settings { scheduler: SchedulerKind::Constant, ..small_config(&data, Strategy::Full, 2) };
    let flipped = Settings { test_flip: true, ..config.clone() };
    let larger = Settings { test_side_px: Some(TEST_SIDE), ..config.clone() };
    let [plain, flipped, larger] = [config, flipped, larger].map(|config| trained(&config, &runs));
    let last = |run: &RunDir| std::fs::read(run.last_weights()).unwrap();
    let test = |run: &RunDir| std::fs::read(run.predictions(Split::Test)).unwrap();
    for other in [&flipped, &larger] {
        assert!(last(other) == last(&plain));
        assert!(test(other) != test(&plain));
    }
    let text = |run: &RunDir| std::fs::read_to_string(run.config()).unwrap();
    assert!(!text(&plain).contains("\ntest_") && text(&flipped).contains("test_flip = true"));
    assert!(text(&larger).contains("test_side_px = 48"));
}

#[test]
fn a_test_side_that_the_network_does_not_take_begins_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let (data, runs) = (dir.path().join("photos"), dir.path().join("runs"));
    draw_photos(&data, [4, 2, 2]);
    let config = small_config(&data, Strategy::Freeze, 1);
    let model = "vit_tiny_patch16_224".to_string();
    let tokens = Settings { model, weights: Weights::Random, ..config.clone() };
    for (config, said) in [
        (Settings { test_side_px: Some(40), ..tokens }, "multiple of 16 px, not 40 px"),
        (Settings { test_side_px: Some(16), ..config.clone() }, "test_side_px is 16"),
        (Settings { test_crop_pct: Some(0.9), ..config }, "test_crop_pct is 0.9, expected none"),
    ] {
        let error = train(&config, &runs, &uncached(), Task::unwatched()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(!runs.exists());
}
