//! The way from photos to labels through the library, on the demo's drawn photos and network.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use kennel::hint::Hint;
use kennel::{
    DataSet, Event, Model, PartialSettings, Preparation, Run, SplitCounts, Strategy, Training,
    prepare,
};

/// A data set of drawn photos, and weights for `test_resnet`.
struct Fixture {
    folder: tempfile::TempDir,
    data: DataSet,
    weights: String,
}

fn path_in(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

fn drawn() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let photos = path_in(&folder, "photos");
    kennel_demo::write_photos(&photos, &kennel_demo::demo_breeds()[..2], 20, 42).unwrap();
    let backbone =
        kennel_demo::BACKBONES.iter().find(|backbone| backbone.model == "test_resnet").unwrap();
    let weights = backbone.write(&path_in(&folder, "weights")).unwrap().display().to_string();
    let data = prepare(photos, path_in(&folder, "data")).unwrap();
    Fixture { folder, data, weights }
}

impl Fixture {
    fn training(&self) -> Training<'_> {
        Training::new("test_resnet", &self.data)
            .strategy(Strategy::Freeze)
            .weights(self.weights.as_str())
            .epochs(1)
            .runs(path_in(&self.folder, "runs"))
            .cache(path_in(&self.folder, "cache"))
            .device("cpu")
    }

    fn photo(&self) -> PathBuf {
        path_in(&self.folder, "photos").join(&self.data.class_names()[0]).join("0001.jpg")
    }
}

#[test]
fn a_run_and_its_exported_file_label_a_photo_alike() {
    let drawn = drawn();
    assert_eq!(drawn.data.counts(), SplitCounts { train: 28, val: 6, test: 6 });
    assert_eq!(
        drawn.data.counts_of(&drawn.data.class_names()[1]),
        SplitCounts { train: 14, val: 3, test: 3 }
    );
    assert!(drawn.data.rejected().is_empty());

    let mut epochs = 0;
    let on_event = |event: Event<'_>| {
        if let Event::Epoch { record, is_best } = event {
            epochs += 1;
            assert!(
                record.epoch == epochs && record.val_loss.is_some_and(f64::is_finite) && is_best
            );
        }
    };
    let run = drawn.training().on_event(on_event).train().unwrap();
    assert_eq!(epochs, 1);
    assert_eq!((run.best_epoch(), run.validation().unwrap().photos), (Some(1), 6));
    let test = run.test().unwrap();
    assert!(test.low <= test.value && test.value <= test.high);
    assert!(test.to_string().starts_with(&format!("{}/6 = ", test.correct)), "{test}");

    let opened = Run::open(run.path()).unwrap();
    assert_eq!((opened.validation(), opened.test()), (run.validation(), run.test()));

    let file = path_in(&drawn.folder, "dogs.onnx");
    assert_eq!(run.export(&file).unwrap(), run.validation().unwrap());
    let [mut by_run, mut by_file] = [run.path(), &file].map(|path| Model::open(path).unwrap());
    assert_eq!(by_run.class_names(), drawn.data.class_names());
    assert_eq!(by_run.class_names(), by_file.class_names());
    let [one, other] = [&mut by_run, &mut by_file].map(|model| model.label(drawn.photo()).unwrap());
    assert_eq!(one.name, other.name);
    assert!((one.probability - other.probability).abs() < 1e-4, "{one:?} {other:?}");
    assert_eq!((&one.ranking[0].0, one.ranking.len()), (&one.name, 2));

    let explanation = by_run.explain(drawn.photo(), None).unwrap();
    assert_eq!((&explanation.class, &explanation.label.name), (&one.name, &one.name));
    assert!((explanation.label.probability - one.probability).abs() < 1e-4);
    let heat = explanation.heat.values();
    assert_eq!(heat.len(), explanation.heat.side() * explanation.heat.side());
    assert!(explanation.picture().starts_with(b"\x89PNG"));
    let other = by_run.explain(drawn.photo(), Some(one.ranking[1].0.as_str())).unwrap();
    assert_eq!((&other.class, &other.label.name), (&one.ranking[1].0, &one.name));
    assert_ne!(other.heat, explanation.heat);
    let error = by_run.explain(drawn.photo(), Some("zebra")).unwrap_err();
    assert!(error.to_string().contains("zebra") && error.to_string().contains(&one.name));
    let error = by_file.explain(drawn.photo(), None).unwrap_err();
    assert_eq!(error.hints(), [Hint::OfRun]);

    // A photo that is missing does not end the others.
    let gone = path_in(&drawn.folder, "gone.jpg");
    let all = by_run.label_all([gone.clone(), drawn.photo()]).unwrap();
    assert!(all[0].label.is_err() && all[0].photo == gone);
    assert_eq!(all[1].label.as_ref().unwrap(), &one);
    let folder = drawn.photo().parent().unwrap().to_path_buf();
    assert_eq!(by_run.label_all([folder]).unwrap().len(), 20);
}

#[test]
fn a_test_view_is_that_of_the_run_and_of_its_file() {
    let drawn = drawn();
    let run = drawn.training().test_side(160).test_flip(true).train().unwrap();
    let file = path_in(&drawn.folder, "dogs.onnx");
    assert_eq!(run.export(&file).unwrap(), run.validation().unwrap());
    let [one, other] =
        [run.path(), &file].map(|path| Model::open(path).unwrap().label(drawn.photo()).unwrap());
    assert!((one.probability - other.probability).abs() < 1e-4, "{one:?} {other:?}");
}

#[test]
fn an_error_says_what_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let missing = path_in(&folder, "photos");
    let shown = missing.display().to_string();
    let error = prepare(&missing, path_in(&folder, "data")).unwrap_err();
    assert!(error.to_string().contains(&shown), "{error}");
    assert_eq!(error.hints(), [Hint::ClassFoldersOrTar]);
    for error in [
        DataSet::open(&missing).unwrap_err(),
        Run::open(&missing).unwrap_err(),
        Model::open(&missing).unwrap_err(),
        Model::open(missing.with_extension("onnx")).unwrap_err(),
    ] {
        assert!(error.to_string().contains(&shown), "{error}");
    }
    let file = path_in(&folder, "mine.toml");
    std::fs::write(&file, "epoch = 3").unwrap();
    let data = drawn().data;
    let error = Training::new("test_resnet", &data).config(&file).unwrap_err();
    assert!(
        error.to_string().contains("mine.toml") && error.to_string().contains("epoch"),
        "{error}"
    );
    assert_eq!(error.hints(), [Hint::DidYouMean("epochs".into())]);
    let error =
        Preparation::new(&missing, folder.path()).fractions(0.9, 0.9).prepare().unwrap_err();
    assert_eq!(error.hints(), [Hint::ValidFractions]);
}

#[test]
fn a_training_that_cannot_begin_makes_no_run() {
    let drawn = drawn();
    let settings = |text: &str| PartialSettings::parse(text).unwrap();
    for (training, said) in [
        (drawn.training().weights("none-such.safetensors"), "none-such.safetensors"),
        (drawn.training().weights("no_such_tag"), "this library downloads nothing"),
        (drawn.training().settings(settings("batch_size = 0")), "batch_size is 0"),
        (drawn.training().device("gpu"), "device `gpu` is unknown"),
        (Training::new("resnt50", &drawn.data), "resnt50"),
    ] {
        let error = training.train().unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(!error.is_stopped());
    }
    assert!(!path_in(&drawn.folder, "runs").exists());
}

#[test]
fn a_stopped_training_names_its_run() {
    let drawn = drawn();
    let stop = AtomicBool::new(false);
    let on_event = |event: Event<'_>| {
        if let Event::Epoch { .. } = event {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let error = drawn.training().epochs(3).stop(&stop).on_event(on_event).train().unwrap_err();
    assert!(error.is_stopped() && error.to_string().contains("finished epochs: 1"), "{error}");
    let hints = error.hints();
    let [Hint::Resume { run }] = &hints[..] else { panic!("{hints:?}") };
    assert!(run.starts_with(drawn.folder.path()) && run.is_dir());
}

#[test]
fn no_source_of_the_facade_names_burn() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: Vec<_> =
        std::fs::read_dir(sources).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 5);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.to_lowercase().contains("burn"), "{}", file.display());
    }
}
