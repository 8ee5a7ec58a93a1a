//! Runs the binary, and draws photos for it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Builds a call of the binary in `folder`. Offline and without a cache, so that no test asks a
/// foreign server or finds weights that this machine happens to have.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kennel"));
    command.current_dir(folder).args(args).env("KENNEL_OFFLINE", "1").env("HF_HOME", "no-cache");
    for variable in [
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HF_ASSETS_CACHE",
        "HUGGINGFACE_ASSETS_CACHE",
        "KENNEL_NPM_REGISTRY",
        "npm_config_registry",
        "NPM_CONFIG_REGISTRY",
    ] {
        command.env_remove(variable);
    }
    command
}

pub fn kennel(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

pub fn ok(folder: &Path, args: &[&str]) -> Output {
    let output = kennel(folder, args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    output
}

/// Runs a command that must fail; returns its status and its stderr.
pub fn fails(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = kennel(folder, args);
    assert!(!output.status.success(), "{args:?} did not fail");
    (output.status.code().unwrap(), stderr(&output))
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), stderr(output))
    })
}

#[allow(dead_code)] // not every test reads files
pub fn json_of(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Makes a folder with drawn `photos`, `count` per class, and the data set `data` prepared from
/// them.
pub fn prepared(count: u32) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    draw_photos(&dir.path().join("photos"), count);
    ok(dir.path(), &["prepare", "photos", "--out", "data"]);
    dir
}

/// Draws two classes of `count` photos that differ in texture. One class name has spaces and
/// Cyrillic letters.
pub fn draw_photos(folder: &Path, count: u32) {
    for class in ["чёрный пёс 1", "striped"] {
        let class_folder = folder.join(class);
        std::fs::create_dir_all(&class_folder).unwrap();
        for index in 0..count {
            let photo = image::RgbImage::from_fn(96, 80, |x, y| {
                let cell = 5 + index % 7;
                let column = if class == "striped" { 0 } else { (x + index) / cell };
                let on = (column + (y + 3 * index) / cell).is_multiple_of(2);
                let seed = index.wrapping_mul(83_492_791);
                let grain = (x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663) ^ seed) >> 9;
                let level = if on { 140 } else { 50 } + (grain % 64) as u8;
                image::Rgb([level, level / 2 + (index * 5 % 90) as u8, 255 - level])
            });
            photo.save(class_folder.join(format!("photo {index:02}.png"))).unwrap();
        }
    }
}
