//! What others wrote: ONNX files that ask for everything, weights that say nothing, names that command a terminal.

mod common;

use std::collections::BTreeMap;

use common::{draw_photos, json, kennel, ok, stderr};
use kennel_models::{read_checkpoint, write_checkpoint};

const PHOTO: &str = "photos/striped/photo 00.png";

#[test]
fn weights_as_others_save_them_are_read_or_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    draw_photos(&here.join("photos"), 14);
    ok(here, &["prepare", "photos", "--out", "data"]);
    let train = ["train", "--data", "data", "--model", "test_resnet", "--epochs", "1", "--format", "json"];
    let first = [&train[..], &["--weights", "none", "--strategy", "full", "--side", "32"]].concat();
    let run = json(&ok(here, &first))["run"].as_str().unwrap().to_string();
    ok(here, &["export", "--run", &run, "--timm", "plain"]);
    let config = std::fs::read_to_string(here.join("plain/config.json")).unwrap();
    let tensors = read_checkpoint(&here.join("plain/model.safetensors")).unwrap().tensors;
    let write = |folder: &str, name: &dyn Fn(&str) -> Option<String>, config: &str| {
        std::fs::create_dir(here.join(folder)).unwrap();
        std::fs::write(here.join(folder).join("config.json"), config).unwrap();
        let renamed = tensors.iter().filter_map(|(old, value)| Some((name(old)?, value.clone()))).collect();
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
        assert!(stderr(&output).contains(&format!("without their `{wrapper}`")), "{}", stderr(&output));
        let said = stderr(&ok(here, &[&train[..], &["--weights", folder]].concat()));
        assert!(said.contains(&format!("without their `{wrapper}`")), "{said}");
    }

    write("trunk", &|name| (!name.starts_with("fc.")).then(|| name.into()), &config);
    let output = predict("trunk");
    let said = stderr(&output);
    assert!(output.status.code() == Some(1) && said.contains("has no classifier: `fc`"), "{said}");
    let said = stderr(&ok(here, &[&train[..], &["--weights", "trunk"]].concat()));
    assert!(said.contains("the weights have no classifier: a new one is drawn"), "{said}");

    for mode in ["squash", "border"] {
        let config = config.replace("\"center\"", &format!("\"{mode}\""));
        write(mode, &|name| Some(name.into()), &config);
        let output = predict(mode);
        let said = stderr(&output);
        assert!(output.status.code() == Some(1) && said.contains("config.json"), "{said}");
        assert!(said.contains(&format!("crop_mode is `{mode}`, only `center` is supported")), "{said}");
    }
}
