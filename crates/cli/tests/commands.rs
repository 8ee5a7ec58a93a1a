//! The binary as users meet it: its output, its files and its failures.

mod common;
#[cfg(unix)]
#[path = "common/process.rs"]
mod process;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{command, draw_photos, fails, json, json_of, kennel, ok, prepared, stderr};

const SMALL: [&str; 8] =
    ["--model", "test_resnet", "--weights", "none", "--side", "32", "--strategy", "full"];

fn train_small(folder: &Path, more: &[&str]) -> Output {
    let mut args =
        vec!["train", "--data", "data", "--epochs", "2", "--batch-size", "8", "--lr", "1e-3"];
    args.extend(SMALL);
    args.extend(more);
    ok(folder, &args)
}

fn only_run(folder: &Path) -> PathBuf {
    let mut runs: Vec<_> = std::fs::read_dir(folder.join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

#[test]
fn from_a_folder_of_photos_to_a_label() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw_photos(&here.join("photos"), 14);
    std::fs::write(here.join("photos/striped/notes.jpg"), "not a photo at all").unwrap();
    std::fs::write(here.join("photos/striped/empty.png"), "").unwrap();

    let prepared = ok(here, &["prepare", "photos", "--out", "data", "--format", "json"]);
    let manifest = json(&prepared);
    assert_eq!(manifest["classes"], serde_json::json!(["striped", "чёрный пёс 1"]));
    assert_eq!(manifest["photos"].as_array().unwrap().len(), 28);
    let said = stderr(&prepared);
    assert!(said.contains("striped/notes.jpg") && said.contains("striped/empty.png"), "{said}");

    let trained = train_small(here, &["--format", "json"]);
    let run = only_run(here);
    let report = json(&trained);
    assert!(report["evaluation"]["test"]["accuracy"]["n"].as_u64().unwrap() > 0, "{report}");
    let said = stderr(&trained);
    assert!(said.contains("epoch   2/2") && said.contains(" images/s"), "{said}");
    for file in [
        "config.toml",
        "manifest.json",
        "metrics.jsonl",
        "evaluation.json",
        "predictions/val.jsonl",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    for file in
        ["checkpoints/best.safetensors", "checkpoints/last.safetensors", "predictions/test.jsonl"]
    {
        assert!(run.join(file).is_file(), "{file}");
    }

    let evaluated =
        ok(here, &["evaluate", "--model", "test_resnet", "--strategy", "full", "--format", "json"]);
    assert_eq!(json(&evaluated)["evaluation"], report["evaluation"]);
    let (status, said) = fails(here, &["evaluate", "--model", "test_resnet", "--split", "train"]);
    assert!(status == 1 && said.contains("no predictions of the train photos"), "{said}");
    let table = ok(here, &["evaluate", "--model", "test_resnet"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("95 % CI"));

    // With stderr closed, the run continues.
    let deaf = Command::new("sh")
        .current_dir(here)
        .args([
            "-c",
            "\"$0\" train --config \"$1\" --runs deaf --epochs 1 2>&-",
            env!("CARGO_BIN_EXE_kennel"),
        ])
        .arg(run.join("config.toml"))
        .status()
        .unwrap();
    assert!(deaf.success());

    let test = std::fs::read_to_string(run.join("predictions/test.jsonl")).unwrap();
    std::fs::write(run.join("predictions/test.jsonl"), test.lines().next().unwrap()).unwrap();
    let (status, said) = fails(here, &["evaluate", "--model", "test_resnet"]);
    assert!(status == 1 && said.contains("test.jsonl has SHA-256"), "{said}");
    std::fs::write(run.join("predictions/test.jsonl"), test).unwrap();

    let run = run.to_string_lossy().into_owned();
    std::fs::write(here.join("broken.jpg"), [0xff, 0xd8, 0xff, 0xe0]).unwrap();
    let photo = "photos/striped/photo 03.png";
    let predicted = kennel(
        here,
        &["predict", photo, "broken.jpg", photo, "--run", &run, "--logits", "--format", "json"],
    );
    assert_eq!(predicted.status.code(), Some(1), "one photo could not be read");
    let rows = json(&predicted);
    assert_eq!(rows[0], rows[2]);
    assert_eq!(rows[0]["path"], photo);
    assert_eq!(rows[0]["logits"].as_array().unwrap().len(), 2);
    assert_eq!(rows[0]["label"], rows[0]["top"][0]["label"]);
    assert!(rows[1]["error"].is_string() && rows[1]["path"] == "broken.jpg", "{rows}");
}

#[test]
fn a_flag_overrides_the_file_and_the_saved_file_reproduces_the_run() {
    let dir = prepared(10);
    let here = dir.path();
    train_small(
        here,
        &["--optimizer", "sgd", "--momentum", "0.8", "--augment", "none", "--flip", "0.5"],
    );
    let run = only_run(here);
    let saved = run.join("config.toml").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(&saved).unwrap();
    for line in
        ["name = \"sgd\"", "momentum = 0.8", "flip = 0.5", "rotation_deg = 0.0", "seed = 42"]
    {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    ok(here, &["train", "--config", &saved, "--runs", "again"]);
    let again = std::fs::read_dir(here.join("again")).unwrap().next().unwrap().unwrap().path();
    for file in ["checkpoints/best.safetensors", "predictions/test.jsonl", "evaluation.json"] {
        assert!(
            std::fs::read(run.join(file)).unwrap() == std::fs::read(again.join(file)).unwrap(),
            "{file}"
        );
    }
    ok(
        here,
        &["train", "--config", &saved, "--runs", "other", "--seed", "7", "--optimizer", "adamw"],
    );
    let other = std::fs::read_dir(here.join("other")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(other.join("config.toml")).unwrap();
    assert!(
        text.contains("seed = 7")
            && text.contains("name = \"adamw\"")
            && !text.contains("momentum"),
        "{text}"
    );
    assert!(text.contains("flip = 0.5"), "what was not overridden stays\n{text}");
}

#[test]
fn wrong_usage_is_2_and_says_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    for (args, wanted) in [
        ("train --model resnet5O", "did you mean `resnet50`"),
        ("train --model test_resnet --weights none --strategy frezee", "`freeze`"),
        ("train --model test_resnet --weights none --optimizer adm", "`adam`"),
        ("train --model test_resnet --weights none --lr -1", "learning_rate is -1"),
        ("train --model test_resnet --weights none --gamma 0.5", "no setting `gamma`"),
        ("train --model test_resnet --weights none --betas 1,1", "betas is 1"),
        ("train --model test_resnet --weights none --betas 1", "two numbers"),
        ("train --data data --model test_resnet --weights none --unfreeze layer9", "layer4"),
        ("train --data data --model test_resnet --weights none --unfreeze layer4", "layer4,fc"),
        ("train", "--model"),
        ("train --data mistyped", "--model"),
        ("predict a.jpg", "--run"),
        ("evaluate --zero-shot --model test_resnet --split tset", "did you mean `test`"),
        ("prepare . --preset stanford-dog-5", "did you mean `stanford-dogs-5`"),
        ("predict", "PHOTO"),
        ("nothing", "unrecognized subcommand"),
    ] {
        draw_photos(&here.join("data/train"), 4);
        draw_photos(&here.join("data/val"), 2);
        std::fs::create_dir_all(here.join("runs/r")).unwrap();
        let (status, said) = fails(here, &args.split(' ').collect::<Vec<_>>());
        assert_eq!(status, 2, "{args}: {said}");
        assert!(said.contains(wanted), "{args}: {said}");
    }
}

#[test]
fn bad_input_is_1_and_leaves_nothing_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    std::fs::create_dir_all(here.join("empty")).unwrap();
    std::fs::create_dir_all(here.join("one/beagle")).unwrap();
    draw_photos(&here.join("photos"), 10);
    std::fs::copy(here.join("photos/striped/photo 00.png"), here.join("one/beagle/a.png")).unwrap();
    ok(here, &["prepare", "photos", "--out", "data"]);
    std::fs::write(here.join("model.pth"), "PK").unwrap();
    let mut lie = (1_u64 << 60).to_le_bytes().to_vec();
    lie.extend(b"{}");
    std::fs::write(here.join("lie.safetensors"), lie).unwrap();
    let other = here.join("other");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("model.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
    std::fs::write(
        other.join("config.json"),
        r#"{"architecture":"resnet34","pretrained_cfg":{"input_size":[3,224,224],"interpolation":"bicubic",
            "crop_pct":0.95,"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]}}"#,
    )
    .unwrap();
    std::fs::write(
        here.join("mistyped.toml"),
        "model = \"test_resnet\"\ndata_dir = \"mistyped\"\n",
    )
    .unwrap();
    let train = |weights: &'static str| {
        vec!["train", "--data", "data", "--model", "test_resnet", "--weights", weights]
    };
    for (args, wanted) in [
        (vec!["prepare", "empty", "--out", "out"], "empty"),
        (vec!["prepare", "one", "--out", "out"], "class"),
        (vec!["prepare", "nowhere", "--out", "out"], "nowhere"),
        (train("model.pth"), "only safetensors files are"),
        (train("lie.safetensors"), "claims 1152921504606846976 bytes"),
        (train("other"), "holds weights of `resnet34`, expected `test_resnet`"),
        (train("other/model.safetensors"), "resnet34"),
        (train("nowhere.safetensors"), "nowhere.safetensors"),
        (train("r160_in1k"), "test_resnet.r160_in1k"),
        // A wrong data folder is reported before missing weights: a typing error must not wait for
        // a download.
        (vec!["train", "--data", "mistyped", "--model", "test_resnet"], "there is no mistyped"),
        (vec!["train", "--config", "mistyped.toml"], "there is no mistyped"),
        (vec!["train", "--data", "data", "--config", "mistyped.toml"], "test_resnet.r160_in1k"),
        (
            vec!["evaluate", "--zero-shot", "--data", "mistyped", "--model", "test_resnet"],
            "there is no mistyped",
        ),
        (vec!["evaluate", "--run", "data"], "config.toml"),
        (vec!["evaluate", "--model", "test_resnet"], "kennel train --model test_resnet"),
        (vec!["train", "--resume", "data"], "config.toml"),
        (vec!["train", "--config", "photos/striped/photo 00.png"], "photo 00.png"),
    ] {
        let (status, said) = fails(here, &args);
        assert_eq!(status, 1, "{args:?}: {said}");
        assert!(said.contains(wanted), "{args:?}: {said}");
        assert!(!here.join("out").exists(), "{args:?}");
        assert!(!here.join("runs").exists(), "{args:?}: a run that did not begin left a directory");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_preparation_with_130_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw_photos(&here.join("photos"), 500);
    let mut child = command(here, &["prepare", "photos", "--out", "data"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let names = || std::fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name());
    process::wait_until("the data set's first file", &mut child, || names().count() > 1);
    process::send(nix::sys::signal::Signal::SIGINT, &child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("nothing was written"), "{}", stderr(&output));
    assert_eq!(names().collect::<Vec<_>>(), ["photos"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_and_the_run_goes_on_where_it_stopped() {
    let dir = prepared(12);
    let here = dir.path();
    let mut args = vec!["train", "--data", "data", "--epochs", "200", "--batch-size", "4"];
    args.extend(SMALL);
    let mut child =
        command(here, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Stop as soon as one epoch is finished.
    let runs = || {
        std::fs::read_dir(here.join("runs")).into_iter().flatten().map(|run| run.unwrap().path())
    };
    process::wait_until("the end of an epoch", &mut child, || {
        runs().any(|run| run.join("checkpoints/last.state.safetensors").is_file())
    });
    process::send(nix::sys::signal::Signal::SIGINT, &child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("kennel train --resume"), "{}", stderr(&output));
    let run = only_run(here);
    assert!(!run.join("evaluation.json").exists());
    assert!(run.join("checkpoints/last.safetensors").is_file());
    let run = run.to_string_lossy().into_owned();
    let (status, said) = fails(here, &["train", "--resume", &run, "--lr", "1"]);
    assert!(status == 2 && said.contains("start a new run"), "{said}");
}

#[test]
fn the_list_of_models_is_for_people_and_for_machines() {
    let here = std::env::temp_dir();
    let table = ok(&here, &["models"]);
    let table = String::from_utf8_lossy(&table.stdout);
    for line in ["resnet50.a1_in1k", "efficientnet_b1.ra4_e3600_r240_in1k", "resnet152.a1h_in1k"] {
        assert!(table.contains(line), "{line} in\n{table}");
    }
    let rows = json(&ok(&here, &["models", "--model", "resnet50", "--format", "json"]));
    assert!(
        rows.as_array().unwrap().iter().any(|row| row["weights"] == "resnet50.tv2_in1k"),
        "{rows}"
    );
    assert_eq!(rows[0]["parameters"], 25_557_032);
}

#[test]
fn other_photos_are_judged_in_part_or_all_and_the_part_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw_photos(&here.join("photos"), 14);
    let mut args = vec!["train", "--data", "photos", "--epochs", "1"];
    args.extend(SMALL);
    ok(here, &args);
    let run = only_run(here).to_string_lossy().into_owned();
    let evaluate = |more: &[&str]| {
        let args = ["evaluate", "--run", &run, "--data", "photos", "--format", "json"];
        let output = ok(here, &[&args, more].concat());
        (json(&output)["evaluation"]["accuracy"]["n"].as_u64().unwrap(), stderr(&output))
    };
    let (part, said) = evaluate(&[]);
    assert!(part < 28 && said.contains(&format!("{part} of the 28 photos")), "{part}: {said}");
    let (all, said) = evaluate(&["--split", "all"]);
    assert!(all == 28 && !said.contains("of the 28 photos"), "{all}: {said}");

    // A data set with one or two photos per class.
    let few = here.join("few");
    let classes: Vec<_> = std::fs::read_dir(here.join("photos"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let copy = |class: &std::path::Path, name: &std::ffi::OsStr| {
        let photo = std::fs::read_dir(class).unwrap().next().unwrap().unwrap().path();
        std::fs::create_dir_all(few.join(name)).unwrap();
        std::fs::copy(&photo, few.join(name).join(photo.file_name().unwrap())).unwrap();
    };
    for class in &classes {
        copy(class, class.file_name().unwrap());
    }
    let judge = ["evaluate", "--run", &run, "--data", "few", "--split", "all", "--format", "json"];
    assert_eq!(json(&ok(here, &judge))["evaluation"]["accuracy"]["n"], classes.len());
    let mistyped = format!("{}s", classes[0].file_name().unwrap().to_string_lossy());
    copy(&classes[0], mistyped.as_ref());
    let (_, said) = fails(here, &judge);
    assert!(
        said.contains(&format!("has a class `{mistyped}`")) && said.contains("did you mean"),
        "{said}"
    );
    let (status, said) =
        fails(here, &["evaluate", "--run", &run, "--data", "few", "--split", "al"]);
    assert!(status == 2 && said.contains("did you mean `all`"), "{said}");
}

#[test]
fn training_that_leaves_the_numbers_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw_photos(&here.join("photos"), 14);
    let mut args = vec!["train", "--data", "photos", "--optimizer", "sgd", "--lr", "1e38"];
    args.extend(SMALL);
    let (status, said) = fails(here, &args);
    assert!(
        status == 1 && said.contains("training has diverged") && said.contains("hint: lower"),
        "{said}"
    );
}

#[test]
fn a_demonstration_leaves_the_folder_of_another_alone() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    std::fs::create_dir(here.join("mine")).unwrap();
    std::fs::write(here.join("mine/notes.txt"), "keep").unwrap();
    let (status, said) = fails(here, &["demo", "--out", "mine"]);
    assert!(
        status == 2 && said.contains("not a demonstration's") && said.contains("--out"),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(here.join("mine")).unwrap().count(), 1);
}

#[test]
fn an_audit_lists_wrong_labels_and_writes_fixes_and_a_page() {
    let dir = prepared(10);
    let here = dir.path();
    train_small(here, &[]);
    let run = only_run(here);
    let name = run.to_string_lossy().into_owned();
    let (status, said) = fails(here, &["audit", "--run", &name]);
    assert!(status == 1 && said.contains("no out-of-fold predictions"), "{said}");

    let manifest = json_of(&run.join("manifest.json"));
    let photos = manifest["photos"].as_array().unwrap();
    let mut lines = String::new();
    for (number, photo) in photos.iter().enumerate() {
        let is_first = (photo["label"] == manifest["classes"][0]) != (number == 3);
        let logits = if is_first { [3.0, 0.0] } else { [0.0, 3.0] };
        let record = serde_json::json!(
            { "path": photo["path"], "label": photo["label"], "logits": logits }
        );
        lines += &format!("{record}\n");
    }
    // Without a list of digests, a run is read as it is.
    std::fs::remove_file(run.join("SHA256SUMS")).unwrap();
    std::fs::write(run.join("predictions/out_of_fold.jsonl"), lines).unwrap();
    let audited = ok(
        here,
        &["audit", "--run", &name, "--out", "audit", "--fixes", "fixes.csv", "--format", "json"],
    );
    let found = json(&audited);
    assert_eq!(found["wrong_labels"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["wrong_labels"][0]["path"], photos[3]["path"]);
    assert_eq!(found["outliers"], serde_json::Value::Null);
    let fixes = std::fs::read_to_string(here.join("fixes.csv")).unwrap();
    let fix = fixes.lines().nth(1).unwrap();
    assert!(fix.starts_with(photos[3]["source"].as_str().unwrap()), "{fixes}");
    let page = std::fs::read_to_string(here.join("audit/audit.html")).unwrap();
    assert_eq!(page.matches("<img ").count(), 1);
    assert!(here.join("audit/audit.json").is_file());
}

#[test]
fn the_photo_most_like_a_photo_is_the_photo_and_is_found_again_without_the_others() {
    let dir = prepared(8);
    let here = dir.path();
    train_small(here, &[]);
    let run = only_run(here);
    let run = run.to_string_lossy();
    let manifest = json_of(&here.join("data/manifest.json"));
    let photo = format!("data/{}", manifest["photos"][3]["path"].as_str().unwrap());
    std::fs::copy(here.join(&photo), here.join("mine.jpg")).unwrap();
    let asked = ["similar", "mine.jpg", "--run", &*run, "--top", "3", "--format", "json"];
    let found = json(&ok(here, &asked));
    let rows = found.as_array().unwrap();
    assert_eq!((rows.len(), rows[0]["similar"].as_str()), (3, Some(&*photo)), "{found}");
    assert!((rows[0]["similarity"].as_f64().unwrap() - 1.0).abs() < 1e-5, "{found}");
    let ranks: Vec<_> = rows.iter().map(|row| row["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, [1, 2, 3]);

    // What the network saw is kept in the run.
    std::fs::rename(here.join("data"), here.join("gone")).unwrap();
    assert_eq!(json(&ok(here, &asked)), found);
    let test = json(&ok(here, &[&asked[..], &["--split", "test"]].concat()));
    assert!(test.as_array().unwrap().iter().all(|row| row["split"] == "test"), "{test}");
    let (status, said) = fails(here, &["similar", "none.jpg", "mine.jpg", "--run", &run]);
    assert!(status == 1 && said.contains("1 of 2 photos could not be compared"), "{said}");
}

#[test]
fn folds_judge_every_photo_and_keep_a_network_that_is_exported() {
    let dir = prepared(8);
    let here = dir.path();
    let said = train_small(here, &["--folds", "2"]);
    let out = String::from_utf8_lossy(&said.stdout).into_owned();
    let line = out.lines().find(|line| line.starts_with("out of fold ")).expect(&out);
    assert!(line.ends_with(", 2 folds") && !out.contains("\nval "), "{out}");
    let name = only_run(here).to_string_lossy().into_owned();
    let evaluated = ok(here, &["evaluate", "--run", &name]);
    assert!(String::from_utf8_lossy(&evaluated.stdout).starts_with(line));
    ok(here, &["export", "--run", &name, "--out", "dog.onnx"]);
    ok(here, &["audit", "--run", &name]);
    ok(here, &["report"]);
    let (status, said) = fails(here, &["train", "--resume", &name, "--epochs", "9"]);
    assert!(status == 1 && said.contains("its folds chose the number of epochs"), "{said}");

    let head = ["evaluate", "--folds", "2", "--model", "test_resnet", "--weights", "none"];
    let judged = json(&ok(here, &[&head[..], &["--data", "data", "--format", "json"]].concat()));
    let manifest = std::fs::read_to_string(here.join("data/manifest.json")).unwrap();
    let photos = manifest.matches("\"source\"").count() - manifest.matches("\"test\"").count();
    assert_eq!(judged["folds"], 2);
    assert_eq!(judged["out_of_fold"]["n"], photos);
    assert!(ok(here, &[&head[..], &["--data", "data"]].concat()).status.success());
}
