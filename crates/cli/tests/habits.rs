//! Habits of all commands: levels of messages, variables, suggestions and dry runs; and the
//! commands about Kennel itself.

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{command, draw_photos, fails, json, kennel, ok, prepared, stderr};
use kennel_core::{
    Interpolation, Lock, Preprocessing, RunDir, RunFacts, RunRecord, Settings, Strategy, Weights,
};

/// A run that takes seconds.
const SMALL: [&str; 15] = [
    "train",
    "--model",
    "test_resnet",
    "--weights",
    "none",
    "--strategy",
    "full",
    "--side",
    "32",
    "--batch-size",
    "8",
    "--epochs",
    "1",
    "--lr",
    "1e-3",
];

fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SMALL.iter().chain(more).copied().collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs [`kennel`] with environment variables.
fn kennel_with(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Output {
    command(folder, args).envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn quiet_says_only_what_failed_and_verbose_says_with_what() {
    let dir = prepared(10);
    let here = dir.path();
    let quiet = ok(here, &small(&["--data", "data", "-q"]));
    assert_eq!(stderr(&quiet), "");
    assert!(stdout(&quiet).contains("test "), "{}", stdout(&quiet));
    let run = stdout(&quiet).lines().next().unwrap().split_whitespace().nth(1).unwrap().to_string();

    let args: Vec<&str> = ["--verbose"].into_iter().chain(small(&["--data", "data"])).collect();
    let said = stderr(&ok(here, &args));
    for part in ["kennel     0.", "Burn ", "computes   on cpu", "batch_size = 8", "epoch   1/1"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    let normal = stderr(&ok(here, &["predict", "photos/striped/photo 00.png", "--run", &run]));
    assert_eq!(normal, "");

    let (status, said) = fails(here, &["--quiet", "evaluate", "--run", "nowhere"]);
    assert!(status == 1 && said.starts_with("error: "), "{said}");
    std::fs::write(here.join("broken.jpg"), "no photo").unwrap();
    let (status, said) = fails(here, &["predict", "broken.jpg", "--run", &run, "--quiet"]);
    assert!(status == 1 && said.contains("1 of 1 photos"), "{said}");
    for both in [["-q", "models", "-v"], ["models", "-v", "-q"]] {
        let (status, said) = fails(here, &both);
        assert!(status == 2 && said.contains("choose one"), "{said}");
    }
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    let here = std::env::temp_dir();
    let coloured = |variables: &[(&str, &str)]| {
        let output = kennel_with(&here, variables, &["train", "--help"]);
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[]), "stdout is piped");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("NO_COLOR", "1")]));
    assert!(!coloured(&[("TERM", "dumb")]));
}

#[test]
fn a_variable_is_a_default_that_flags_and_files_win_over() {
    let dir = prepared(10);
    let here = dir.path();
    let variables = [("KENNEL_DATA", "data"), ("KENNEL_RUNS", "kept"), ("KENNEL_DEVICE", "cpu")];
    let trained = kennel_with(here, &variables, &small(&["-q"]));
    assert!(trained.status.success(), "{}", stderr(&trained));
    assert!(stdout(&trained).starts_with("run   kept"), "{}", stdout(&trained));
    let run =
        stdout(&trained).lines().next().unwrap().split_whitespace().nth(1).unwrap().to_string();
    let saved = format!("{run}/config.toml");

    // `--resume` and `--onnx` reject some typed flags, but not their variables.
    let resumed = kennel_with(here, &variables, &["train", "--resume", &run]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    let by_file = kennel_with(here, &variables, &["predict", "a.png", "--onnx", "nowhere.onnx"]);
    assert_eq!(by_file.status.code(), Some(1), "{}", stderr(&by_file));
    let (status, said) = fails(here, &["train", "--resume", &run, "--data", "data"]);
    assert!(status == 2 && said.contains("cannot be used with"), "{said}");

    // A file overrides a variable, and a typed flag overrides both.
    let elsewhere = [("KENNEL_DATA", "nowhere")];
    let dry = ["train", "--dry-run", "-q", "--config", &saved];
    let from_file = kennel_with(here, &elsewhere, &dry);
    assert!(stdout(&from_file).contains("data_dir = \"data\""), "{}", stderr(&from_file));
    let typed = kennel_with(here, &elsewhere, &small(&["--dry-run", "-q", "--data", "data"]));
    assert!(stdout(&typed).contains("data_dir = \"data\""), "{}", stderr(&typed));
    let none = kennel_with(here, &elsewhere, &small(&["--dry-run"]));
    assert!(!none.status.success() && stderr(&none).contains("nowhere"), "{}", stderr(&none));

    // An empty variable counts as not set.
    let empty = kennel_with(
        here,
        &[("KENNEL_RUNS", ""), ("KENNEL_DEVICE", "")],
        &["evaluate", "--model", "test_resnet"],
    );
    assert!(stderr(&empty).contains("lies in runs"), "{}", stderr(&empty));

    let wrong = kennel_with(here, &[("KENNEL_DEVICE", "vulcan")], &small(&[]));
    assert_eq!(wrong.status.code(), Some(2));
    for part in ["did you mean `vulkan`", "KENNEL_DEVICE"] {
        assert!(stderr(&wrong).contains(part), "{part} in\n{}", stderr(&wrong));
    }
    for variables in [&[][..], &[("KENNEL_RUNS", "secret-place")]] {
        let help = stdout(&kennel_with(here, variables, &["train", "--help"]));
        assert!(help.contains("[env: KENNEL_RUNS]") && !help.contains("secret-place"), "{help}");
    }
}

#[test]
fn a_rehearsal_prints_the_configuration_and_writes_nothing() {
    let dir = prepared(10);
    let here = dir.path();
    let rehearsed = ok(here, &small(&["--data", "data", "--flip", "0.25", "--dry-run"]));
    let said = stderr(&rehearsed);
    for part in ["trains     ", "photos     ", "epochs     1 of ", "about "] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    assert!(!here.join("runs").exists() && !here.join(".kennel").exists());
    let frozen = [
        "train",
        "--model",
        "test_resnet",
        "--weights",
        "none",
        "--strategy",
        "freeze",
        "--data",
        "data",
        "--batch-size",
        "2",
        "--dry-run",
    ];
    assert!(stderr(&ok(here, &frozen)).contains("features   0 of 6 passes"));
    assert!(!here.join("runs").exists() && !here.join(".kennel").exists());

    // The printed configuration gives the same run.
    std::fs::write(here.join("mine.toml"), &rehearsed.stdout).unwrap();
    let trained = json(&ok(here, &["train", "--config", "mine.toml", "--format", "json"]));
    let saved = Path::new(trained["run"].as_str().unwrap()).join("config.toml");
    let saved = std::fs::read_to_string(here.join(saved)).unwrap();
    assert!(saved.starts_with(stdout(&rehearsed).trim_end()), "{saved}");

    let as_json =
        json(&ok(here, &["train", "--config", "mine.toml", "--dry-run", "-q", "--format", "json"]));
    assert_eq!(as_json["augmentation"]["flip"], 0.25);
}

#[test]
fn every_mistyped_name_has_its_suggestion() {
    let dir = prepared(10);
    let here = dir.path();
    std::fs::create_dir_all(here.join("runs/20260207_165541-resnet50-freeze-s42")).unwrap();
    std::fs::write(here.join("runs/20260207_165541-resnet50-freeze-s42/config.toml"), "").unwrap();
    let train = "train --data data --model test_resnet --weights none";
    for (args, wanted) in [
        ("trian".to_string(), "'train'"),
        ("train --modle test_resnet".into(), "'--model'"),
        ("models --format jsn".into(), "'json'"),
        ("completions bsh".into(), "'bash'"),
        ("bench --mode ful".into(), "'full'"),
        ("train --model resnet5O".into(), "`resnet50`"),
        (
            "train --data data --model resnet50 --weights resnet50.a1_in1q".into(),
            "`resnet50.a1_in1k`",
        ),
        ("train --data data --model resnet50 --weights a1_in1q".into(), "`resnet50.a1_in1k`"),
        (format!("{train} --strategy frezee"), "`freeze`"),
        ("run --data data --models test_resnet --strategies ful".into(), "`full`"),
        ("run --data data --models resnt18".into(), "`resnet18`"),
        (
            "run --data data --models test_resnet --weights test_resnet=none --set batchsize=3"
                .into(),
            "`batch_size`",
        ),
        ("prepare photos --preset stanford-dog-5".into(), "`stanford-dogs-5`"),
        ("prepare stanford-dog-5".into(), "`stanford-dogs-5`"),
        (format!("{train} --optimizer adm"), "`adam`"),
        (format!("{train} --scheduler cosin"), "`cosine`"),
        (format!("{train} --augment lihgt"), "`light`"),
        (format!("{train} --crop centre"), "`center`"),
        (format!("{train} --auto-augment rnadaugment"), "`randaugment`"),
        (format!("{train} --crop-mode squish"), "`squash`"),
        (format!("{train} --head-init fan-in"), "`fanin`"),
        (format!("{train} --device vulcan"), "`vulkan`"),
        (format!("{train} --class-weights balancd"), "`balanced`"),
        (format!("{train} --class-weights stripped=2"), "`striped`"),
        ("evaluate --run runs/20260207_165541-resnet50-freeze-s43".into(), "-s42`"),
        ("export --run 20260207_16554-resnet50-freeze".into(), "-s42`"),
        ("train --resume runs/20260207_165541-resnet50-frozen-s42".into(), "-s42`"),
        ("evaluate --zero-shot --model test_resnet --split tset".into(), "`test`"),
    ] {
        let said = stderr(&kennel(here, &args.split(' ').collect::<Vec<_>>()));
        let wanted =
            if wanted.starts_with("-s42") { format!("freeze{wanted}") } else { wanted.into() };
        let hint =
            said.lines().find(|line| line.contains("did you mean") || line.contains("similar"));
        assert!(hint.is_some_and(|hint| hint.contains(&wanted)), "{args}: {wanted} in\n{said}");
    }
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let dir = prepared(10);
    let here = dir.path();
    std::fs::write(here.join("best.onnx"), "").unwrap();
    for (args, status, wanted) in [
        ("prepare fotos", 1, "did you mean `photos`"),
        ("predict photos --onnx models/none.onnx", 1, "`kennel export` writes one"),
        ("predict photos --onnx bets.onnx", 1, "did you mean `best.onnx`"),
        ("predict photos --onnx photos", 2, "expected a file, found a folder"),
        ("predict photos --top 0 --model test_resnet", 2, "at least 1"),
        ("export", 2, "there is no runs here: `kennel train` makes it"),
        ("export --run runs/nope", 1, "there is no run runs/nope"),
        (
            "train --data data --model test_resnet --weights ./nope",
            1,
            "a name such as test_resnet.r160_in1k",
        ),
        (
            "train --data data --model test_resnet --weights photos",
            1,
            "there is no photos/model.safetensors",
        ),
        (
            "train --data data --model test_resnet --weights zzzz",
            1,
            "known weights of test_resnet: r160_in1k",
        ),
        (
            "predict photos --model test_resnet --weights r160_in1k",
            1,
            "--weights DIR (`kennel run`: MODEL=DIR)",
        ),
        // A problem with the photos is reported before missing weights.
        (
            "evaluate --zero-shot --data data --model test_resnet",
            1,
            "is not an ImageNet-1k class by name",
        ),
        (
            "train --data data --model test_resnet --strategy zero_shot",
            2,
            "such a run trains nothing",
        ),
        ("train --config nada.toml", 1, "there is no nada.toml"),
        ("report --runs best.onnx", 1, "a file stands where a folder should be"),
    ] {
        let output = kennel(here, &args.split(' ').collect::<Vec<_>>());
        let said = stderr(&output);
        assert!(said.contains(wanted), "{args}: {wanted} in\n{said}");
        assert_eq!(output.status.code(), Some(status), "{args}: {said}");
    }
    // The name as macOS stores it (decomposed), and as it is typed (composed).
    std::fs::create_dir(here.join("\u{43f}\u{435}\u{308}\u{441}")).unwrap();
    let said = stderr(&kennel(here, &["prepare", "\u{43f}\u{451}\u{441}"]));
    assert!(said.contains("looks the same is there"), "{said}");
    let weights = "striped=1,ч\u{435}\u{308}рный п\u{435}\u{308}с 1=2";
    ok(here, &small(&["--data", "data", "--class-weights", weights, "--dry-run"]));

    ok(here, &small(&["--data", "data", "--runs", "elsewhere"]));
    let said = stderr(&kennel(here, &["export", "--runs", "elsewhere"]));
    assert!(said.contains("the newest of 1 in elsewhere is elsewhere/2"), "{said}");
}

#[test]
fn doctor_says_what_there_is_and_never_fails() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let variables = [
        ("KENNEL_RUN", "x"),
        ("KENNEL_CACHE_SIZE", "much"),
        ("HF_TOKEN", "hf_secret"),
        ("RAYON_NUM_THREADS", "two"),
        ("ORT_DYLIB_PATH", "nowhere.so"),
    ];
    let output = kennel_with(here, &variables, &["doctor", "--format", "json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let checks = json(&output)["checks"].as_array().unwrap().clone();
    let of = |name: &str| {
        checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}"))
    };
    for (name, state) in [
        ("kennel", "ok"),
        ("processor", "ok"),
        ("threads", "problem"),
        ("devices", "ok"),
        ("onnxruntime", "problem"),
        ("folder", "ok"),
        ("features", "none"),
        ("weights", "none"),
        ("variables", "problem"),
        ("terminal", "none"),
    ] {
        assert_eq!(of(name)["state"], state, "{}", of(name));
    }
    let text = of("variables")["text"].as_str().unwrap();
    assert!(
        text.contains("did you mean KENNEL_RUNS") && text.contains("KENNEL_CACHE_SIZE"),
        "{text}"
    );
    for check in checks.iter().filter(|check| check["state"] == "problem") {
        assert!(check["hint"].is_string(), "no way out of {check}");
    }
    let table = stdout(&kennel_with(here, &variables[2..4], &["doctor"]));
    assert!(table.contains("HF_TOKEN is set") && !table.contains("hf_secret"), "{table}");
    assert_eq!(std::fs::read_dir(here).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&ok(here, &["completions", shell]));
        assert!(script.contains("kennel") && script.contains("weight-decay"), "{shell}");
    }
    ok(here, &["man", "share/man1"]);
    let page = std::fs::read_to_string(here.join("share/man1/kennel-train.1")).unwrap();
    for part in ["weight\\-decay", "KENNEL_RUNS", "\\-\\-quiet"] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
    assert!(
        here.join("share/man1/kennel.1").is_file()
            && here.join("share/man1/kennel-doctor.1").is_file()
    );
    assert!(!here.join("share/man1/kennel-help.1").exists());
    let (status, said) = fails(here, &["man", "share/man1/kennel.1"]);
    assert!(status == 1 && said.contains("cannot create"), "{said}");
    assert!(
        kennel(here, &["completions", "--help"]).stdout.windows(6).any(|part| part == b".zfunc")
    );
}

#[test]
fn what_people_type_is_understood_or_answered() {
    let dir = prepared(10);
    let here = dir.path();
    let study = |setting: &str| {
        let weights = [
            "--models",
            "test_resnet",
            "--weights",
            "test_resnet=none",
            "--strategies",
            "freeze, full",
        ];
        fails(
            here,
            &[&["run", "--data", "data", "--seeds", "42,43", "--set", setting], &weights[..]]
                .concat(),
        )
    };
    let (status, said) = study("batch_size=0");
    assert!(status == 1 && said.contains("test_resnet full, seed 43"), "{said}");
    let (status, said) = study("batch_size=many");
    assert!(
        status == 2
            && said.contains("configuration: batch_size is \"many\", expected a whole number"),
        "{said}"
    );
    std::fs::write(
        here.join("mine.toml"),
        "model = \"test_resnet\"\nstrategy = \"partial\"\nweights = \"none\"\n",
    )
    .unwrap();
    let plan = ok(here, &["run", "--config", "mine.toml", "--data", "data", "--dry-run"]).stdout;
    let plan = String::from_utf8_lossy(&plan).into_owned();
    assert!(plan.contains("test_resnet partial") && !plan.contains("resnet50"), "{plan}");
    let listed =
        ["--models", "test_resnet,resnet34", "--weights", "test_resnet=none,resnet34=none"];
    ok(
        here,
        &[&["run", "--data", "data", "--strategies", "freeze", "--dry-run"], &listed[..]].concat(),
    );
    let (status, said) = fails(here, &["train", "--model", "test_resnet", "--lr", "0,001"]);
    assert!(status == 2 && said.contains("invalid value '0,001' for '--learning-rate"), "{said}");

    let (status, said) = fails(here, &["run", "--data", "data", "--learning-rates", "0,001"]);
    assert!(status == 2 && said.contains("invalid value '0' for '--learning-rates"), "{said}");

    assert!(!stderr(&ok(here, &small(&["--data", "data"]))).contains("the same settings"));
    let again = stderr(&ok(here, &small(&["--data", "data"])));
    assert!(
        again.contains("note: runs") && again.contains("has the same settings, seed and photos"),
        "{again}"
    );
    let (status, said) = fails(here, &["evaluate", "--run", "runs"]);
    assert!(
        status == 1 && said.contains("hint: it is a folder of runs, the newest of 2 is runs"),
        "{said}"
    );
    let (status, said) =
        fails(here, &["predict", "photos", "--run", "models/best_model_test_resnet.onnx"]);
    assert!(status == 2 && said.contains("kennel predict PHOTO --onnx models"), "{said}");
}

#[test]
fn photos_are_not_prepared_anew_under_a_run_that_looks_at_them() {
    let dir = prepared(10);
    let here = dir.path();
    let run = RunDir::create(&here.join("runs"), "mine").unwrap();
    let preprocessing = Preprocessing::imagenet(224, 1.0, Interpolation::Bicubic);
    let settings =
        Settings::published("test_resnet".into(), Weights::Random, Strategy::Freeze, preprocessing);
    let settings = Settings { data_dir: "data".into(), ..settings };
    RunRecord { settings, facts: RunFacts::default() }.write(&run.config()).unwrap();
    let again = ["prepare", "photos", "--out", "data", "--seed", "7"];

    let lock = run.lock().unwrap().expect("nobody else trains it");
    let reads =
        Lock::try_share(&here.join("data/manifest.json")).unwrap().expect("no command holds it");
    let (status, said) = fails(here, &again);
    assert!(status == 1 && said.contains("runs/mine is being trained on data"), "{said}");
    drop(lock);
    // A process that reads the photos protects them, too, even without a lock on a run. A `prepare`
    // that changes nothing still succeeds.
    let (status, said) = fails(here, &again);
    assert!(status == 1 && said.contains("data is being read by another process"), "{said}");
    ok(here, &again[..4]);
    drop(reads);
    let said = stderr(&ok(here, &again));
    assert!(said.contains("runs/mine was stopped"), "{said}");
}

/// The header of an RGB PNG of 199,999,999 by 1 pixels, without pixels.
#[cfg(target_os = "linux")]
const WIDE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x0b\xeb\xc1\xff\0\0\0\x01\x08\x02\0\0\0\x20\x1b\x04\x01\0\0\0\0IDAT\x35\xaf\x06\x1e";

#[cfg(target_os = "linux")]
#[test]
fn a_photo_beyond_the_memory_of_the_process_costs_no_other_its_row() {
    let dir = tempfile::tempdir().unwrap();
    draw_photos(&dir.path().join("photos"), 8);
    std::fs::write(dir.path().join("photos/striped/wide.png"), WIDE).unwrap();
    let limited = |limits: &str, more: &str| {
        let script = format!(
            "{limits} exec \"$0\" prepare photos --out data --min-side 0 --format json {more}"
        );
        let kennel = env!("CARGO_BIN_EXE_kennel");
        Command::new("sh").current_dir(dir.path()).args(["-c", &script, kennel]).output().unwrap()
    };
    for (limits, more) in [("ulimit -v 2000000;", ""), ("", "--memory 1GB")] {
        let output = limited(limits, more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(
            said.contains("striped/wide.png: too large for the memory budget: 199999999 x 1"),
            "{said}"
        );
        let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(manifest["photos"].as_array().unwrap().len(), 16);
    }
}
