//! The crates depend on each other only as ARCHITECTURE.md allows, and the files of a crate import
//! each other without circles.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

mod imports;

#[test]
fn arrows_point_downwards_and_burn_stands_in_five_manifests_only() {
    let allowed = BTreeMap::from([
        ("kennel-archive", vec![]),
        ("kennel-core", vec![]),
        ("kennel-fetch", vec!["kennel-archive", "kennel-core"]),
        ("kennel-data", vec!["kennel-archive", "kennel-core"]),
        ("kennel-metrics", vec!["kennel-core"]),
        ("kennel-probe", vec!["kennel-core"]),
        ("kennel-ranks", vec![]),
        ("kennel-audit", vec!["kennel-atlas", "kennel-core", "kennel-metrics"]),
        ("kennel-atlas", vec![]),
        ("kennel-unknown", vec![]),
        ("kennel-explain", vec![]),
        ("kennel-kernels", vec![]),
        ("kennel-models", vec!["kennel-core", "kennel-kernels"]),
        (
            "kennel-infer",
            vec![
                "kennel-atlas",
                "kennel-core",
                "kennel-data",
                "kennel-explain",
                "kennel-kernels",
                "kennel-metrics",
                "kennel-models",
                "kennel-onnx",
                "kennel-unknown",
            ],
        ),
        (
            "kennel-train",
            vec![
                "kennel-core",
                "kennel-data",
                "kennel-infer",
                "kennel-kernels",
                "kennel-metrics",
                "kennel-models",
                "kennel-probe",
                "kennel-ranks",
                "kennel-unknown",
            ],
        ),
        (
            "kennel-auto",
            vec![
                "kennel-core",
                "kennel-data",
                "kennel-infer",
                "kennel-metrics",
                "kennel-models",
                "kennel-train",
            ],
        ),
        ("kennel-onnx", vec!["kennel-core", "kennel-data", "kennel-metrics"]),
        (
            "kennel-export",
            vec![
                "kennel-core",
                "kennel-data",
                "kennel-infer",
                "kennel-metrics",
                "kennel-models",
                "kennel-onnx",
                "kennel-unknown",
            ],
        ),
        ("kennel-demo", vec!["kennel-core"]),
        (
            "kennel-report",
            vec!["kennel-atlas", "kennel-audit", "kennel-core", "kennel-data", "kennel-metrics"],
        ),
        (
            "kennel-serve",
            vec!["kennel-core", "kennel-data", "kennel-explain", "kennel-infer", "kennel-metrics"],
        ),
        (
            "kennel-study",
            vec![
                "kennel-auto",
                "kennel-core",
                "kennel-data",
                "kennel-export",
                "kennel-infer",
                "kennel-models",
                "kennel-report",
                "kennel-train",
            ],
        ),
        ("kennel-tensorboard", vec!["kennel-core"]),
        (
            "kennel",
            vec![
                "kennel-auto",
                "kennel-core",
                "kennel-data",
                "kennel-explain",
                "kennel-export",
                "kennel-infer",
                "kennel-metrics",
                "kennel-models",
                "kennel-onnx",
                "kennel-train",
            ],
        ),
        (
            "kennel-cli",
            vec![
                "kennel-audit",
                "kennel-auto",
                "kennel-core",
                "kennel-data",
                "kennel-demo",
                "kennel-explain",
                "kennel-export",
                "kennel-fetch",
                "kennel-infer",
                "kennel-metrics",
                "kennel-models",
                "kennel-onnx",
                "kennel-ranks",
                "kennel-report",
                "kennel-serve",
                "kennel-study",
                "kennel-tensorboard",
                "kennel-train",
            ],
        ),
    ]);
    let metadata = workspace();
    assert_eq!(metadata.packages.len(), allowed.len(), "a room is missing from this page");
    for package in &metadata.packages {
        let name = package.name.as_str();
        let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
        for dependency in normal {
            if dependency.name.starts_with("kennel") {
                let is_allowed = allowed[name].contains(&dependency.name.as_str());
                assert!(is_allowed, "{name} -> {}", dependency.name);
            }
            if dependency.name.starts_with("burn") {
                let engines = [
                    "kennel-kernels",
                    "kennel-models",
                    "kennel-infer",
                    "kennel-train",
                    "kennel-export",
                ];
                let is_engine = engines.contains(&name);
                assert!(is_engine, "{name} -> {}", dependency.name);
            }
        }
    }
}

#[test]
fn files_of_a_crate_import_each_other_without_circles() {
    let mut lines = Vec::new();
    for package in &workspace().packages {
        let targets = package.targets.iter().filter(|target| target.is_lib() || target.is_bin());
        for target in targets {
            let circles = imports::circles(target.src_path.as_std_path());
            lines.extend(circles.iter().map(|circle| format!("{}: {circle}", target.name)));
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// Shows that the reader of imports works: a made-up crate with and without a circle.
#[test]
fn a_circle_through_a_re_export_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let circles = || imports::circles(&folder.path().join("lib.rs"));

    // `Dog` and `Breed` are re-exported twice; tests may look wherever they like.
    write("lib.rs", "mod dog;\nmod kennel;\npub use dog::{Breed, Dog};\npub use kennel::Kennel;");
    write("dog/mod.rs", "mod breed;\nmod name;\npub use breed::Breed;\npub use name::Dog;");
    write("dog/breed.rs", "pub enum Breed { Pug }");
    write(
        "dog/name.rs",
        "use super::Breed;\npub struct Dog(Breed);\n#[cfg(test)]\nmod tests { use crate::Kennel; }",
    );
    write("kennel.rs", "use crate::Dog;\npub struct Kennel(Vec<Dog>);");
    assert_eq!(circles(), Vec::<String>::new());

    // By an import.
    write("dog/breed.rs", "use crate::Kennel;\npub enum Breed { Pug(Kennel) }");
    assert_eq!(
        circles(),
        ["dog/breed.rs -> kennel.rs (Kennel) -> dog/name.rs (Dog) -> dog/breed.rs (Breed)"]
    );

    // By a path in code, in a macro, through a glob, and from a parent.
    let circle = ["dog/breed.rs -> dog/name.rs (Dog) -> dog/breed.rs (Breed)"];
    write("dog/breed.rs", "pub enum Breed { Pug(Box<super::name::Dog>) }");
    assert_eq!(circles(), circle);
    write("dog/breed.rs", "pub enum Breed { Pug }\nfn all() { vec![crate::Dog(Breed::Pug)]; }");
    assert_eq!(circles(), circle);
    write("dog/breed.rs", "use crate::*;\npub enum Breed { Pug(Box<Dog>) }");
    assert_eq!(circles(), circle);
    write("dog/breed.rs", "pub enum Breed { Pug(super::Age) }");
    write(
        "dog/mod.rs",
        "mod breed;\nmod name;\npub use breed::Breed;\npub use name::Dog;\npub struct Age(Breed);",
    );
    assert_eq!(circles(), ["dog/breed.rs -> dog/mod.rs (Age) -> dog/breed.rs (Breed)"]);
}

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}
