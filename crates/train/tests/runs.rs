//! The laws of a whole run: it learns, it is reproducible, it resumes, and it leaves the user's
//! files alone.

#[path = "common/photos.rs"]
mod photos;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kennel_core::task::Event;
use kennel_core::{
    ChooseBy, EpochRecord, Hint, Note, OptimizerConfig, RunDir, SchedulerKind, Settings, Strategy,
    Task, files, write_metrics,
};
use kennel_infer::{Compute, predict_dataset};
use kennel_models::{is_under, read_checkpoint, write_checkpoint};
use kennel_train::{
    CacheOptions, Found, Result, TrainError, TrainOptions, Trained, evaluate_run, find_run, resume,
    train,
};
use photos::{draw_photos, small_config};

/// Trains a run that is stopped after `epochs` epochs, or, if `step` is not 0, in the next epoch
/// after `step` photos. Returns the run and its finished epochs.
fn stopped_after(config: &Settings, runs: &Path, epochs: usize, step: usize) -> (RunDir, usize) {
    let (stop, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    let on = |event: Event<'_>| {
        let is_time = match event {
            Event::Epoch { record, .. } => {
                seen.store(record.epoch, Ordering::Relaxed);
                step == 0 && record.epoch == epochs
            }
            Event::Step { done, .. } => {
                step > 0 && seen.load(Ordering::Relaxed) == epochs && done >= step
            }
            _ => false,
        };
        if is_time {
            stop.store(true, Ordering::Relaxed);
        }
    };
    match train(config, runs, &uncached(), Task::new(&stop, &on)) {
        Err(TrainError::Interrupted { run, epochs }) => (run, epochs),
        other => panic!("it did not stop: {other:?}"),
    }
}

fn run_of(trained: Result<Trained>) -> RunDir {
    trained.unwrap().run
}

fn uncached() -> TrainOptions {
    TrainOptions::new(Compute::cpu())
}

/// The notes of a job, and the feature passes that it computed.
#[derive(Default)]
struct Heard {
    notes: Vec<Note>,
    features: Vec<String>,
}

/// Runs a job and returns what was heard of it.
fn listening<T>(job: impl FnOnce(Task<'_>) -> T) -> (T, Heard) {
    let (stop, heard) = (AtomicBool::new(false), Mutex::new(Heard::default()));
    let on = |event: Event<'_>| match event {
        Event::Note(note) => heard.lock().unwrap().notes.push(note.clone()),
        Event::Pass { what, done, of } if what.starts_with("features") && done == of => {
            heard.lock().unwrap().features.push(what.into());
        }
        _ => {}
    };
    let done = job(Task::new(&stop, &on));
    (done, heard.into_inner().unwrap())
}

fn train_quietly(config: &Settings, runs: &Path) -> RunDir {
    run_of(train(config, runs, &uncached(), Task::unwatched()))
}

/// The files of a run that must be reproducible, with times and memory set to 0. Leaves out
/// `config.toml`, which holds times and paths.
fn contents(run: &RunDir) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for file in
        ["checkpoints/best.safetensors", "checkpoints/last.safetensors", "predictions/val.jsonl"]
            .into_iter()
            .chain(["predictions/test.jsonl", "evaluation.json", "manifest.json"])
    {
        found.insert(file.to_string(), std::fs::read(run.path().join(file)).unwrap());
    }
    let timeless: Vec<EpochRecord> = run
        .read_metrics()
        .unwrap()
        .into_iter()
        .map(|epoch| EpochRecord { elapsed_s: 0.0, images_per_s: 0.0, peak_rss_bytes: 0, ..epoch })
        .collect();
    found.insert("metrics.jsonl".into(), serde_json::to_vec(&timeless).unwrap());
    found
}

fn same(a: &RunDir, b: &RunDir) {
    let (a, b) = (contents(a), contents(b));
    for (file, bytes) in &a {
        assert!(bytes == &b[file], "{file} differs");
    }
}

fn digests(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.clone(), files::sha256_file(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_small_network_learns_to_tell_two_textures_apart() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [16, 6, 6]);
    let before = digests(&data);
    let mut config = small_config(&data, Strategy::Full, 6);
    config.augmentation.rotation_deg = 0.0;
    let run = train_quietly(&config, &dir.path().join("runs"));
    let history = run.read_metrics().unwrap();
    let (first, last) = (&history[0], &history[history.len() - 1]);
    assert!(last.train_accuracy >= Some(0.9), "{last:?}");
    assert!(last.train_loss < 0.5 * first.train_loss, "{first:?} {last:?}");
    assert!(last.head_update_ratio > 0.0 && last.peak_rss_bytes > 0);
    assert_eq!(digests(&data), before, "training changed the photos");
    let found = find_run(&dir.path().join("runs"), "test_resnet", Some(Strategy::Full)).unwrap();
    assert_eq!(found, Found { run: run.clone(), of_other_divisions: 0, of_other_photos: 0 });
    let (compute, test) = (Compute::cpu(), Some(kennel_core::Split::Test));
    let again = predict_dataset(&run, &data, test, &compute, Task::unwatched()).unwrap();
    let own: kennel_metrics::RunEvaluation =
        serde_json::from_slice(&std::fs::read(run.evaluation()).unwrap()).unwrap();
    assert_eq!(Some(again), own.test, "the saved network says what it said");
}

#[test]
fn the_same_seed_twice_gives_the_same_bytes_and_another_seed_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [5, 2, 2]);
    let runs = dir.path().join("runs");
    let mut config = small_config(&data, Strategy::Full, 2);
    (config.drop_rate, config.drop_path_rate) = (0.2, 0.1);
    let (a, b) = (train_quietly(&config, &runs), train_quietly(&config, &runs));
    assert_ne!(a, b, "a run directory is never written twice");
    same(&a, &b);
    // The saved settings are those that were given.
    assert_eq!(a.read_record().unwrap().settings, config);
    config.seed = 43;
    let other = train_quietly(&config, &runs);
    assert_ne!(
        contents(&a)["checkpoints/best.safetensors"],
        contents(&other)["checkpoints/best.safetensors"]
    );
}

#[test]
fn what_was_right_of_other_photos_makes_no_run_the_best_of_these() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    let run_on = |photos: &str, per_split, right: f64| {
        draw_photos(&dir.path().join(photos), per_split);
        let run = train_quietly(&small_config(&dir.path().join(photos), Strategy::Full, 1), &runs);
        let epochs: Vec<EpochRecord> = run.read_metrics().unwrap();
        let epochs: Vec<_> = epochs
            .into_iter()
            .map(|epoch| EpochRecord { val_accuracy: Some(right), ..epoch })
            .collect();
        // Without SHA256SUMS, the edited metrics.jsonl is accepted.
        std::fs::remove_file(run.path().join("SHA256SUMS")).unwrap();
        write_metrics(&run.metrics(), &epochs).unwrap();
        run
    };
    let found = |run: &RunDir, of_other_divisions, of_other_photos| {
        let expected = Found { run: run.clone(), of_other_divisions, of_other_photos };
        assert_eq!(find_run(&runs, "test_resnet", None).unwrap(), expected);
    };
    let old = run_on("old", [4, 2, 2], 1.0);
    found(&old, 0, 0);
    let new = run_on("new", [5, 2, 2], 0.5);
    found(&new, 0, 1);

    // The photos of the newest run in another division: one of training is now for validation.
    let divided = dir.path().join("divided");
    draw_photos(&divided, [5, 2, 2]);
    for class in ["checked", "striped"] {
        let photo = |split: &str, name: &str| divided.join(split).join(class).join(name);
        std::fs::rename(photo("train", "004.png"), photo("val", "004.png")).unwrap();
    }
    let divided = train_quietly(&small_config(&divided, Strategy::Full, 1), &runs);
    found(&divided, 1, 1);

    // An earlier version recorded no digest of the photos: it comes from the run's manifest.
    let text = std::fs::read_to_string(new.config()).unwrap();
    let earlier = |line: &&str| !line.starts_with("photos_sha256");
    let earlier: Vec<&str> = text.lines().filter(earlier).collect();
    assert_eq!(earlier.len() + 1, text.lines().count());
    std::fs::write(new.config(), earlier.join("\n")).unwrap();
    found(&divided, 1, 1);
}

#[test]
fn a_run_that_was_stopped_and_resumed_ends_as_if_it_had_never_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [6, 3, 2]);
    let runs = dir.path().join("runs");
    let of = |strategy| small_config(&data, strategy, 4);
    let unfreeze = ["layer3", "layer4", "fc"].map(String::from).into();
    for config in [
        of(Strategy::Full),
        Settings { unfreeze, ..of(Strategy::Partial) },
        Settings { ema: Some(0.9), choose_by: ChooseBy::Loss, ..of(Strategy::Partial) },
        Settings {
            mixup: 0.8,
            cutmix: 1.0,
            mixup_prob: 0.9,
            mixup_off_epoch: 3,
            no_norm_decay: true,
            optimizer: OptimizerConfig::adamw(),
            // Odd, so that one photo of a batch stays as it is.
            batch_size: 5,
            ..of(Strategy::Full)
        },
    ] {
        let whole = train_quietly(&config, &runs);
        // Stop between two epochs, in the middle of one, and before the first is finished.
        for (epochs, step) in [(1, 0), (2, 8), (0, 8)] {
            let (run, kept) = stopped_after(&config, &runs, epochs, step);
            assert_eq!(kept, epochs);
            assert!(
                !run.evaluation().exists() && !run.predictions(kennel_core::Split::Test).exists()
            );
            same(&whole, &run_of(resume(run, None, &uncached(), Task::unwatched())));
        }
    }
}

#[test]
fn a_moving_average_is_validated_and_kept_while_the_weights_train_as_without() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [12, 4, 3]);
    let runs = dir.path().join("runs");
    let plain = Settings {
        scheduler: SchedulerKind::Constant,
        choose_by: ChooseBy::Loss,
        ..small_config(&data, Strategy::Partial, 3)
    };
    let config = Settings { ema: Some(0.9), ..plain.clone() };
    let [plain, averaged] = [&plain, &config].map(|config| train_quietly(config, &runs));
    let file = |run: &RunDir, name: &str| contents(run)[name].clone();
    assert!(
        file(&plain, "checkpoints/last.safetensors")
            == file(&averaged, "checkpoints/last.safetensors"),
        "training goes on with the weights themselves"
    );
    let read = |path: PathBuf| read_checkpoint(&path).unwrap().tensors;
    let (best, last) = (read(averaged.best_weights()), read(averaged.last_weights()));
    let trained = averaged.read_record().unwrap().facts.trained;
    for (name, value) in &best {
        let is_trained = trained.iter().any(|prefix| is_under(name, prefix));
        assert_eq!(value != &last[name], is_trained, "{name}");
    }
    // The epoch with the lowest loss is kept, and its predictions are those of the average.
    let epochs = averaged.read_metrics().unwrap();
    let loss = |epoch: &EpochRecord| epoch.val_loss.unwrap();
    let lowest = epochs.iter().min_by(|a, b| loss(a).total_cmp(&loss(b))).unwrap();
    let evaluation = evaluate_run(&averaged).unwrap();
    assert_eq!(evaluation.best_epoch, Some(lowest.epoch));
    assert_eq!(evaluation.val.unwrap().log_loss, loss(lowest));
    let losses =
        |run: &RunDir| -> Vec<f64> { run.read_metrics().unwrap().iter().map(loss).collect() };
    assert_ne!(losses(&plain), losses(&averaged));

    // After one epoch the checkpoint is the average, and the test photos were predicted with it.
    let short = train_quietly(&Settings { epochs: 1, ..config }, &runs);
    let (best, state) = (read(short.best_weights()), read(short.last_state()));
    for (name, value) in &best {
        let average = state.get(&format!("average.{name}"));
        let is_trained = trained.iter().any(|prefix| is_under(name, prefix));
        assert_eq!(average.map(|average| &average.data), is_trained.then_some(&value.data));
    }
    let (compute, test) = (Compute::cpu(), Some(kennel_core::Split::Test));
    let again = predict_dataset(&short, &data, test, &compute, Task::unwatched()).unwrap();
    assert_eq!(Some(again), evaluate_run(&short).unwrap().test);
}

#[test]
fn mixed_photos_are_learned_from_and_have_no_training_accuracy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [24, 8, 3]);
    let runs = dir.path().join("runs");
    let config = Settings {
        mixup: 0.8,
        cutmix: 1.0,
        label_smoothing: 0.1,
        ema: Some(0.9),
        optimizer: OptimizerConfig::adamw(),
        no_norm_decay: true,
        scheduler: SchedulerKind::Constant,
        ..small_config(&data, Strategy::Full, 3)
    };
    let run = train_quietly(&config, &runs);
    let epochs = run.read_metrics().unwrap();
    assert!(epochs.iter().all(|epoch| epoch.train_loss.is_finite() && epoch.mixed_labels));
    assert!(epochs.iter().all(|epoch| epoch.train_accuracy.is_none()));
    assert!(epochs[2].train_loss < epochs[0].train_loss, "{epochs:?}");
    assert!(epochs[2].val_loss < epochs[0].val_loss, "{epochs:?}");
    let text = std::fs::read_to_string(run.metrics()).unwrap();
    assert!(!text.contains("train_accuracy") && text.contains("\"mixed_labels\":true"), "{text}");
    for file in [run.best_weights(), run.last_weights()] {
        let tensors = read_checkpoint(&file).unwrap().tensors;
        assert!(tensors.values().all(|value| value.data.iter().all(|x| x.is_finite())));
    }
    // Without mixing, files have the keys that they always had.
    let plain = train_quietly(&small_config(&data, Strategy::Full, 1), &runs);
    let texts =
        [plain.metrics(), plain.config()].map(|path| std::fs::read_to_string(path).unwrap());
    assert!(texts[0].contains("train_accuracy") && !texts[0].contains("mixed_labels"));
    assert!(!texts[1].contains("mix") && !texts[1].contains("norm_decay"), "{}", texts[1]);
}

#[test]
fn views_that_are_mixed_are_not_cached_and_that_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [9, 3, 3]);
    let runs = dir.path().join("runs");
    let config = Settings {
        mixup: 0.8,
        mixup_off_epoch: 2,
        feature_views: 2,
        ..small_config(&data, Strategy::Freeze, 4)
    };
    let cache = CacheOptions { dir: dir.path().join("cache"), max_bytes: 1 << 30 };
    let options = TrainOptions { cache: Some(cache), ..uncached() };
    let (trained, heard) = listening(|task| train(&config, &runs, &options, task));
    let run = run_of(trained);
    let parts = ["val", "train-0", "train-1", "test"].map(|part| format!("features of {part}"));
    assert_eq!(heard.features, parts);
    let told = heard.notes.iter().filter(|note| note.text.contains("photos are mixed"));
    assert_eq!(told.count(), 1, "{:?}", heard.notes);
    let mixed: Vec<bool> =
        run.read_metrics().unwrap().iter().map(|epoch| epoch.mixed_labels).collect();
    assert_eq!(mixed, [true, true, false, false]);
    same(&run, &train_quietly(&config, &runs));
    let unmixed = train_quietly(&Settings { mixup: 0.0, mixup_off_epoch: 0, ..config }, &runs);
    assert!(contents(&run) != contents(&unmixed));
}

#[test]
fn test_photos_that_are_left_out_are_read_when_the_run_is_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [4, 2, 2]);
    let runs = dir.path().join("runs");
    let config = small_config(&data, Strategy::Full, 2);
    let trial = TrainOptions { skip_test: true, ..uncached() };
    let (stop, skipped) = (AtomicBool::new(false), AtomicUsize::new(0));
    let on = |event: Event<'_>| match event {
        Event::TestSkipped { photos } => skipped.store(photos, Ordering::Relaxed),
        Event::Pass { what, .. } => assert_ne!(what, "test"),
        _ => {}
    };
    let trained = train(&config, &runs, &trial, Task::new(&stop, &on)).unwrap();
    assert_eq!((trained.evaluation.test, skipped.into_inner()), (None, 4));
    let run = trained.run;
    let test = run.predictions(kennel_core::Split::Test);
    assert!(run.is_finished() && !test.exists());
    // Nothing is left to do for a caller that leaves them out, too.
    resume(run.clone(), None, &trial, Task::unwatched()).unwrap();
    assert!(!test.exists());
    let resumed = run_of(resume(run, None, &uncached(), Task::unwatched()));
    same(&train_quietly(&config, &runs), &resumed);
}

#[test]
fn a_stop_before_the_run_begins_makes_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [4, 2, 2]);
    let runs = dir.path().join("runs");
    let stop = AtomicBool::new(true);
    let task = Task::new(&stop, &|_| {});
    let error =
        train(&small_config(&data, Strategy::Full, 1), &runs, &uncached(), task).unwrap_err();
    assert!(matches!(error, TrainError::Stopped(_)), "{error:?}");
    assert!(!runs.exists());
}

#[test]
fn a_run_that_ended_before_its_first_epoch_had_a_state_begins_again_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [4, 2, 2]);
    let runs = dir.path().join("runs");
    let config = small_config(&data, Strategy::Full, 2);
    let whole = train_quietly(&config, &runs);
    let stopped = || stopped_after(&config, &runs, 1, 0).0;
    let resumed = |run: RunDir| {
        let (resumed, heard) = listening(|task| resume(run, None, &uncached(), task));
        same(&whole, &run_of(resumed));
        heard.notes
    };
    // What an earlier version left: every file of the first epoch except its state.
    let old = stopped();
    std::fs::remove_file(old.path().join("SHA256SUMS")).unwrap();
    std::fs::remove_file(old.last_state()).unwrap();
    assert!(old.metrics().exists());
    let notes = resumed(old);
    assert!(
        notes.contains(&"no epoch was finished: it begins at epoch 1 again".into()),
        "{notes:?}"
    );
    // What this version leaves: files of an epoch that was never committed, and a temporary file.
    let new = stopped();
    let next = |file: &Path| {
        file.with_file_name(format!(".next-{}", file.file_name().unwrap().to_string_lossy()))
    };
    for file in [new.metrics(), new.best_weights(), new.last_weights()] {
        std::fs::write(next(&file), b"half").unwrap();
    }
    std::fs::write(new.checkpoints().join(".writing-abc"), b"half").unwrap();
    std::fs::rename(new.last_state(), next(&new.last_state())).unwrap();
    let notes = resumed(new.clone());
    assert!(
        !notes.iter().any(|note| note.text.contains("begins at epoch 1")),
        "its epoch was finished: {notes:?}"
    );
    for folder in [new.path().to_path_buf(), new.checkpoints(), new.predictions_dir()] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            assert!(!name.starts_with('.'), "{name} was left");
        }
    }
}

#[test]
fn a_finished_run_goes_on_to_more_epochs_as_if_it_had_been_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [5, 3, 2]);
    let runs = dir.path().join("runs");
    let further = |run: &RunDir, epochs| {
        let (resumed, heard) =
            listening(|task| resume(run.clone(), Some(epochs), &uncached(), task));
        resumed.map(|trained| (trained.run, heard.notes)).map_err(|error| error.to_string())
    };
    let short = train_quietly(&small_config(&data, Strategy::Full, 2), &runs);
    let error = further(&short, 2).unwrap_err();
    assert!(
        error.contains("epochs is 2, expected more than are finished") && short.is_finished(),
        "{error}"
    );
    let (long, notes) = further(&short, 4).unwrap();
    same(&train_quietly(&small_config(&data, Strategy::Full, 4), &runs), &long);
    let said = |notes: &[Note], what: &str| notes.iter().any(|note| note.text.contains(what));
    assert!(said(&notes, "read the test photos again"), "{notes:?}");
    assert!(!said(&notes, "schedule"), "{notes:?}");
    assert_eq!(long.read_record().unwrap().settings.epochs, 4);
    // A schedule that depends on the number of epochs is noted.
    let scheduler = SchedulerKind::Cosine { min_learning_rate: 0.0 };
    let config = Settings { scheduler, ..small_config(&data, Strategy::Full, 1) };
    let (_, notes) = further(&train_quietly(&config, &runs), 2).unwrap();
    assert!(said(&notes, "the cosine schedule now runs over 2 epochs in place of 1"), "{notes:?}");
}

#[test]
fn weights_that_are_finite_and_whose_answers_are_not_begin_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [4, 2, 2]);
    let runs = dir.path().join("runs");
    let config = small_config(&data, Strategy::Full, 1);
    let good = read_checkpoint(&train_quietly(&config, &runs).best_weights()).unwrap();
    // A negative variance, and values that overflow together.
    for (name, value) in [("bn1.running_var", -2.0), ("layer1.0.conv1.weight", 3e38)] {
        let mut tensors = good.tensors.clone();
        tensors.get_mut(name).unwrap().data.fill(value);
        let weights = dir.path().join(format!("{name}.safetensors"));
        write_checkpoint(&weights, &tensors, &good.batches_tracked, None).unwrap();
        for strategy in [Strategy::Freeze, Strategy::Full] {
            let weights = weights.to_string_lossy().into_owned().into();
            let config = Settings { weights, method: strategy.into(), ..config.clone() };
            let error =
                train(&config, &runs, &uncached(), Task::unwatched()).unwrap_err().to_string();
            assert!(error.contains("before the first step: weights"), "{name} {strategy}: {error}");
        }
    }
    assert_eq!(RunDir::list(&runs).unwrap().len(), 1);
}

#[test]
fn test_photos_that_are_swapped_under_a_training_are_not_judged() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [4, 2, 2]);
    let (stop, test) = (AtomicBool::new(false), data.join("test"));
    let on = |event: Event<'_>| {
        if let Event::Epoch { .. } = event {
            std::fs::copy(test.join("striped/000.png"), test.join("checked/000.png")).unwrap();
        }
    };
    let task = Task::new(&stop, &on);
    let config = small_config(&data, Strategy::Full, 1);
    let error =
        train(&config, &dir.path().join("runs"), &uncached(), task).unwrap_err().to_string();
    assert!(error.contains("000.png is not the photo that was prepared"), "{error}");
}

#[test]
fn a_run_does_not_resume_as_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [4, 2, 2]);
    let config = small_config(&data, Strategy::Full, 2);
    let (run, _) = stopped_after(&config, &dir.path().join("runs"), 1, 0);
    let refused = |wanted: &str| {
        let error =
            resume(run.clone(), None, &uncached(), Task::unwatched()).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    };
    let held = run.lock().unwrap().unwrap();
    refused("is being trained by another process");
    drop(held);
    assert!(!run.path().join(".lock").exists());

    let config = std::fs::read_to_string(run.config()).unwrap();
    std::fs::write(run.config(), config.replace("learning_rate = 0.001", "learning_rate = 0.5"))
        .unwrap();
    refused("config.toml has SHA-256");
    let sums = std::fs::read(run.path().join("SHA256SUMS")).unwrap();
    std::fs::remove_file(run.path().join("SHA256SUMS")).unwrap();
    refused("config.toml is not what it began with");
    std::fs::write(run.path().join("SHA256SUMS"), sums).unwrap();
    std::fs::write(run.config(), config).unwrap();

    let best = std::fs::read(run.best_weights()).unwrap();
    std::fs::remove_file(run.best_weights()).unwrap();
    refused("best.safetensors");
    std::fs::write(run.best_weights(), best).unwrap();

    let state = std::fs::read(run.last_state()).unwrap();
    std::fs::remove_file(run.last_state()).unwrap();
    refused("epochs were finished, but");
    std::fs::write(run.last_state(), &state[..state.len() - 7]).unwrap();
    refused("last.state.safetensors");
    std::fs::write(run.last_state(), &state).unwrap();

    // A flipped bit in any file that resuming reads, also in the middle of a tensor.
    for file in
        [run.last_state(), run.last_weights(), run.best_weights(), run.metrics(), run.manifest()]
            .into_iter()
            .chain([run.predictions(kennel_core::Split::Val)])
    {
        let whole = std::fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        let middle = flipped.len() * 3 / 4;
        flipped[middle] ^= 1;
        std::fs::write(&file, flipped).unwrap();
        refused(&format!("{} has SHA-256", file.display()));
        std::fs::write(&file, whole).unwrap();
    }

    let (first, moved) = (data.join("train/checked/000.png"), data.join("val/checked/000-2.png"));
    std::fs::rename(first, &moved).unwrap();
    refused("its photos are divided otherwise than when it began");
    std::fs::remove_file(moved).unwrap();
    refused("the photos are not those it began with");
}

#[test]
fn a_run_ends_the_same_with_a_cold_a_warm_a_full_and_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    draw_photos(&data, [9, 3, 3]);
    for (name, strategy, unfreeze) in [
        ("freeze", Strategy::Freeze, vec![]),
        // A network with two blocks in its last stage, cut between them.
        ("partial", Strategy::Partial, vec!["layer4.1", "fc"]),
    ] {
        let runs = folder.path().join(name);
        let config = Settings {
            model: "resnet18".into(),
            feature_views: 2,
            unfreeze: unfreeze.into_iter().map(String::from).collect(),
            ..small_config(&data, strategy, 3)
        };
        let dir = folder.path().join(format!("cache-{name}"));
        let run = |max_bytes: Option<u64>| {
            let cache = max_bytes.map(|max_bytes| CacheOptions { dir: dir.clone(), max_bytes });
            let options = TrainOptions { cache, ..uncached() };
            let (trained, heard) = listening(|task| train(&config, &runs, &options, task));
            (run_of(trained), heard)
        };
        let (cold, heard) = run(Some(1 << 30));
        let parts = ["train-0", "val", "train-1", "test"].map(|part| format!("features of {part}"));
        assert_eq!(heard.features, parts, "each computed once");
        let (warm, heard) = run(Some(1 << 30));
        assert!(heard.features.is_empty(), "nothing is computed again: {:?}", heard.features);
        let cached = warm.read_record().unwrap().facts.feature_cache.unwrap();
        assert!(Path::new(&cached).starts_with(&dir), "the run says so: {}", cached);

        let (none, _) = run(None);
        assert!(contents(&cold) == contents(&warm), "{name}: warm");
        assert!(contents(&cold) == contents(&none), "{name}: none");
        std::fs::remove_dir_all(&dir).unwrap();
        let (full, heard) = run(Some(5000));
        assert!(
            heard.notes.iter().any(|note| note.hint == Some(Hint::LargerCache)),
            "{:?}",
            heard.notes
        );
        assert!(contents(&cold) == contents(&full), "{name}: full");

        // A fresh view every epoch gives another result.
        let fresh = Settings { feature_views: 0, ..config.clone() };
        assert!(contents(&train_quietly(&fresh, &runs)) != contents(&cold), "{name}: fresh views");
    }
}
