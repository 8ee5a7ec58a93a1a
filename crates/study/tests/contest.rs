//! The laws of a study of several networks with the strategy `auto`: only networks in contention
//! are fine-tuned, every run is finished and says why, and a study that was stopped decides the
//! same.

#[path = "../../auto/tests/common/mislabelled.rs"]
mod mislabelled;
#[path = "../../train/tests/common/photos.rs"]
mod photos;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kennel_auto::Contender;
use kennel_core::{
    AutoRecord, PartialSettings, RunDir, Settings, SettingsError, Strategy, Task, Weights, task,
};
use kennel_data::Dataset;
use kennel_infer::{Compute, manifest_digest};
use kennel_report::NoCommands;
use kennel_study::{
    Claims, Ended, Event, Existing, Halt, Study, StudyError, StudyOptions, Unresolved,
};
use kennel_train::TrainOptions;
use mislabelled::swap_labels;
use photos::{draw_photos, small_config};

const SEEING: &str = "test_resnet";
const BLIND: &str = "test_efficientnet";

/// Settings of one network. To the blind one every photo is the same: its pixels are lost beside
/// the mean that is subtracted.
fn resolved(asked: PartialSettings) -> Result<Settings, Unresolved<SettingsError>> {
    let mut preprocessing = small_config(Path::new(""), Strategy::Auto, 1).preprocessing;
    if asked.model.as_deref() == Some(BLIND) {
        preprocessing.mean = [1e9; 3];
    }
    asked.complete(Weights::Random, preprocessing).map_err(Unresolved::Study)
}

/// Runs the study of both networks in a folder, as a process would that begins or resumes it.
fn run(data: &Path, runs: &Path, task: Task<'_>) -> (Result<Ended, StudyError>, Vec<Contender>) {
    let study = Study {
        base: PartialSettings {
            data_dir: Some(data.to_string_lossy().into_owned()),
            epochs: Some(1),
            batch_size: Some(8),
            feature_views: Some(1),
            ..PartialSettings::default()
        },
        shared: PartialSettings::default(),
        models: vec![BLIND.into(), SEEING.into()],
        weights: BTreeMap::new(),
        strategies: vec![Strategy::Auto],
        grid: Vec::new(),
        seeds: Vec::new(),
    };
    let data = Dataset::open(data).unwrap();
    let existing = Existing::read(runs, &manifest_digest(&data).unwrap()).unwrap();
    let mut experiments = study.plan::<SettingsError>(resolved).unwrap();
    experiments.iter_mut().for_each(|experiment| experiment.find_run(&existing));
    let train = TrainOptions { data: Some(data.clone()), ..TrainOptions::new(Compute::cpu()) };
    let claims = Claims::new(runs, &manifest_digest(&data).unwrap());
    let options = StudyOptions {
        data: &data,
        runs,
        existing: &existing,
        claims: Some(&claims),
        scores_baselines: true,
        train,
        commands: &NoCommands,
    };
    let compared = RefCell::new(Vec::new());
    let on = |event: Event<'_>| {
        if let Event::Contended { label, all } = event {
            assert_eq!(label, "auto");
            compared.borrow_mut().extend_from_slice(all);
        }
    };
    let ended = study.run(experiments, &options, task, &on);
    (ended, compared.into_inner())
}

fn run_of(runs: &Path, model: &str) -> RunDir {
    let all = RunDir::list(runs).unwrap();
    let mut of_model =
        all.into_iter().filter(|run| run.read_record().unwrap().settings.model == model);
    let run = of_model.next().unwrap();
    assert!(of_model.next().is_none(), "one run of {model}");
    run
}

/// What a stop must not change: the files of both runs, and what each tried.
fn contents(runs: &Path) -> Vec<(Vec<u8>, AutoRecord)> {
    let files = ["checkpoints/best.safetensors", "predictions/test.jsonl", "evaluation.json"];
    let of = |model: &str| {
        let run = run_of(runs, model);
        let bytes = files.map(|file| std::fs::read(run.path().join(file)).unwrap()).concat();
        let mut record = AutoRecord::read(&run.auto()).unwrap();
        record.candidates.iter_mut().for_each(|candidate| candidate.seconds = 0.0);
        (bytes, record)
    };
    [BLIND, SEEING].map(of).into()
}

#[test]
fn only_networks_in_contention_are_fine_tuned_and_a_stopped_study_decides_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [30, 8, 4]);
    swap_labels(&data);
    let whole = dir.path().join("whole");
    let (ended, compared) = run(&data, &whole, Task::unwatched());
    let ended = ended.unwrap();
    assert_eq!((ended.finished, ended.failed.len()), (2, 0));

    let [blind, seeing] = &compared[..] else { panic!("{compared:?}") };
    assert_eq!((blind.model.as_str(), seeing.model.as_str()), (BLIND, SEEING));
    assert_eq!((seeing.photos, seeing.behind.difference, &seeing.left_out), (76, 0.0, &None));
    assert!(blind.behind.difference > 2.0 * blind.behind.standard_error, "{compared:?}");
    let of = |model: &str| AutoRecord::read(&run_of(&whole, model).auto()).unwrap();
    let of_blind = of(BLIND);
    assert_eq!((of_blind.candidates.len(), of_blind.trials.len()), (1, 1));
    assert_eq!(of_blind.chosen().name(), "convex head");
    assert_eq!(of_blind.left_out, blind.left_out.clone().into_iter().collect::<Vec<_>>());
    assert!(of_blind.left_out[0].contains(SEEING), "{:?}", of_blind.left_out);
    assert!(of(SEEING).trials.len() > 1, "{:?}", of(SEEING).left_out);
    for model in [BLIND, SEEING] {
        assert!(run_of(&whole, model).predictions(kennel_core::Split::Test).exists());
    }

    // Stopped in the first head, and once more in the first fine-tuning.
    let stopped_runs = dir.path().join("stopped");
    for after in [1, 2] {
        let (stop, epochs) = (AtomicBool::new(false), AtomicUsize::new(0));
        let on = |event: task::Event<'_>| {
            if let task::Event::Epoch { .. } = event
                && epochs.fetch_add(1, Ordering::Relaxed) + 1 == after
            {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let (stopped, _) = run(&data, &stopped_runs, Task::new(&stop, &on));
        let stopped = stopped.unwrap_err();
        assert!(matches!(stopped, StudyError::Stopped(Halt::Training { .. })), "{stopped}");
    }
    assert!(!run_of(&stopped_runs, SEEING).is_finished());
    let (ended, compared_again) = run(&data, &stopped_runs, Task::unwatched());
    assert_eq!(ended.unwrap().finished, 2);
    assert_eq!(compared, compared_again);
    assert!(contents(&whole) == contents(&stopped_runs));

    // Nothing is left to compare.
    let (ended, compared) = run(&data, &whole, Task::unwatched());
    assert_eq!((ended.unwrap().finished, compared.len()), (2, 0));
}
