//! Writes run directories by hand and checks the report on them.

use std::path::Path;

use kennel_core::hint::Hinted;
use kennel_core::{
    DuplicateGroup, DuplicateKind, EpochRecord, Hint, Interpolation, Lang, Manifest, Method,
    PhotoRecord, PredictionRecord, Preprocessing, RunDir, RunFacts, RunRecord, Settings, Split,
    Strategy, Weights, files, write_metrics, write_predictions,
};
use kennel_report::{
    CheckKind, Commands, Finding, FinishedRun, Level, Named, Report, heat_map, photos_shown,
    write_report,
};
use serde_json::{Value, json};

/// Words of a program without commands.
struct Words;

impl Commands for Words {
    fn reproduce(&self, run: &FinishedRun) -> String {
        format!("reproduce {}", run.name())
    }

    fn zero_shot(&self, run: &FinishedRun) -> String {
        format!("score the head of {}", run.settings().model)
    }

    fn predict(&self, run: &FinishedRun) -> String {
        format!("predict with {}", run.name())
    }

    fn export(&self, run: &FinishedRun) -> String {
        format!("export {}", run.name())
    }

    fn audit(&self, run: &FinishedRun, out: &Path) -> String {
        format!("audit {} into {}", run.name(), out.display())
    }

    fn name(&self, of: Named) -> &'static str {
        match of {
            Named::Synset => "a synset",
            _ => "a command",
        }
    }

    fn describe(&self, error: &dyn Hinted) -> String {
        error.to_string()
    }
}

/// How to make a run: which of its ten test photos (five of each class) are wrong, and their names.
struct Made<'a> {
    name: &'a str,
    classes: [&'a str; 2],
    weights: &'a str,
    method: Method,
    /// File name; `{}` stands for the photo's number.
    photo: &'a str,
    wrong: &'a [usize],
    seed: u64,
    /// The run that fine-tuned its weights.
    weights_run: Option<&'a str>,
    /// How many of its classes that run had.
    shared: Option<usize>,
    /// Indices of photos that are copies of one picture: 0 to 9 are test photos, 10 to 13
    /// validation photos.
    same: &'a [usize],
    /// Kind of these duplicates.
    kind: DuplicateKind,
}

const PLAIN: Made = Made {
    name: "20260101_000000-resnet18-freeze-s42",
    classes: ["Mittens", "Tom"],
    weights: "resnet18.a1_in1k",
    method: Method::Train(Strategy::Freeze),
    photo: "photo {}.jpg",
    wrong: &[],
    seed: 42,
    weights_run: None,
    shared: None,
    same: &[],
    kind: DuplicateKind::Exact,
};

fn make(runs: &Path, made: &Made) -> RunDir {
    let run = RunDir::create(runs, made.name).unwrap();
    let class_names: Vec<String> = made.classes.map(String::from).into();
    let photos: Vec<(Split, usize, PhotoRecord)> = [(Split::Test, 10), (Split::Val, 4)]
        .into_iter()
        .flat_map(|(split, n)| (0..n).map(move |index| (split, index)))
        .map(|(split, index)| {
            let label = made.classes[index % 2];
            let path = format!("{split}/{label}/{}", made.photo.replace("{}", &index.to_string()));
            let photo = PhotoRecord {
                source: path.clone(),
                sha256: files::sha256_bytes(path.as_bytes()),
                path,
                label: label.into(),
                split,
                width_px: 10,
                height_px: 10,
                group: None,
            };
            (split, index, photo)
        })
        .collect();
    for split in [Split::Test, Split::Val] {
        let records: Vec<PredictionRecord> = photos
            .iter()
            .filter(|(of, _, _)| *of == split)
            .map(|(_, index, photo)| {
                let is_wrong = split == Split::Test && made.wrong.contains(index)
                    || split == Split::Val && *index == 0;
                let said = (index % 2) ^ usize::from(is_wrong);
                let logits = if said == 0 { vec![2.0, -1.0] } else { vec![-1.0, 2.0] };
                PredictionRecord { path: photo.path.clone(), label: photo.label.clone(), logits }
            })
            .collect();
        write_predictions(&run.predictions(split), &records).unwrap();
    }
    let same = |index: &usize| photos[*index].2.path.clone();
    let duplicates = match made.same {
        [] => Vec::new(),
        same_ones => vec![DuplicateGroup {
            kind: made.kind,
            paths: same_ones.iter().map(same).collect(),
            crosses_splits: same_ones.iter().any(|&index| index >= 10),
        }],
    };
    let manifest = Manifest {
        version: 1,
        division: "given".into(),
        grouped_by: None,
        seed: 42,
        classes: class_names.clone(),
        photos: photos.into_iter().map(|(_, _, photo)| photo).collect(),
        rejected: Vec::new(),
        duplicates,
        notes: Vec::new(),
    };
    manifest.write(&run.manifest()).unwrap();
    let preprocessing = Preprocessing::imagenet(224, 0.95, Interpolation::Bicubic);
    let facts = RunFacts {
        class_names,
        trainable_params: 10,
        total_params: 100,
        trained: vec!["fc".into()],
        weights_run: made.weights_run.map(String::from),
        weights_shared_classes: made.shared,
        ..RunFacts::default()
    };
    let weights = Weights::from(made.weights);
    let settings = match made.method {
        Method::ZeroShot => Settings::zero_shot("resnet18".into(), weights, preprocessing),
        Method::Train(strategy) => {
            Settings::published("resnet18".into(), weights, strategy, preprocessing)
        }
        Method::Soup => panic!("no test makes a soup here"),
    };
    let record = RunRecord { settings: Settings { seed: made.seed, ..settings }, facts };
    record.write(&run.config()).unwrap();
    let epoch = |epoch: usize, loss: f64| EpochRecord {
        epoch,
        train_loss: loss,
        train_accuracy: Some(0.5),
        mixed_labels: false,
        val_loss: Some(loss),
        val_accuracy: Some(0.75),
        learning_rate: 1e-3,
        head_update_ratio: 0.01,
        elapsed_s: epoch as f64,
        images_per_s: 100.0,
        peak_rss_bytes: 1 << 30,
    };
    write_metrics(&run.metrics(), &[epoch(1, 0.68), epoch(2, 0.66)]).unwrap();
    files::write_json(&run.evaluation(), &json!({ "best_epoch": 1, "val": null, "test": null }))
        .unwrap();
    run
}

fn level(report: &Report, title: &str) -> Level {
    report.checks.iter().find(|check| check.title == title).unwrap().level
}

#[test]
fn the_overlap_warning_fires_on_names_of_imagenet_and_on_nothing_else() {
    const TITLE: &str = "Pretraining overlap";
    for (made, expected) in [
        (Made { photo: "n02088364_{}.jpg", ..PLAIN }, Level::Warning),
        (Made { classes: ["beagle", "Tom"], ..PLAIN }, Level::Warning),
        (Made { photo: "n02088364_{}.jpg", weights: "none", ..PLAIN }, Level::Fine),
        (Made { photo: "n0208836_{}.jpg", ..PLAIN }, Level::Fine),
        (PLAIN, Level::Fine),
    ] {
        let runs = tempfile::tempdir().unwrap();
        make(runs.path(), &made);
        let report = Report::read(runs.path(), None, &Words).unwrap();
        assert_eq!(
            level(&report, TITLE),
            expected,
            "{} {:?} {}",
            made.photo,
            made.classes,
            made.weights
        );
    }
}

#[test]
fn weights_that_kennel_fine_tuned_are_told_beside_what_they_were_pretrained_on() {
    let fine_tuned = "20251231_000000-resnet18-full-s42";
    let weights_run = Some(fine_tuned);
    for (photo, expected) in [("photo {}.jpg", 1), ("n02088364_{}.jpg", 2)] {
        let runs = tempfile::tempdir().unwrap();
        make(runs.path(), &Made { weights_run, photo, ..PLAIN });
        let report = Report::read(runs.path(), None, &Words).unwrap();
        let told: Vec<_> =
            report.checks.iter().filter(|check| check.title == "Pretraining overlap").collect();
        assert_eq!(told.len(), expected, "{told:?}");
        assert!(told.iter().all(|check| check.level == Level::Warning), "{told:?}");
        assert!(told.iter().any(|check| check.text.contains(fine_tuned)), "{told:?}");
    }
    // Weights fine-tuned on other classes give only a note. Another run whose weights share a class
    // gives a warning, which counts.
    let runs = tempfile::tempdir().unwrap();
    make(runs.path(), &Made { weights_run, shared: Some(0), ..PLAIN });
    assert_eq!(
        level(&Report::read(runs.path(), None, &Words).unwrap(), "Pretraining overlap"),
        Level::Note
    );
    let name = "20260102_000000-resnet18-freeze-s43";
    make(runs.path(), &Made { name, seed: 43, weights_run, shared: Some(1), ..PLAIN });
    assert_eq!(
        level(&Report::read(runs.path(), None, &Words).unwrap(), "Pretraining overlap"),
        Level::Warning
    );
}

#[test]
fn copies_on_one_side_on_both_and_under_two_classes_are_told() {
    let (copies, labels) = ("Copies among the test photos", "Contradictory labels");
    let sides = "Duplicates across splits";
    // Even photos belong to one class, odd ones to the other.
    for (same, expected) in [
        (&[][..], [false, false, false]),
        (&[0, 2, 4], [true, false, false]),
        (&[0, 1], [true, true, false]),
        (&[0, 10], [false, false, true]),
    ] {
        let runs = tempfile::tempdir().unwrap();
        make(runs.path(), &Made { same, ..PLAIN });
        let report = Report::read(runs.path(), None, &Words).unwrap();
        let told = |title: &str| report.checks.iter().find(|check| check.title == title);
        let crosses = told(sides).unwrap().level == Level::Warning;
        assert_eq!([told(copies).is_some(), told(labels).is_some(), crosses], expected, "{same:?}");
        if let Some(check) = told(copies) {
            let n = same.len() - 1;
            assert!(
                check.text.starts_with(&format!("{n} of the 10 test photos")),
                "{}",
                check.text
            );
        }
    }
}

#[test]
fn photos_that_merely_look_alike_are_no_copies() {
    let runs = tempfile::tempdir().unwrap();
    make(runs.path(), &Made { same: &[0, 1, 10], kind: DuplicateKind::Alike, ..PLAIN });
    let report = Report::read(runs.path(), None, &Words).unwrap();
    assert_eq!(level(&report, "Duplicates across splits"), Level::Fine);
    let titles: Vec<_> = report.checks.iter().map(|check| check.title).collect();
    assert!(!titles.contains(&"Contradictory labels"), "{titles:?}");
    assert!(!titles.contains(&"Copies among the test photos"), "{titles:?}");
}

#[test]
fn a_label_says_what_tells_a_run_from_the_others() {
    let dir = tempfile::tempdir().unwrap();
    for made in [
        Made { name: "20260101_000000-resnet18-freeze-s42", ..PLAIN },
        Made { name: "20260101_000000-resnet18-freeze-s42-2", ..PLAIN },
        Made { name: "20260101_000001-resnet18-freeze-s43", seed: 43, ..PLAIN },
        Made { name: "20260101_000002-resnet18-freeze-s42", weights: "mine/cats", ..PLAIN },
    ] {
        make(dir.path(), &made);
    }
    let report = Report::read(dir.path(), None, &Words).unwrap();
    let mut labels: Vec<&str> =
        report.comparison.runs.iter().map(|run| run.label.as_str()).collect();
    labels.sort();
    assert_eq!(
        labels,
        [
            "resnet18 freeze, weights a1_in1k, seed 42, 20260101_000000",
            "resnet18 freeze, weights a1_in1k, seed 42, 20260101_000000-2",
            "resnet18 freeze, weights a1_in1k, seed 43",
            "resnet18 freeze, weights cats, seed 42",
        ]
    );
}

#[test]
fn two_runs_are_told_apart_by_the_photos_on_which_they_differ() {
    let runs = tempfile::tempdir().unwrap();
    make(runs.path(), &PLAIN);
    let other = Made {
        name: "20260102_000000-resnet18-freeze-s43",
        seed: 43,
        wrong: &[0, 3, 4, 9],
        ..PLAIN
    };
    make(runs.path(), &other);
    let report = Report::read(runs.path(), None, &Words).unwrap();
    let [pair] = &report.comparison.pairs[..] else { panic!("{:?}", report.comparison.pairs) };
    assert_eq!((pair.only_first, pair.only_second, pair.p, pair.p_holm), (4, 0, 0.125, 0.125));
    let verdict = "no evidence that resnet18 freeze, seed 42 is better than resnet18 freeze, seed 43: they differ on 4 photos, \
                   4 to 0, p = 0.125";
    assert_eq!(pair.verdict, verdict);
    let [seeds] = &report.comparison.seeds[..] else { panic!("{:?}", report.comparison.seeds) };
    assert!(
        (seeds.mean - 0.8).abs() < 1e-12 && (seeds.sd - 0.08_f64.sqrt()).abs() < 1e-12,
        "{seeds:?}"
    );
    assert_eq!(report.comparison.power, None, "the same run with another seed is no other run");
    let diagnosis = report.comparison.runs[0].diagnosis.clone().unwrap();
    assert!(
        diagnosis.finding == Finding::HeadHardlyTrained && diagnosis.sentence.contains("1.0 %"),
        "{diagnosis:?}"
    );
}

#[test]
fn a_run_that_was_repeated_takes_part_in_pairs_once() {
    let runs = tempfile::tempdir().unwrap();
    make(runs.path(), &PLAIN);
    make(runs.path(), &Made { name: "20260101_000100-resnet18-freeze-s42", ..PLAIN });
    make(
        runs.path(),
        &Made { name: "20260102_000000-resnet18-freeze-s43", seed: 43, wrong: &[0], ..PLAIN },
    );
    let comparison = Report::read(runs.path(), None, &Words).unwrap().comparison;
    let [pair] = &comparison.pairs[..] else { panic!("{:?}", comparison.pairs) };
    assert_eq!(pair.first, "20260101_000100-resnet18-freeze-s42", "the newest stands for both");
    assert!(comparison.runs.len() == 3 && !pair.verdict.contains("Holm"), "{}", pair.verdict);
}

#[test]
fn power_does_not_contradict_the_verdict() {
    let runs = tempfile::tempdir().unwrap();
    make(runs.path(), &PLAIN);
    let worse = Made { method: Strategy::Partial.into(), wrong: &[0, 1, 2, 3, 4, 5], ..PLAIN };
    make(runs.path(), &Made { name: "20260102_000000-resnet18-partial-s42", ..worse });
    let said = |runs: &Path| {
        let comparison = Report::read(runs, None, &Words).unwrap().comparison;
        let evidence = comparison
            .pairs
            .iter()
            .any(|pair| pair.verdict.contains("is better than") && pair.p_holm < 0.05);
        (evidence, comparison.power.unwrap().sentence)
    };
    let (evidence, sentence) = said(runs.path());
    assert!(evidence && sentence.contains("on which it was found this time"), "{sentence}");
    // With more pairs the same difference is no longer evidence.
    make(
        runs.path(),
        &Made { name: "20260103_000000-resnet18-full-s42", method: Strategy::Full.into(), ..PLAIN },
    );
    let (evidence, sentence) = said(runs.path());
    assert!(!evidence && !sentence.contains("found this time"), "{sentence}");
}

#[test]
fn an_untouched_head_on_other_photos_does_not_decide_what_is_compared() {
    let runs = tempfile::tempdir().unwrap();
    let trained = make(runs.path(), &PLAIN);
    let head = Made { name: "20260102_000000-resnet18-zero_shot", photo: "other {}.jpg", ..PLAIN };
    let head = make(runs.path(), &Made { method: Method::ZeroShot, ..head });
    let comparison = Report::read(runs.path(), None, &Words).unwrap().comparison;
    assert_eq!(comparison.best, Some(trained.name()));
    assert_eq!(comparison.left_out[0].run, head.name());
}

#[test]
fn photos_that_are_gone_are_said() {
    let runs = tempfile::tempdir().unwrap();
    make(runs.path(), &PLAIN);
    let report = Report::read(runs.path(), None, &Words).unwrap();
    let check = report.checks.iter().find(|check| check.kind == CheckKind::Pictures).unwrap();
    assert!(check.text.starts_with("There is no data/processed in this folder"), "{}", check.text);
}

#[test]
fn published_counts_give_the_p_that_they_determine_and_else_the_smallest() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, published) = (dir.path().join("runs"), dir.path().join("published"));
    make(&runs, &PLAIN);
    make(
        &runs,
        &Made { name: "20260102_000000-resnet18-freeze-s43", seed: 43, wrong: &[1], ..PLAIN },
    );
    files::create_dir_all(&published).unwrap();
    let results = json!({
        "experiment_name": "resnet18_freeze_1", "model": "resnet18", "freeze_strategy": "freeze", "epochs": 1,
        "batch_size": 32, "lr": 0.001, "optimizer": "adam", "best_val_acc": 75.0, "test_acc": 60.0,
        "history": { "train_loss": [0.7], "train_acc": [50.0], "val_loss": [0.7], "val_acc": [75.0] },
    });
    files::write_json(&published.join("resnet18_freeze_1_results.json"), &results).unwrap();
    let report = Report::read(&runs, Some(&published), &Words).unwrap();
    let [against] = &report.against[..] else { panic!("{:?}", report.against) };
    assert_eq!(against.test.map(|test| test.correct), Some(6));
    let [all_right, one_wrong] = &against.pairs[..] else { panic!("{:?}", against.pairs) };
    assert!(all_right.is_determined && all_right.smallest_p == 0.125, "{all_right:?}");
    assert!(!one_wrong.is_determined && one_wrong.smallest_p == 0.25, "{one_wrong:?}");
    assert!(
        one_wrong.verdict.contains("no photos' records were published"),
        "{}",
        one_wrong.verdict
    );
    assert!(report.figures().unwrap().find("published_curves").is_some());

    files::write_atomically(&published.join("b_results.json"), b"{\"lr\": \"fast\"}").unwrap();
    let error = Report::read(&runs, Some(&published), &Words).unwrap_err().to_string();
    assert!(error.contains("b_results.json"), "{error}");
}

#[test]
fn what_a_folder_is_called_cannot_leave_its_place_in_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    let hostile = "</script><script>alert(1)</script>";
    make(&runs, &Made { classes: [hostile, "<img src=x onerror=alert(1)>"], wrong: &[2], ..PLAIN });
    let report = Report::read(&runs, None, &Words).unwrap();
    let written = write_report(&report, &dir.path().join("results"), Lang::En, &Words).unwrap();
    let page = files::read_text(&written.page).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "the JSON's own, and the one for comfort");
    assert!(!page.contains("<img src=x"));
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"report\">").unwrap();
    let json: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(json["comparison"]["class_names"][0], hostile);
    assert_eq!(json["comparison"]["runs"][0]["test"]["correct"], 9);
    // The photos are gone, but there is a report without them.
    assert!(
        written.plots.iter().all(|path| !path.to_string_lossy().contains("example_predictions"))
    );
}

#[test]
fn damaged_and_unfinished_runs_are_named_and_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path();
    let error = Report::read(&runs.join("nowhere"), None, &Words).unwrap_err();
    assert!(error.to_string().contains("no finished run"), "{error}");
    assert_eq!(error.hints(), [Hint::NoRunsFolder]);
    make(runs, &PLAIN);
    let unfinished = make(runs, &Made { name: "b", ..PLAIN });
    std::fs::remove_file(unfinished.evaluation()).unwrap();
    let others = make(runs, &Made { name: "c", photo: "other {}.jpg", ..PLAIN });
    let damaged = make(runs, &Made { name: "d", ..PLAIN });
    let text = files::read_text(&damaged.predictions(Split::Test)).unwrap();
    files::write_atomically(&damaged.predictions(Split::Test), &text.as_bytes()[..text.len() - 20])
        .unwrap();
    make(runs, &Made { name: "e", ..PLAIN });

    let report = Report::read(runs, None, &Words).unwrap();
    assert_eq!(report.runs.len(), 2);
    let reason = |name: &str| {
        let found = report.comparison.left_out.iter().find(|out| out.run == name);
        found.map(|out| out.reason.clone()).unwrap_or_default()
    };
    assert!(reason("b").contains("is not finished"), "{}", reason("b"));
    assert!(reason(&others.name()).contains("are not these 10 (0 are in both)"), "{}", reason("c"));
    assert!(reason("d").contains("test.jsonl:10:"), "{}", reason("d"));
}

/// A safetensors file without tensors, with facts in its header.
fn header_of(facts: &Value) -> Vec<u8> {
    let header = json!({ "__metadata__": { "kennel": facts.to_string() } }).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}

fn proportion(correct: usize, n: usize) -> Value {
    serde_json::to_value(kennel_metrics::Proportion::new(correct, n)).unwrap()
}

#[test]
fn more_photos_and_unknown_ones_are_told_by_the_runs_that_know() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    make(&runs, &Made { name: "20260101_000000-a", ..PLAIN });
    let knows = make(&runs, &Made { name: "20260102_000000-b", ..PLAIN });
    let half = |with_half, gain, low| json!({ "n": 40, "with_half": with_half, "with_all": 4, "gain": gain, "gain_low": low, "gain_high": 0.3 });
    let class = |name, with_half, gain, low| {
        let errors = half(with_half, gain, low);
        json!({ "name": name, "photos": 32.0, "half": 16.0, "of_class": errors, "overall": errors })
    };
    let ahead = |times, gain| {
        json!({ "times": times, "photos": 64.0 * times, "error": 0.1, "low": 0.05, "high": 0.15,
            "gain": gain, "gain_low": 0.001, "gain_high": 0.03 })
    };
    let draws = |errors| json!([{ "errors": errors, "n": 40 }, { "errors": errors, "n": 40 }]);
    let curve = json!({
        "version": 1,
        "points": [{ "photos": 8.0, "draws": draws(10) }, { "photos": 64.0, "draws": draws(4) }],
        "law": { "floor": 0.0, "scale": 0.1, "exponent": 0.5, "unit": 64.0 },
        "outlook": { "falls": [ahead(1.0, 0.0), ahead(1.5, 0.0123), ahead(2.0, 0.0234)] },
        "classes": [class("Mittens", 5, 0.025, -0.05), class("Tom", 10, 0.15, 0.0756)],
    });
    files::write_json(&knows.learning_curve(), &curve).unwrap();
    let facts = json!({
        "share": 0.01, "threshold": 2.0, "val": proportion(0, 4), "test": proportion(1, 10),
        "left_out": [{ "name": "Mittens", "refused": proportion(7, 20) }],
    });
    let write = |bytes: Vec<u8>| std::fs::write(knows.unknown(), bytes).unwrap();
    write(header_of(&facts));

    let report = Report::read(&runs, None, &Words).unwrap();
    assert!(report.figures().unwrap().find("20260102_000000-b_learning_curve").is_some());
    let written = write_report(&report, &dir.path().join("results"), Lang::En, &Words).unwrap();
    let page = files::read_text(&written.page).unwrap();
    // What a reader sees, without elements.
    let text: String =
        page.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    for said in [
        "wrong on 20/80 = 25.0 % (95 % CI 16.8-35.5) of the photos",
        "fitted to 8 photos, and on 8/80 = 10.0 % (95 % CI 5.2-18.5) if they are fitted to 64.",
        "half as many photos again would bring 1.2 points (95 % interval 0.1 to 3.0), and twice the",
        "The second half of the photos of Tom brought 15.0 points of its recall.",
        "Over all photos the difference is beyond its uncertainty for Tom.",
        "What more photos of Mittens would bring cannot be told",
        "It may call 1.0 % of known photos unknown.",
        "Of the test photos it calls 1/10 = 10.0 % (95 % CI 1.8-40.4) unknown.",
        "7/20 = 35.0 % (95 % CI 18.1-56.7) of them were refused.",
    ] {
        assert_eq!(text.matches(said).count(), 1, "{said}\n{text}");
    }

    // Files of earlier versions lack the classes that were left out.
    let mut old = facts.clone();
    old.as_object_mut().unwrap().remove("left_out");
    write(header_of(&old));
    let report = Report::read(&runs, None, &Words).unwrap();
    assert!(report.comparison.runs[1].unknown.as_ref().unwrap().left_out_total.is_none());

    for (damaged, said) in [
        (vec![0; 4], "description of known photos"),
        (
            header_of(
                &json!({ "share": 0.01, "threshold": 1.0, "val": { "correct": 9, "n": 4, "value": 1.0, "low": 0.0, "high": 1.0 } }),
            ),
            "more photos than there are",
        ),
    ] {
        write(damaged);
        let report = Report::read(&runs, None, &Words).unwrap();
        let reason = &report.comparison.left_out[0].reason;
        assert!(reason.contains(said), "{reason}");
    }
}

/// Writes a report on `runs` and returns its page.
fn page_of(runs: &Path, out: &Path, lang: Lang) -> String {
    let report = Report::read(runs, None, &Words).unwrap().with_labels_in(out).unwrap();
    files::read_text(&write_report(&report, out, lang, &Words).unwrap().page).unwrap()
}

#[test]
fn the_page_goes_from_the_answer_to_the_details() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, out) = (dir.path().join("runs"), dir.path().join("results"));
    make(&runs, &Made { wrong: &[2, 4], ..PLAIN });
    let page = page_of(&runs, &out, Lang::En);
    let places: Vec<usize> = [
        "class=\"big\"",
        "id=\"next-title\"",
        "id=\"photos\"",
        "id=\"comparison\"",
        "id=\"classes\"",
        "id=\"checks\"",
        "id=\"runs\"",
    ]
    .iter()
    .map(|part| page.find(part).unwrap_or_else(|| panic!("{part} is not there")))
    .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(page.contains("export 20260101_000000-resnet18-freeze-s42"));
    // A number of the confusion matrix leads to its photos.
    assert!(page.contains("href=\"#cell-0-1\"") && page.contains("id=\"cell-0-1\""));
    assert!(page.contains("taken for") && page.contains("test/Mittens/photo 2.jpg"));
    assert!(!page.contains("id=\"cell-1-0\""), "no photo of Tom was taken for Mittens");

    let flawless = dir.path().join("flawless");
    make(&flawless, &PLAIN);
    let page = page_of(&flawless, &out, Lang::En);
    assert!(page.contains("None: 10 test photos, and every answer is right."));
}

#[test]
fn a_russian_page_has_the_numbers_of_the_english_one_with_commas() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, out) = (dir.path().join("runs"), dir.path().join("results"));
    make(&runs, &Made { wrong: &[2], ..PLAIN });
    make(
        &runs,
        &Made { name: "20260102_000000-resnet18-freeze-s43", seed: 43, wrong: &[1, 2], ..PLAIN },
    );
    let data = |page: &str| {
        let (_, rest) =
            page.split_once("<script type=\"application/json\" id=\"report\">").unwrap();
        rest.split_once("</script>").unwrap().0.to_string()
    };
    let [english, russian] = [Lang::En, Lang::Ru].map(|lang| page_of(&runs, &out, lang));
    assert_eq!(data(&english), data(&russian), "data for programs has no language");
    assert!(english.contains("<html lang=\"en\">") && russian.contains("<html lang=\"ru\">"));
    let numbers = |page: &str| page.matches("<data ").count();
    assert_eq!(numbers(&english), numbers(&russian));
    assert!(english.contains(">9/10 = 90.0 % (95 % CI 59.6-98.2)<"));
    assert!(russian.contains(">9/10 = 90,0 % (95 % ДИ 59,6-98,2)<"));
    assert!(russian.contains("верных ответов на 10 тестовых фотографий"));
    for left in ["What to do next", "Before you believe it", "Every run", "test photos"] {
        assert!(english.contains(left) && !russian.split("<script").next().unwrap().contains(left));
    }
}

#[test]
fn wrong_labels_of_an_audit_are_shown_while_they_concern_the_photos() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, out) = (dir.path().join("runs"), dir.path().join("results"));
    make(&runs, &PLAIN);
    let wrong = |path: &str, label: &str| {
        json!({ "path": path, "label": label, "suggested": "Tom", "label_probability": 0.02,
            "suggested_probability": 0.9, "probabilities": [0.02, 0.9] })
    };
    let estimate = json!({ "count": 1, "low": 0.0, "high": 2.0 });
    let found = json!({
        "photos": 14, "class_names": ["Mittens", "Tom"], "as_labelled": proportion(13, 14),
        "estimated_wrong": estimate, "classes": [], "ambiguous": [], "outliers": null,
        "contradictions": [], "class_pairs": [],
        "wrong_labels": [
            wrong("val/Mittens/photo 2.jpg", "Mittens"),
            // Another label since, and a photo that is gone.
            wrong("val/Mittens/photo 0.jpg", "Tom"),
            wrong("val/Mittens/gone.jpg", "Mittens"),
        ],
    });
    files::create_dir_all(&out).unwrap();
    files::write_json(&out.join("audit.json"), &found).unwrap();
    let labels = |report: Report| report.with_labels_in(&out).unwrap().labels;
    let kept = labels(Report::read(&runs, None, &Words).unwrap()).unwrap();
    assert_eq!(kept.wrong_labels.len(), 1);
    let page = page_of(&runs, &out, Lang::En);
    assert!(page.contains("id=\"labels\"") && page.contains("val/Mittens/photo 2.jpg"));

    let others = Made { classes: ["Mittens", "Felix"], ..PLAIN };
    make(&dir.path().join("others"), &others);
    let others = Report::read(&dir.path().join("others"), None, &Words).unwrap();
    assert_eq!(labels(others), None, "an audit of other classes");
    std::fs::write(out.join("audit.json"), "{").unwrap();
    let error = Report::read(&runs, None, &Words).unwrap().with_labels_in(&out).unwrap_err();
    assert!(error.to_string().contains("audit.json"), "{error}");
}

#[test]
fn heat_maps_are_those_that_the_run_holds() {
    let dir = tempfile::tempdir().unwrap();
    let run = make(dir.path(), &PLAIN);
    let path = "test/Mittens/photo 0.jpg";
    assert_eq!(heat_map(&run, Split::Test, path), None);
    let file = run.path().join("heat_maps/test/test/Mittens/photo 0.jpg.png");
    files::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "a picture").unwrap();
    assert_eq!(heat_map(&run, Split::Test, path), Some(file));
    assert_eq!(heat_map(&run, Split::Val, path), None);
    assert_eq!(heat_map(&run, Split::Test, "../test/test/Mittens/photo 0.jpg"), None);
}

#[test]
fn the_photos_that_the_page_shows_are_known_before_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), &Made { wrong: &[3, 6], ..PLAIN });
    let report = Report::read(dir.path(), None, &Words).unwrap();
    let shown = photos_shown(&report).unwrap();
    assert_eq!((shown.run.name(), shown.split), (PLAIN.name.into(), Split::Test));
    // Two mistakes, then all others: there is room for eight.
    assert_eq!(shown.paths.len(), 10);
    let mut first = shown.paths[..2].to_vec();
    first.sort_unstable();
    assert_eq!(first, ["test/Mittens/photo 6.jpg", "test/Tom/photo 3.jpg"]);
}

#[test]
fn what_a_search_tried_is_a_table_of_its_run() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, out) = (dir.path().join("runs"), dir.path().join("results"));
    let run = make(&runs, &PLAIN);
    let trial = |rate: f64, ended: &str| {
        json!({ "learning_rate": rate, "layer_decay": null, "augmentation": null,
            "drop_path_rate": 0.0, "ended": ended, "epochs": 2, "best_epoch": 1, "val_loss": 0.5,
            "val_accuracy": 0.75, "seconds": 12.0 })
    };
    let search = json!({ "version": 1, "rungs": [1], "chosen": 1,
        "trials": [trial(1e-3, "halted"), trial(3e-4, "finished")] });
    files::write_json(&run.search(), &search).unwrap();
    let page = page_of(&runs, &out, Lang::En);
    assert!(page.contains("What it tried") && page.contains(">3e-4<") && page.contains("halted"));
    assert_eq!(page.matches("★ </span>chosen").count(), 1);
}
