//! The laws of a search: it is an ordinary run, it halts the worse half of its trials, keeps the
//! best of those that it finished, and resumes.

#[path = "../../train/tests/common/photos.rs"]
mod photos;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kennel_auto::{resume, train};
use kennel_core::task::Event;
use kennel_core::{EpochRecord, RunDir, SearchRecord, Settings, Split, Strategy, Task, TrialEnd};
use kennel_infer::{Compute, predict_dataset};
use kennel_train::{TrainError, TrainOptions};
use photos::{draw_photos, small_config};

/// Lets the tests run in turn. Trials with stochastic depth seed the device's generator at every
/// step, and a process has one: trainings side by side would draw from each other.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn options() -> TrainOptions {
    TrainOptions::new(Compute::cpu())
}

fn searched(data: &Path, count: usize) -> Settings {
    Settings { search: Some(count), ..small_config(data, Strategy::Full, 4) }
}

/// Files of the run that a stop must not change, with times set to 0.
fn contents(run: &RunDir) -> BTreeMap<&'static str, Vec<u8>> {
    let files = ["checkpoints/best.safetensors", "predictions/val.jsonl", "predictions/test.jsonl"]
        .into_iter()
        .chain(["evaluation.json", "manifest.json"]);
    let read = |file| (file, std::fs::read(run.path().join(file)).unwrap());
    let timeless =
        |epoch| EpochRecord { elapsed_s: 0.0, images_per_s: 0.0, peak_rss_bytes: 0, ..epoch };
    let epochs: Vec<_> = run.read_metrics().unwrap().into_iter().map(timeless).collect();
    files.map(read).chain([("metrics.jsonl", serde_json::to_vec(&epochs).unwrap())]).collect()
}

/// The record without times.
fn tried(run: &RunDir) -> SearchRecord {
    let mut record = SearchRecord::read(&run.search()).unwrap();
    record.trials.iter_mut().for_each(|trial| trial.seconds = 0.0);
    record
}

#[test]
fn the_worse_half_is_halted_and_a_search_that_was_stopped_ends_in_the_same_bytes() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [8, 6, 4]);
    let settings = searched(&data, 4);
    let whole = train(&settings, &dir.path().join("whole"), &options(), Task::unwatched()).unwrap();
    let record = tried(&whole.run);
    assert_eq!(record.rungs, [1, 2]);
    let mut ends: Vec<_> = record.trials.iter().map(|trial| (trial.epochs, trial.ended)).collect();
    ends.sort_by_key(|(epochs, _)| *epochs);
    let [halted, finished] = [TrialEnd::Halted, TrialEnd::Finished];
    assert_eq!(ends, [(1, halted), (1, halted), (2, halted), (4, finished)]);
    assert_eq!(record.trials[0].learning_rate, settings.learning_rate);
    assert_eq!(record.chosen().ended, TrialEnd::Finished);

    // The trial that was halted last is no better than the chosen one was then.
    let epochs = whole.run.read_metrics().unwrap();
    let then = kennel_train::best_epoch(&epochs[..2], settings.choose_by).unwrap();
    let halted_last = record.trials.iter().find(|trial| trial.epochs == 2).unwrap();
    assert!(halted_last.val_loss >= then.val_loss, "{record:?}");

    let evaluation = &whole.evaluation;
    assert_eq!(evaluation.best_epoch, record.chosen().best_epoch);
    assert_eq!(evaluation.val.as_ref().map(|val| val.accuracy.value), record.chosen().val_accuracy);
    let judged =
        predict_dataset(&whole.run, &data, Some(Split::Test), &Compute::cpu(), Task::unwatched());
    assert_eq!(Some(judged.unwrap()), evaluation.test, "the saved network is the judged one");
    for trial in RunDir::list(&whole.run.trials()).unwrap() {
        assert!(!trial.predictions(Split::Test).exists(), "no trial reads the test photos");
    }

    // Stopped among the first epochs of the trials, and once more in a later rung.
    let stopping = |after: usize, job: &dyn Fn(Task<'_>) -> kennel_auto::Result<_>| {
        let (stop, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
        let on = |event: Event<'_>| {
            if matches!(event, Event::Epoch { .. })
                && seen.fetch_add(1, Ordering::Relaxed) + 1 == after
            {
                stop.store(true, Ordering::Relaxed);
            }
        };
        match job(Task::new(&stop, &on)) {
            Err(TrainError::Interrupted { run, .. }) => run,
            other => panic!("it went on: {other:?}"),
        }
    };
    let runs = dir.path().join("stopped");
    let run = stopping(2, &|task| train(&settings, &runs, &options(), task));
    assert!(!run.is_finished() && !run.search().exists());
    let run = stopping(4, &|task| resume(run.clone(), None, &options(), task));
    let again = resume(run, None, &options(), Task::unwatched()).unwrap().run;
    assert!(contents(&whole.run) == contents(&again));
    assert_eq!(record, tried(&again));

    let more = resume(again, Some(9), &options(), Task::unwatched());
    assert!(matches!(more, Err(TrainError::CannotResume { .. })));
}

#[test]
fn a_trial_that_diverges_is_left_behind() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [8, 4, 2]);
    let settings = Settings { learning_rate: 1e30, ..searched(&data, 3) };
    let run = train(&settings, dir.path(), &options(), Task::unwatched()).unwrap().run;
    let record = tried(&run);
    assert_eq!((record.trials[0].ended, record.trials[0].best_epoch), (TrialEnd::Diverged, None));
    assert_ne!(record.chosen, 0);
    // Half of three, rounded up, and then half of these two.
    let ends = record.trials[1..].iter().map(|trial| trial.ended);
    assert_eq!(ends.filter(|ended| *ended == TrialEnd::Finished).count(), 1);
}

#[test]
fn a_damaged_trial_is_an_error_that_names_the_file() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [6, 4, 2]);
    let (stop, epochs) = (AtomicBool::new(false), AtomicUsize::new(0));
    let on = |event: Event<'_>| {
        if matches!(event, Event::Epoch { .. }) && epochs.fetch_add(1, Ordering::Relaxed) == 1 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let stopped = train(&searched(&data, 2), dir.path(), &options(), Task::new(&stop, &on));
    let Err(TrainError::Interrupted { run, .. }) = stopped else { panic!("it went on") };
    let trial = &RunDir::list(&run.trials()).unwrap()[0];
    let metrics = std::fs::read_to_string(trial.metrics()).unwrap();
    std::fs::write(trial.metrics(), metrics.replace("\"epoch\":1", "\"epoch\":2")).unwrap();
    let error = resume(run, None, &options(), Task::unwatched()).unwrap_err().to_string();
    assert!(error.contains("metrics.jsonl"), "{error}");
}
