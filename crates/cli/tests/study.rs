//! `kennel run`, `evaluate --compare-all` and `report`, as users meet them.

mod common;
#[cfg(unix)]
#[path = "common/process.rs"]
mod process;

use std::path::{Path, PathBuf};

use common::{draw_photos, fails, json, json_of, kennel, ok, prepared, stderr};

/// A study of two strategies that takes seconds.
const STUDY: [&str; 11] = [
    "run",
    "--data",
    "data",
    "--models",
    "test_resnet",
    "--weights",
    "test_resnet=none",
    "--set",
    "preprocessing.side_px=32",
    "--strategies",
    "freeze,full",
];

fn study<'a>(more: &[&'a str]) -> Vec<&'a str> {
    STUDY.iter().chain(&["--set", "batch_size=8"]).chain(more).copied().collect()
}

/// The runs in their order; not the claims of a process that works.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let mut runs: Vec<_> = std::fs::read_dir(folder.join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with(".claims"))
        .collect();
    runs.sort();
    runs
}

#[test]
fn a_study_is_planned_trained_once_and_reported() {
    let dir = prepared(14);
    let here = dir.path();
    let planned = ok(here, &study(&["--epochs", "2", "--dry-run"]));
    // A dry run prints the plan on stdout.
    let said = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(said.contains("test_resnet full") && said.contains("about "), "{said}");
    let planned =
        json(&ok(here, &study(&["--epochs", "2", "--dry-run", "-q", "--format", "json"])));
    let [freeze, full] = &planned["experiments"].as_array().unwrap()[..] else {
        panic!("{planned}")
    };
    assert!(freeze["experiment"] == "test_resnet freeze" && full["state"] == "new", "{planned}");
    assert!(full["about_s"].as_f64().unwrap() > 0.0 && full["epochs"] == 2, "{planned}");
    assert!(!here.join("runs").exists());

    let first =
        ok(here, &study(&["--epochs", "2", "--seeds", "1,2", "--format", "json", "--tensorboard"]));
    let said = json(&first);
    assert_eq!(said["comparison"]["runs"].as_array().unwrap().len(), 4);
    assert_eq!(said["comparison"]["pairs"].as_array().unwrap().len(), 6);
    assert_eq!(said["comparison"]["seeds"].as_array().unwrap().len(), 2);
    assert!(said["best"].is_string() && said["failed"].as_array().unwrap().is_empty(), "{said}");
    assert_eq!(said["onnx"], "models/best_model_test_resnet.onnx");
    assert!(
        here.join("models/best_model_test_resnet.onnx").is_file()
            && here.join("models/parity.json").is_file()
    );
    let page = std::fs::read_to_string(here.join("results/report.html")).unwrap();
    assert!(
        page.contains("чёрный пёс 1")
            && !page.contains("http://")
            && !page.contains("<link rel=\"stylesheet\"")
    );
    for plot in ["training_curves", "comparison_table", "per_class_f1"] {
        for kind in ["svg", "png"] {
            assert!(
                here.join(format!("results/plots/{plot}.{kind}")).metadata().unwrap().len() > 1000,
                "{plot}"
            );
        }
    }
    let made = runs(here);
    for run in &made {
        let name = run.file_name().unwrap().to_string_lossy().into_owned();
        for file in [
            format!("metrics/{name}_results.json"),
            format!("plots/{name}_confusion_matrix.svg"),
            format!("plots/{name}_reliability_diagram.png"),
            format!("plots/{name}_example_predictions.png"),
            format!("plots/{name}_classification_report.txt"),
        ] {
            assert!(here.join("results").join(&file).is_file(), "{file}");
        }
        let events = std::fs::read_dir(run.join("tensorboard")).unwrap().next().unwrap().unwrap();
        assert!(events.file_name().to_string_lossy().contains("tfevents"));
    }

    let again = ok(here, &study(&["--epochs", "2", "--seeds", "1,2"]));
    assert!(stderr(&again).matches("finished  2").count() == 4, "{}", stderr(&again));
    assert_eq!(runs(here), made, "nothing is trained twice");
    let elsewhere = here.join("data").display().to_string();
    let spelt: Vec<&str> = study(&["--epochs", "2", "--seeds", "1,2", "--dry-run"])
        .iter()
        .map(|&word| if word == "data" { &elsewhere } else { word })
        .collect();
    let spelt = ok(here, &spelt);
    let spelt = String::from_utf8_lossy(&spelt.stdout).into_owned();
    assert!(spelt.matches("finished  2").count() == 4, "{spelt}");
    assert!(String::from_utf8_lossy(&again.stdout).contains("no evidence that"));
    let table = ok(here, &["evaluate", "--compare-all"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("test_resnet freeze, seed 2"));
    let reported = ok(here, &["report", "--out", "elsewhere"]);
    assert!(here.join("elsewhere/report.html").is_file(), "{}", stderr(&reported));
}

#[test]
fn a_report_shows_what_a_network_draws_if_photos_and_checkpoint_are_at_hand() {
    let dir = prepared(14);
    let here = dir.path();
    let plain = ["--epochs", "1", "--no-heat-maps", "--no-map", "--format", "json"];
    let first = ok(here, &study(&plain));
    let best = here.join("runs").join(json(&first)["best"].as_str().unwrap());
    let (heat_maps, page) = (best.join("heat_maps"), here.join("results/report.html"));
    let shown = || std::fs::read_to_string(&page).unwrap().matches("id=\"heat-").count();
    let map = best.join("photo_map.json");
    let has_map = || std::fs::read_to_string(&page).unwrap().contains("id=\"map\"");
    assert_eq!((heat_maps.exists(), shown()), (false, 0));
    assert!(!map.exists() && !has_map());

    // A note says why there are none.
    let away = |path: &str| std::fs::rename(here.join(path), here.join("away")).unwrap();
    let back = |path: &str| std::fs::rename(here.join("away"), here.join(path)).unwrap();
    let weights = best.join("checkpoints/best.safetensors");
    let weights = weights.strip_prefix(here).unwrap().to_string_lossy();
    for path in ["data", &weights] {
        away(path);
        let said = stderr(&ok(here, &["report"]));
        assert_eq!(said.matches("note: the report has no heat maps: ").count(), 1, "{said}");
        assert!(said.contains("note: the report has no map of the photos: "), "{said}");
        assert!(shown() == 0 && !has_map());
        back(path);
    }

    // Each test photo is a mistake or among the least sure.
    let said = stderr(&ok(here, &["report"]));
    assert!(!said.contains("heat maps"), "{said}");
    let drawn = shown();
    assert!(drawn > 0 && heat_maps.join("test").is_dir());
    let photos_in = |file: &Path| json_of(file)["photos"].as_array().unwrap().len();
    assert_eq!(photos_in(&map), photos_in(&here.join("data/manifest.json")));
    assert!(has_map());
    ok(here, &["report", "--no-heat-maps", "--no-map"]);
    assert!(shown() == 0 && !has_map());
    // Pictures that are there need neither checkpoint nor a device.
    away(&weights);
    let said = stderr(&ok(here, &["report"]));
    assert!(!said.contains("heat maps") && shown() == drawn, "{said}");
    back(&weights);

    // They are those of a network that is trained further.
    let best = best.to_string_lossy();
    ok(here, &["train", "--resume", &best, "--epochs", "2"]);
    assert!(!heat_maps.exists() && !map.exists());
    ok(here, &study(&["--epochs", "1"]));
    assert!(shown() > 0);
}

#[cfg(unix)]
#[test]
fn a_study_that_was_stopped_resumes() {
    use std::process::Stdio;

    use common::command;
    use nix::sys::signal::Signal;
    use process::{send, wait_until};

    let dir = prepared(14);
    let here = dir.path();
    let mut child = command(here, &study(&["--epochs", "20"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Stop once the second experiment has finished an epoch.
    let is_under_way = || {
        here.join("runs").is_dir()
            && runs(here)
                .get(1)
                .is_some_and(|run| run.join("checkpoints/last.state.safetensors").exists())
    };
    wait_until("an epoch of the second experiment", &mut child, is_under_way);
    send(Signal::SIGINT, &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!here.join("results/report.html").exists());
    let begun = runs(here);
    assert!(
        begun[0].join("evaluation.json").exists() && !begun[1].join("evaluation.json").exists()
    );

    let (status, said) = fails(here, &["evaluate", "--run", &begun[1].to_string_lossy()]);
    assert!(status == 1 && said.contains("--resume"), "{said}");
    let compared = ok(here, &["evaluate", "--compare-all"]);
    assert!(stderr(&compared).contains("is not finished"), "{}", stderr(&compared));

    let rest = ok(here, &study(&["--epochs", "20"]));
    assert!(stderr(&rest).contains(", resumes"), "{}", stderr(&rest));
    assert_eq!(runs(here), begun);
    assert!(begun[1].join("evaluation.json").exists() && here.join("results/report.html").exists());
}

#[test]
fn one_experiment_that_fails_does_not_end_the_others() {
    let dir = prepared(14);
    let here = dir.path();
    let mut args = study(&["--epochs", "1", "--format", "json"]);
    let models = args.iter().position(|word| *word == "test_resnet").unwrap();
    args[models] = "resnet34,test_resnet";
    // There are no weights of resnet34.
    let output = kennel(here, &args);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let said = json(&output);
    assert_eq!(said["comparison"]["runs"].as_array().unwrap().len(), 2);
    assert_eq!(said["failed"].as_array().unwrap().len(), 2);
    assert!(stderr(&output).contains("failed: resnet34 freeze"), "{}", stderr(&output));
}

#[test]
fn a_setting_that_makes_no_sense_fails_alone_and_one_that_is_given_twice_is_one() {
    let dir = prepared(14);
    let here = dir.path();
    let args = study(&["--epochs", "1", "--set", "drop_rate=0.1,2.5", "--seeds", "7,7"]);
    let args: Vec<&str> =
        args.into_iter().map(|word| if word == "freeze,full" { "freeze" } else { word }).collect();
    let output = kennel(here, &args);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("drop_rate is 2.5"), "{}", stderr(&output));
    let made = runs(here);
    assert_eq!(made.len(), 1);
    let config = std::fs::read_to_string(made[0].join("config.toml")).unwrap();
    assert!(config.contains("side_px = 32") && config.contains("drop_rate = 0.1"), "{config}");
    let (status, said) = fails(here, &study(&["--set", "seed=1"]));
    assert!(status == 2 && said.contains("--seeds"), "{said}");
}

#[test]
fn a_study_of_which_nothing_can_be_run_says_why_once_and_writes_nothing() {
    let dir = prepared(14);
    let here = dir.path();
    let before = std::fs::read_dir(here).unwrap().count();
    // A dry run reports wrong settings, too.
    let (status, said) =
        fails(here, &study(&["--set", "drop_rate=0.1,2.5", "--dry-run", "--quiet"]));
    assert!(
        status == 1 && said.contains("cannot be run: ") && said.contains("drop_rate is 2.5"),
        "{said}"
    );

    let rehearsed =
        kennel(here, &study(&["--set", "drop_rate=0.1,2.5", "--dry-run", "--format", "json"]));
    let planned = json(&rehearsed);
    let reason = planned["experiments"][1]["reason"].as_str().unwrap();
    assert!(
        reason.contains("drop_rate is 2.5") && planned["experiments"][0]["reason"].is_null(),
        "{planned}"
    );

    let (status, said) = fails(here, &study(&["--set", "drop_rate=2.5"]));
    assert!(status == 1 && said.contains("nothing of this study can be run"), "{said}");
    assert_eq!(said.matches("drop_rate is 2.5").count(), 1, "{said}");
    assert!(said.contains("test_resnet freeze") && said.contains("test_resnet full"), "{said}");
    assert_eq!(std::fs::read_dir(here).unwrap().count(), before);

    // Each experiment finds this error only when it runs.
    let (status, said) = fails(here, &study(&["--set", "unfreeze=[\"layer9\"]"]));
    assert!(status == 1 && said.contains("nothing of this study was trained"), "{said}");
    assert!(said.contains("layer9") && !here.join("results/report.html").exists(), "{said}");
}

#[test]
fn a_study_reports_itself_and_not_the_older_one_beside_it() {
    let dir = prepared(14);
    let here = dir.path();
    ok(here, &study(&["--epochs", "1"]));
    draw_photos(&here.join("fewer"), 10);
    ok(here, &["prepare", "fewer", "--out", "others"]);
    let args = study(&["--epochs", "1", "--format", "json"]);
    let args: Vec<&str> =
        args.into_iter().map(|word| if word == "data" { "others" } else { word }).collect();
    let output = ok(here, &args);
    let said = json(&output);
    assert_eq!(said["comparison"]["runs"].as_array().unwrap().len(), 2);
    assert_eq!(said["comparison"]["left_out"].as_array().unwrap().len(), 2);
    assert!(
        runs(here)[2..].iter().any(|run| run.ends_with(said["best"].as_str().unwrap())),
        "{said}"
    );
}

#[test]
fn what_cannot_be_compared_is_left_out_by_name() {
    let dir = prepared(14);
    let here = dir.path();
    let (status, said) = fails(here, &["evaluate", "--compare-all"]);
    assert!(status == 1 && said.contains("no finished run under runs"), "{said}");
    ok(here, &study(&["--epochs", "1"]));

    // A run with other classes in the same folder.
    draw_photos(&here.join("renamed"), 14);
    std::fs::rename(here.join("renamed/striped"), here.join("renamed/dotted")).unwrap();
    ok(here, &["prepare", "renamed", "--out", "others"]);
    let other = [
        "train",
        "--data",
        "others",
        "--model",
        "test_resnet",
        "--weights",
        "none",
        "--strategy",
        "freeze",
        "--side",
        "32",
        "--epochs",
        "1",
        "--format",
        "json",
    ];
    let other = json(&ok(here, &other))["run"].as_str().unwrap().to_string();
    let compared = ok(here, &["evaluate", "--compare-all"]);
    let name = Path::new(&other).file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        stderr(&compared).contains(&format!(
            "its 2 classes are others than the 2 (it alone has `striped`; it lacks `dotted`), so \
             it cannot be compared with {name}"
        )),
        "{}",
        stderr(&compared)
    );

    // A damaged line of predictions.
    let path = Path::new(&other).join("predictions/test.jsonl");
    let text = std::fs::read_to_string(here.join(&path)).unwrap();
    let damaged: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(index, line)| if index == 1 { &line[..9] } else { line })
        .collect();
    std::fs::write(here.join(&path), damaged.join("\n")).unwrap();
    let compared = ok(here, &["evaluate", "--compare-all"]);
    assert!(stderr(&compared).contains("test.jsonl has SHA-256"), "{}", stderr(&compared));
    // A run of an earlier version has no list of digests.
    std::fs::remove_file(here.join(&other).join("SHA256SUMS")).unwrap();
    let compared = ok(here, &["evaluate", "--compare-all"]);
    assert!(stderr(&compared).contains("test.jsonl:2:"), "{}", stderr(&compared));

    let (status, said) = fails(here, &["evaluate", "--compare-all", "--against", "photos"]);
    assert!(status == 1 && said.contains("_results.json"), "{said}");
    let wrong = kennel(here, &study(&["--weights", "resnet34=none"]));
    assert!(
        wrong.status.code() == Some(2) && stderr(&wrong).contains("none of --models"),
        "{}",
        stderr(&wrong)
    );
}

#[test]
fn a_study_searches_the_settings_of_its_experiments_and_tables_the_trials() {
    let dir = prepared(14);
    let here = dir.path();
    let searched = study(&["--epochs", "2", "--search", "3"]);
    let with_auto = [&searched[..], &["--strategies", "auto", "--dry-run"]].concat();
    let (_, said) = fails(here, &with_auto);
    assert!(said.contains("search is 3, expected none with the strategy auto"), "{said}");
    let said = stderr(&ok(here, &searched));
    assert!(said.contains("halted") && said.contains("chosen: trial "), "{said}");
    let runs = runs(here);
    assert_eq!(runs.len(), 2);
    for run in runs {
        let record = std::fs::read_to_string(run.join("search.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        assert_eq!(record["trials"].as_array().unwrap().len(), 3);
        let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
        assert!(config.contains("search = 3"), "{config}");
    }
    let planned = json(&ok(here, &[&searched[..], &["--dry-run", "--format", "json"]].concat()));
    assert_eq!(planned["experiments"][0]["state"], "finished", "{planned}");
}
