//! The laws of a cross-validated run: folds do not overlap, its network is trained on all photos,
//! and it resumes.

#[path = "../../train/tests/common/photos.rs"]
mod photos;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kennel_auto::{rehearse, resume, train};
use kennel_core::task::Event;
use kennel_core::{EpochRecord, Manifest, RunDir, Settings, Split, Strategy, Task};
use kennel_data::{Dataset, PrepareOptions, group_numbers, prepare};
use kennel_infer::{Compute, predict_dataset};
use kennel_train::{TrainError, TrainOptions};
use photos::{draw_photos, small_config};

const FOLDS: usize = 3;

fn options() -> TrainOptions {
    TrainOptions::new(Compute::cpu())
}

fn in_folds(data: &Path) -> Settings {
    Settings { folds: Some(FOLDS), ..small_config(data, Strategy::Full, 2) }
}

/// Draws photos, some of which are the same as others, and prepares them.
fn prepared(folder: &Path) -> std::path::PathBuf {
    let (photos, data) = (folder.join("photos"), folder.join("data"));
    draw_photos(&photos, [8, 4, 2]);
    for (of, copy) in [
        ("train/checked/000.png", "train/checked/copy.png"),
        ("train/striped/001.png", "val/striped/copy.png"),
    ] {
        std::fs::copy(photos.join(of), photos.join(copy)).unwrap();
    }
    prepare(&photos, &data, &PrepareOptions::default(), Task::unwatched()).unwrap();
    data
}

/// Files of the run that a stop must not change, with times set to 0.
fn contents(run: &RunDir) -> BTreeMap<&'static str, Vec<u8>> {
    let files = ["checkpoints/best.safetensors", "predictions/test.jsonl", "evaluation.json"]
        .into_iter()
        .chain(["predictions/out_of_fold.jsonl", "manifest.json"]);
    let read = |file| (file, std::fs::read(run.path().join(file)).unwrap());
    let timeless =
        |epoch| EpochRecord { elapsed_s: 0.0, images_per_s: 0.0, peak_rss_bytes: 0, ..epoch };
    let epochs: Vec<_> = run.read_metrics().unwrap().into_iter().map(timeless).collect();
    files.map(read).chain([("metrics.jsonl", serde_json::to_vec(&epochs).unwrap())]).collect()
}

fn paths(manifest: &Manifest, splits: &[Split]) -> Vec<String> {
    let photos = manifest.photos.iter().filter(|photo| splits.contains(&photo.split));
    photos.map(|photo| photo.path.clone()).collect()
}

#[test]
fn folds_do_not_overlap_and_the_network_is_trained_on_all_photos() {
    let dir = tempfile::tempdir().unwrap();
    let data = prepared(dir.path());
    let run =
        train(&in_folds(&data), &dir.path().join("runs"), &options(), Task::unwatched()).unwrap();
    let (run, evaluation) = (run.run, run.evaluation);
    let manifest = run.read_manifest().unwrap();
    assert_eq!(manifest, *Dataset::open(&data).unwrap().manifest());
    let dealt = paths(&manifest, &[Split::Train, Split::Val]);

    let folds = RunDir::list(&run.folds()).unwrap();
    assert_eq!(folds.len(), FOLDS);
    let (mut held_out, mut best_epochs) = (Vec::new(), 0);
    for fold in &folds {
        let divided = fold.read_manifest().unwrap();
        assert_eq!(paths(&divided, &[Split::Test]), paths(&manifest, &[Split::Test]));
        assert!(fold.is_finished() && !fold.predictions(Split::Test).exists());
        let mut side_of: BTreeMap<u64, Split> = BTreeMap::new();
        let numbered = group_numbers(&divided).into_iter().zip(&divided.photos);
        // The source gave the test photos, which may look like others.
        let numbered: Vec<_> = numbered.filter(|(_, photo)| photo.split != Split::Test).collect();
        for &(number, photo) in &numbered {
            assert_eq!(*side_of.entry(number).or_insert(photo.split), photo.split, "{photo:?}");
        }
        assert!(side_of.len() < numbered.len(), "some photos are the same");
        held_out.extend(paths(&divided, &[Split::Val]));
        best_epochs += kennel_train::evaluate_run(fold).unwrap().best_epoch.unwrap();
    }
    held_out.sort();
    assert_eq!(held_out, dealt, "every photo is held out once");

    let records = run.read_out_of_fold(&manifest.classes, &manifest).unwrap().unwrap();
    let predicted: Vec<&String> = records.iter().map(|record| &record.path).collect();
    assert_eq!(predicted, dealt.iter().collect::<Vec<_>>());
    assert_eq!(evaluation.out_of_fold.as_ref().unwrap().n, dealt.len());

    let [refit] = &RunDir::list(&run.refit()).unwrap()[..] else { panic!("one network") };
    let divided = refit.read_manifest().unwrap();
    assert_eq!(paths(&divided, &[Split::Train]), dealt);
    let epochs = run.read_metrics().unwrap();
    assert_eq!(epochs.len(), (best_epochs as f64 / FOLDS as f64).round() as usize);
    assert!(epochs.iter().all(|epoch| epoch.val_loss.is_none() && epoch.val_accuracy.is_none()));
    assert_eq!((evaluation.best_epoch, &evaluation.val), (Some(epochs.len()), &None));
    let judged =
        predict_dataset(&run, &data, Some(Split::Test), &Compute::cpu(), Task::unwatched());
    assert_eq!(Some(judged.unwrap()), evaluation.test, "the saved network is the judged one");
}

#[test]
fn a_cross_validated_run_that_was_stopped_ends_in_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let data = prepared(dir.path());
    let settings = in_folds(&data);
    let rehearsed = rehearse(&settings, &options(), Task::unwatched()).unwrap().facts;
    let runs = dir.path().join("runs");
    let whole = train(&settings, &runs, &options(), Task::unwatched()).unwrap().run;
    let facts = whole.read_record().unwrap().facts;
    assert_eq!(
        (facts.photos, facts.manifest_sha256, facts.trained),
        (rehearsed.photos, rehearsed.manifest_sha256, rehearsed.trained)
    );

    // Stopped in the second fold, and again in the training on all photos.
    let stopping = |epochs: usize, job: &dyn Fn(Task<'_>) -> RunDir| {
        let (stop, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
        let on = |event: Event<'_>| {
            if matches!(event, Event::Epoch { .. })
                && seen.fetch_add(1, Ordering::Relaxed) + 1 == epochs
            {
                stop.store(true, Ordering::Relaxed);
            }
        };
        job(Task::new(&stop, &on))
    };
    let interrupted = |trained| match trained {
        Err(TrainError::Interrupted { run, .. }) => run,
        other => panic!("it went on: {other:?}"),
    };
    let run = stopping(3, &|task| interrupted(train(&settings, &runs, &options(), task)));
    assert!(!run.is_finished() && !run.out_of_fold().exists());
    let run = stopping(4, &|task| interrupted(resume(run.clone(), None, &options(), task)));
    let again = resume(run, None, &options(), Task::unwatched()).unwrap().run;
    assert!(contents(&whole) == contents(&again));
    assert_eq!(RunDir::list(&again.folds()).unwrap().len(), FOLDS);

    let more = resume(again, Some(9), &options(), Task::unwatched());
    assert!(matches!(more, Err(TrainError::CannotResume { .. })));
    let run = stopping(1, &|task| interrupted(train(&settings, &runs, &options(), task)));
    std::fs::remove_dir_all(&data).unwrap();
    draw_photos(&data, [7, 4, 2]);
    let other = resume(run, None, &options(), Task::unwatched());
    assert!(matches!(other, Err(TrainError::CannotResume { .. })), "other photos");
}

#[test]
fn more_folds_than_photos_of_a_class_are_refused_before_a_run_begins() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [2, 1, 1]);
    let (settings, runs) =
        (Settings { folds: Some(4), ..in_folds(&data) }, dir.path().join("runs"));
    let refused = train(&settings, &runs, &options(), Task::unwatched()).unwrap_err();
    assert!(matches!(refused, TrainError::Data(_)), "{refused}");
    assert!(!runs.exists());
}
