//! The laws of a run of `auto`: it is an ordinary run, it holds what it tried, and it resumes.

#[path = "common/mislabelled.rs"]
mod mislabelled;
#[path = "../../train/tests/common/photos.rs"]
mod photos;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kennel_auto::{resume, train};
use kennel_core::task::Event;
use kennel_core::{
    AutoRecord, ChooseBy, HeadFit, RunDir, SchedulerKind, Settings, Split, Strategy, Task,
};
use kennel_infer::{Compute, predict_dataset};
use kennel_train::{TrainError, TrainOptions};
use mislabelled::swap_labels;
use photos::{draw_photos, small_config};

fn options() -> TrainOptions {
    TrainOptions::new(Compute::cpu())
}

fn auto(data: &Path) -> Settings {
    Settings {
        head: HeadFit::Convex,
        choose_by: ChooseBy::Loss,
        scheduler: SchedulerKind::cosine(),
        feature_views: 1,
        ..small_config(data, Strategy::Auto, 2)
    }
}

/// Bytes of the files that a stop must not change.
fn contents(run: &RunDir) -> BTreeMap<&'static str, Vec<u8>> {
    ["checkpoints/best.safetensors", "predictions/val.jsonl", "predictions/test.jsonl"]
        .into_iter()
        .chain(["predictions/out_of_fold.jsonl", "evaluation.json", "manifest.json"])
        .chain(["learning_curve.json"])
        .map(|file| (file, std::fs::read(run.path().join(file)).unwrap()))
        .collect()
}

/// The record without times.
fn tried(run: &RunDir) -> AutoRecord {
    let mut record = AutoRecord::read(&run.auto()).unwrap();
    record.candidates.iter_mut().for_each(|candidate| candidate.seconds = 0.0);
    record
}

#[test]
fn auto_is_an_ordinary_run_that_says_what_it_tried_and_resumes_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [14, 8, 4]);
    swap_labels(&data);
    let settings = auto(&data);
    let whole = train(&settings, &dir.path().join("whole"), &options(), Task::unwatched()).unwrap();
    let record = tried(&whole.run);
    // The head, and each of two fine-tunings in four shares: the head leaves enough mistakes.
    assert_eq!(record.candidates.len(), 9, "{:?}", record.left_out);
    assert_eq!(record.trials.len(), 3);
    assert_eq!(record.candidates[0].name(), "convex head");
    assert_eq!(record.candidates[8].name(), "full at 1e-3");
    let lowest = record.candidates.iter().filter(|candidate| candidate.difference == 0.0);
    assert_eq!(lowest.count(), 1);
    let chosen = record.chosen();
    assert!(chosen.difference <= chosen.standard_error, "{record:?}");

    let evaluation = &whole.evaluation;
    assert_eq!(evaluation.val.as_ref().unwrap().accuracy.correct, chosen.val_correct);
    assert_eq!(evaluation.test.as_ref().unwrap().n, 8);
    let judged =
        predict_dataset(&whole.run, &data, Some(Split::Test), &Compute::cpu(), Task::unwatched());
    assert_eq!(Some(judged.unwrap()), evaluation.test, "the saved network is the judged one");
    let curve = whole.run.read_learning_curve().unwrap().unwrap();
    let all = curve.points.last().unwrap().total();
    assert_eq!(all.n, 2 * (14 + 8), "every training and validation photo is judged");
    let halved: Vec<_> = curve.classes.iter().map(|of| (of.name.as_str(), of.of_class.n)).collect();
    assert_eq!(halved, [("checked", 22), ("striped", 22)]);
    assert!(curve.classes.iter().all(|of| of.overall.with_all == all.errors), "{curve:?}");
    // The trials never read the test photos.
    for trial in RunDir::list(&whole.run.trials()).unwrap() {
        assert!(trial.is_finished() && !trial.predictions(Split::Test).exists());
    }

    // Stopped in the second trial.
    let (stop, epochs) = (AtomicBool::new(false), AtomicUsize::new(0));
    let on = |event: Event<'_>| {
        if let Event::Epoch { .. } = event
            && epochs.fetch_add(1, Ordering::Relaxed) + 1 == 2
        {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let stopped = train(&settings, &dir.path().join("stopped"), &options(), Task::new(&stop, &on));
    let Err(TrainError::Interrupted { run, .. }) = stopped else { panic!("it went on") };
    assert!(!run.is_finished() && !run.auto().exists());
    // Trials that have not begun would not know that a photo is gone.
    let (photo, aside) = (data.join("train/striped/005.png"), dir.path().join("aside.png"));
    std::fs::rename(&photo, &aside).unwrap();
    let other = resume(run.clone(), None, &options(), Task::unwatched());
    assert!(matches!(other, Err(TrainError::CannotResume { .. })), "{other:?}");
    std::fs::rename(&aside, &photo).unwrap();
    let again = resume(run, None, &options(), Task::unwatched()).unwrap();
    assert!(contents(&whole.run) == contents(&again.run));
    assert_eq!(record, tried(&again.run));

    let more = resume(again.run, Some(9), &options(), Task::unwatched());
    assert!(matches!(more, Err(TrainError::CannotResume { .. })));
}

#[test]
fn a_head_with_too_few_mistakes_is_the_result() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [2, 2, 2]);
    let run = train(&auto(&data), dir.path(), &options(), Task::unwatched()).unwrap().run;
    let record = tried(&run);
    // Four validation photos are too few to tell networks apart.
    assert_eq!((record.candidates.len(), record.chosen), (1, 0));
    assert!(
        record.left_out[0].contains("of 4 validation photos, out of fold"),
        "{:?}",
        record.left_out
    );
    assert_eq!(run.read_metrics().unwrap().len(), 1);
}

#[test]
fn a_budget_leaves_out_what_does_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [14, 8, 4]);
    swap_labels(&data);
    let settings = Settings { budget_s: Some(1e-3), ..auto(&data) };
    let run = train(&settings, dir.path(), &options(), Task::unwatched()).unwrap().run;
    let record = tried(&run);
    assert_eq!(record.candidates.len(), 1);
    assert_eq!(record.left_out.len(), 2, "{:?}", record.left_out);
}

#[test]
fn a_network_is_trained_again_on_all_photos() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [14, 8, 4]);
    swap_labels(&data);
    let counts = |run: &RunDir| run.read_manifest().unwrap().counts(None);
    let one = |folder: &Path| {
        let runs = RunDir::list(folder).unwrap();
        assert_eq!(runs.len(), 1);
        runs[0].clone()
    };
    let plain = small_config(&data, Strategy::Full, 3);
    let convex = Settings { head: HeadFit::Convex, ..small_config(&data, Strategy::Freeze, 1) };
    for settings in [plain, convex] {
        let validated =
            train(&settings, &dir.path().join("once"), &options(), Task::unwatched()).unwrap();
        let settings = Settings { refit: true, ..settings };
        let runs = dir.path().join("again");
        let again = train(&settings, &runs, &options(), Task::unwatched()).unwrap();
        let read = |run: &RunDir, file: &str| std::fs::read(run.path().join(file)).unwrap();
        for file in ["predictions/val.jsonl", "manifest.json"] {
            assert!(read(&validated.run, file) == read(&again.run, file), "{file}");
        }
        let refit = one(&again.run.refit());
        assert_eq!((counts(&refit).train, counts(&refit).val), (44, 0));
        let epochs = refit.read_record().unwrap().settings.epochs;
        assert_eq!(Some(epochs), validated.evaluation.best_epoch);
        let weights = |run: &RunDir| read(run, "checkpoints/best.safetensors");
        assert!(weights(&refit) == weights(&again.run));
        assert!(weights(&validated.run) != weights(&again.run));
        let judged = predict_dataset(
            &again.run,
            &data,
            Some(Split::Test),
            &Compute::cpu(),
            Task::unwatched(),
        );
        assert_eq!(Some(judged.unwrap()), again.evaluation.test);
    }

    let settings = Settings { refit: true, ..auto(&data) };
    let run =
        train(&settings, &dir.path().join("auto"), &options(), Task::unwatched()).unwrap().run;
    let chosen = tried(&run).chosen().clone();
    let of_two = chosen.share.is_some_and(|share| share < 1.0);
    assert_eq!(RunDir::list(&run.refit()).unwrap().len(), if of_two { 2 } else { 1 });
}
