//! Files from others: ONNX files that want too much memory or time, weights without metadata, names
//! with terminal codes.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{draw_photos, fails, json, kennel, ok, prepared, stderr};
use kennel_core::{Interpolation, Preprocessing};
use kennel_models::{StateDict, read_checkpoint, write_checkpoint};
use kennel_onnx::builder::{self, Extent, GraphBuilder};
use kennel_onnx::proto::{AttributeProto, ElementType, GraphProto, NodeProto};
use kennel_onnx::{ModelCard, Precision, write_model};

const PHOTO: &str = "photos/striped/photo 00.png";

/// ONNX's attribute type `GRAPH`. The builder lacks it, since Kennel writes no nested graphs.
const ATTRIBUTE_GRAPH: i32 = 5;

/// Writes a two-class classifier with Kennel's metadata. `end` adds the nodes from its logits,
/// `[batch, 2]`, to the output.
fn write_onnx(path: &Path, end: impl FnOnce(&mut GraphBuilder, &str)) {
    let mut graph = GraphBuilder::new("stranger");
    let (batch, side) = (Extent::Named("batch"), Extent::Fixed(32));
    graph.input("input", ElementType::Float, &[batch, Extent::Fixed(3), side, side]);
    let means = graph.node("GlobalAveragePool", "means", &["input"], []);
    let means = graph.node("Flatten", "features", &[&means], [builder::int("axis", 1)]);
    let weights = graph.floats("weights", &[2, 3], &[0.1, 0.2, 0.3, -0.1, 0.2, -0.3]);
    let logits = graph.node("Gemm", "logits", &[&means, &weights], [builder::int("transB", 1)]);
    end(&mut graph, &logits);
    graph.output("output", ElementType::Float, &[batch, Extent::Fixed(2)]);
    let mut model = builder::model(graph.finish());
    let card = ModelCard {
        class_names: vec!["a".into(), "b".into()],
        preprocessing: Preprocessing::imagenet(32, 1.0, Interpolation::Bilinear),
        test_flip: false,
        temperature: 1.0,
        architecture: "test_resnet".into(),
        weights: "none".into(),
        weights_licence: String::new(),
        precision: Precision::Float32,
        run: "20260101_000000-test_resnet-full-s42".into(),
        run_sha256: String::new(),
        val_accuracy: None,
        test_accuracy: None,
        unknown: None,
    };
    card.write_into(&mut model);
    write_model(path, &model).unwrap();
}

/// Expands the logits `times` times, so that every value of the large tensor is written.
fn spread(graph: &mut GraphBuilder, logits: &str, times: i64) {
    let shape = graph.ints("shape", &[times, 1, 2]);
    let wide = graph.node("Expand", "wide", &[logits, &shape], []);
    let axes = graph.ints("axes", &[0]);
    graph.node("ReduceMax", "output", &[&wide, &axes], [builder::int("keepdims", 0)]);
}

fn endless(graph: &mut GraphBuilder, logits: &str) {
    let value = |name: &str, element| {
        let mut inner = GraphBuilder::new("");
        inner.input(name, element, &[]);
        inner.finish().input.remove(0)
    };
    let body = GraphProto {
        name: "body".into(),
        node: vec![
            builder::node("Identity", "goes_on", &["condition"], []),
            builder::node("Identity", "next", &["value"], []),
        ],
        input: vec![
            value("step", ElementType::Int64),
            value("condition", ElementType::Bool),
            value("value", ElementType::Float),
        ],
        output: vec![value("goes_on", ElementType::Bool), value("next", ElementType::Float)],
        ..GraphProto::default()
    };
    let always = graph.constant(builder::raw_tensor("always", &[], ElementType::Bool, vec![1]));
    let body = AttributeProto {
        name: "body".into(),
        g: Some(body),
        r#type: ATTRIBUTE_GRAPH,
        ..Default::default()
    };
    let node: NodeProto = builder::node("Loop", "output", &["", &always, logits], [body]);
    graph.append(vec![node]);
}

#[test]
fn a_strangers_file_costs_an_error_that_names_it_and_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw_photos(&here.join("photos"), 2);
    write_onnx(&here.join("good.onnx"), |graph, logits| {
        drop(graph.node("Identity", "output", &[logits], []))
    });
    write_onnx(&here.join("endless.onnx"), endless);
    // The first needs more memory than any machine has, the second more than a file may take.
    write_onnx(&here.join("petabytes.onnx"), |graph, logits| spread(graph, logits, 1 << 50));
    write_onnx(&here.join("gigabytes.onnx"), |graph, logits| spread(graph, logits, 1 << 30));

    let rows = json(&ok(here, &["predict", "photos", "--onnx", "good.onnx", "--format", "json"]));
    assert_eq!(rows.as_array().unwrap().len(), 4);
    for (file, expected) in [
        ("endless.onnx", "did not end within 0.5 s"),
        ("petabytes.onnx", "rten cannot"),
        ("gigabytes.onnx", "which may take 4.3 GB, ended"),
    ] {
        let began = Instant::now();
        let limit = ["--time-limit", if file == "endless.onnx" { "0.5" } else { "10" }];
        let predict = ["predict", "photos", "--onnx", file, "--format", "json"];
        let output = kennel(here, &[&predict[..], &limit].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(file) && said.contains(expected), "{said}");
        assert_eq!(json(&output).as_array().unwrap().len(), 0, "what was begun is ended");
        let bench = ["bench", "--onnx", file, "--repeats", "1"];
        let (status, said) = fails(here, &[&bench[..], &limit].concat());
        assert!(status == 1 && said.contains(file) && said.contains(expected), "{said}");
        assert!(began.elapsed() < Duration::from_secs(15), "{file}: {:?}", began.elapsed());
    }
    let (status, said) =
        fails(here, &["predict", PHOTO, "--onnx", "good.onnx", "--time-limit", "0"]);
    assert!(status == 2 && said.contains("--time-limit 0"), "{said}");
}

#[test]
fn what_is_no_number_is_no_label() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw_photos(&here.join("photos"), 14);
    // The square root of the logits is NaN for the photos with a negative logit, which are not all.
    for (file, is_softmaxed) in [("logits.onnx", false), ("probabilities.onnx", true)] {
        write_onnx(&here.join(file), |graph, logits| {
            let root =
                graph.node("Sqrt", if is_softmaxed { "root" } else { "output" }, &[logits], []);
            if is_softmaxed {
                graph.node("Softmax", "output", &[&root], [builder::int("axis", 1)]);
            }
        });
        let output = kennel(here, &["predict", "photos", "--onnx", file, "--format", "json"]);
        let (rows, said) = (json(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(1), "{said}");
        let is_error =
            |row: &&serde_json::Value| row["error"].as_str().is_some_and(|e| e.contains("is NaN"));
        let without = rows.as_array().unwrap().iter().filter(is_error).count();
        assert!(
            without > 0 && said.contains(&format!("{without} of 28 photos could not be labelled")),
            "{said}"
        );
        for row in rows.as_array().unwrap().iter().filter(|row| row["error"].is_null()) {
            assert!(row["label"].is_string() && row["probability"].is_number(), "{row}");
        }
    }

    ok(here, &["prepare", "photos", "--out", "data"]);
    let train = [
        "train",
        "--data",
        "data",
        "--model",
        "test_resnet",
        "--weights",
        "none",
        "--strategy",
        "full",
    ];
    let trained = [&train[..], &["--side", "32", "--epochs", "1", "--format", "json"]].concat();
    let run = json(&ok(here, &trained))["run"].as_str().unwrap().to_string();
    let best = here.join(&run).join("checkpoints/best.safetensors");
    let rewrite = |change: &dyn Fn(&mut StateDict)| {
        let mut checkpoint = read_checkpoint(&best).unwrap();
        change(&mut checkpoint.tensors);
        write_checkpoint(&best, &checkpoint.tensors, &checkpoint.batches_tracked, None).unwrap();
        // The hint about a changed file advises this for a change on purpose.
        std::fs::remove_file(here.join(&run).join("SHA256SUMS")).unwrap();
    };
    // The variances are finite, but their square root is NaN.
    rewrite(&|tensors| {
        let (_, variance) =
            tensors.iter_mut().find(|(name, _)| name.ends_with("running_var")).unwrap();
        variance.data.fill(-1.0);
    });
    let output = kennel(here, &["predict", PHOTO, "--run", &run, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let row = &json(&output)[0];
    assert!(
        row["label"].is_null()
            && row["error"].as_str().unwrap().contains("expected a finite number"),
        "{row}"
    );
    let table = kennel(here, &["predict", PHOTO, "--run", &run]);
    assert!(
        String::from_utf8_lossy(&table.stdout).contains("\terror: no label: the logit of class `")
    );

    let kept = || std::fs::read_dir(here.join(&run).join("predictions")).unwrap().count();
    let before = kept();
    let (status, said) =
        fails(here, &["evaluate", "--run", &run, "--data", "data", "--split", "all"]);
    assert!(status == 1 && said.contains("expected a finite number") && kept() == before, "{said}");
    let (status, said) = fails(here, &["export", "--run", &run]);
    assert!(status == 1 && said.contains("a logit of NaN"), "{said}");
    assert!(!here.join("models/best_model_test_resnet.onnx").exists());
}

#[test]
fn weights_as_others_save_them_are_read_or_refused_by_name() {
    let dir = prepared(14);
    let here = dir.path();
    let train =
        ["train", "--data", "data", "--model", "test_resnet", "--epochs", "1", "--format", "json"];
    let first = [&train[..], &["--weights", "none", "--strategy", "full", "--side", "32"]].concat();
    let run = json(&ok(here, &first))["run"].as_str().unwrap().to_string();
    ok(here, &["export", "--run", &run, "--timm", "plain"]);
    // Other programs write no digest of the weights.
    let config = std::fs::read(here.join("plain/config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    config["kennel"].as_object_mut().unwrap().remove("weights_sha256").unwrap();
    let config = config.to_string();
    let tensors = read_checkpoint(&here.join("plain/model.safetensors")).unwrap().tensors;
    let write = |folder: &str, name: &dyn Fn(&str) -> Option<String>, config: &str| {
        std::fs::create_dir(here.join(folder)).unwrap();
        std::fs::write(here.join(folder).join("config.json"), config).unwrap();
        let renamed =
            tensors.iter().filter_map(|(old, value)| Some((name(old)?, value.clone()))).collect();
        let path = here.join(folder).join("model.safetensors");
        write_checkpoint(&path, &renamed, &BTreeMap::new(), None).unwrap();
    };
    let predict = |weights: &str| {
        let by = ["--model", "test_resnet", "--weights", weights, "--format", "json"];
        kennel(here, &[&["predict", PHOTO], &by[..]].concat())
    };
    let plain = json(&predict("plain"));
    for (folder, wrapper) in [("ddp", "module."), ("compiled", "_orig_mod.")] {
        write(folder, &|name| Some(format!("{wrapper}{name}")), &config);
        let output = predict(folder);
        assert_eq!(json(&output), plain);
        assert!(
            stderr(&output).contains(&format!("without their `{wrapper}`")),
            "{}",
            stderr(&output)
        );
        let said = stderr(&ok(
            here,
            &[&train[..], &["--weights", folder, "--strategy", "freeze"]].concat(),
        ));
        assert!(said.contains(&format!("without their `{wrapper}`")), "{said}");
    }

    write("trunk", &|name| (!name.starts_with("fc.")).then(|| name.into()), &config);
    let output = predict("trunk");
    let said = stderr(&output);
    assert!(output.status.code() == Some(1) && said.contains("has no classifier: `fc`"), "{said}");
    let said = stderr(&ok(here, &[&train[..], &["--weights", "trunk"]].concat()));
    assert!(said.contains("the weights have no classifier: a new one is drawn"), "{said}");

    for mode in ["squash", "border", "stretch"] {
        let config = config.replace("\"center\"", &format!("\"{mode}\""));
        write(mode, &|name| Some(name.into()), &config);
        let output = predict(mode);
        let said = stderr(&output);
        if mode != "stretch" {
            assert!(output.status.success(), "{said}");
            continue;
        }
        assert!(output.status.code() == Some(1) && said.contains("config.json"), "{said}");
        assert!(said.contains("unknown crop mode `stretch`"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn names_of_files_and_classes_command_no_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw_photos(&here.join("photos"), 1);
    let name = "a\u{1b}[2J\nhint: rm -r.png";
    std::fs::copy(here.join(PHOTO), here.join(name)).unwrap();
    write_onnx(&here.join("good.onnx"), |graph, logits| {
        drop(graph.node("Identity", "output", &[logits], []))
    });
    let is_quiet = |bytes: &[u8]| !bytes.contains(&0x1b);

    let classes = "x\u{1b}]0;y\u{7},b\n";
    let output = ok(here, &["predict", name, "--onnx", "good.onnx", "--classes", classes]);
    let row = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(is_quiet(&output.stdout) && row.lines().count() == 1, "{row}");
    assert!(row.starts_with("a\\u{1b}[2J\\nhint: rm -r.png\t"), "{row}");
    // JSON keeps the exact name.
    let output = ok(here, &["predict", name, "--onnx", "good.onnx", "--format", "json"]);
    assert_eq!(json(&output)[0]["path"], name);

    let file = format!("{name}.onnx");
    std::fs::write(here.join(&file), "no model \u{1b}[31m").unwrap();
    let output = kennel(here, &["predict", PHOTO, "--onnx", &file]);
    let said = stderr(&output);
    assert!(is_quiet(&output.stderr) && said.lines().count() == 1, "{said}");
    assert!(said.contains("a\\u{1b}[2J\\nhint: rm -r.png.onnx is not an ONNX file"), "{said}");
}
