//! The laws of a run whose batches are cut into shards, by one process. `tools/check_ranks.py` runs
//! several, over real MPI libraries.

#[path = "common/photos.rs"]
mod photos;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use kennel_core::task::Event;
use kennel_core::{ClassWeights, OptimizerConfig, RunDir, Settings, Strategy, Task};
use kennel_infer::Compute;
use kennel_models::read_checkpoint;
use kennel_train::{TrainError, TrainOptions, resume, train};
use photos::{draw_photos, small_config};

/// 22 training photos in batches of 8: of the last one, some shards are small or empty.
const PHOTOS: [usize; 3] = [11, 3, 2];

fn run_of(settings: &Settings, runs: &Path) -> RunDir {
    train(settings, runs, &TrainOptions::new(Compute::cpu()), Task::unwatched()).unwrap().run
}

fn bytes(run: &RunDir) -> Vec<Vec<u8>> {
    [run.best_weights(), run.last_weights()].map(|file| std::fs::read(file).unwrap()).into()
}

/// The largest difference between the weights of two runs, as a share of the largest weight.
fn difference(a: &RunDir, b: &RunDir) -> f32 {
    let [a, b] = [a, b].map(|run| read_checkpoint(&run.last_weights()).unwrap().tensors);
    let (mut largest, mut differs) = (0.0f32, 0.0f32);
    for (name, value) in &a {
        for (a, b) in value.data.iter().zip(&b[name].data) {
            (largest, differs) = (largest.max(a.abs()), differs.max((a - b).abs()));
        }
    }
    differs / largest
}

#[test]
fn shards_without_statistics_of_their_own_say_what_the_batch_says() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, PHOTOS);
    let runs = dir.path().join("runs");
    let whole = Settings {
        freeze_norm: true,
        class_weights: ClassWeights::Given(
            [("checked".to_string(), 3.0), ("striped".to_string(), 0.5)].into(),
        ),
        // Adam divides by the size of a gradient, and so shows a rounding of one that is near 0.
        optimizer: OptimizerConfig::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 },
        learning_rate: 1e-2,
        ..small_config(&data, Strategy::Full, 2)
    };
    let start = run_of(&Settings { learning_rate: 1e-9, ..whole.clone() }, &runs);
    let run = run_of(&whole, &runs);
    let moved = difference(&start, &run);
    for shards in [2, 4] {
        let sharded = run_of(&Settings { shards, ..whole.clone() }, &runs);
        let differs = difference(&run, &sharded);
        assert!(differs < 1e-3 * moved, "{shards} shards: {differs} of {moved}");
    }
    // With statistics of their own, they say something else.
    let own = Settings { freeze_norm: false, ..whole };
    let sharded = Settings { shards: 4, ..own.clone() };
    assert!(difference(&run_of(&own, &runs), &run_of(&sharded, &runs)) > 1e-3 * moved);
}

#[test]
fn a_run_in_shards_is_reproducible_and_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, PHOTOS);
    let runs = dir.path().join("runs");
    let settings = Settings {
        shards: 4,
        mixup: 0.8,
        drop_rate: 0.3,
        ema: Some(0.9),
        ..small_config(&data, Strategy::Full, 3)
    };
    let whole = run_of(&settings, &runs);
    assert_eq!(bytes(&whole), bytes(&run_of(&settings, &runs)));

    let stop = AtomicBool::new(false);
    let on = |event: Event<'_>| {
        if matches!(event, Event::Step { epoch: 2, .. }) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let options = TrainOptions::new(Compute::cpu());
    match train(&settings, &runs, &options, Task::new(&stop, &on)) {
        Err(TrainError::Interrupted { run, epochs: 1 }) => {
            let resumed = resume(run, None, &options, Task::unwatched()).unwrap().run;
            assert_eq!(bytes(&whole), bytes(&resumed));
        }
        other => panic!("it did not stop: {other:?}"),
    }
}
