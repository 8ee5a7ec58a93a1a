//! The crates depend on each other only as ARCHITECTURE.md allows.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

#[test]
fn arrows_point_downwards_and_burn_stands_in_five_manifests_only() {
    let allowed = BTreeMap::from([
        ("kennel-core", vec![]),
        ("kennel-fetch", vec!["kennel-core"]),
        ("kennel-data", vec!["kennel-core"]),
        ("kennel-metrics", vec!["kennel-core"]),
        ("kennel-kernels", vec![]),
        ("kennel-models", vec!["kennel-core", "kennel-kernels"]),
        (
            "kennel-infer",
            vec![
                "kennel-core",
                "kennel-data",
                "kennel-kernels",
                "kennel-metrics",
                "kennel-models",
                "kennel-onnx",
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
            ],
        ),
        ("kennel-demo", vec!["kennel-core"]),
        ("kennel-report", vec!["kennel-core", "kennel-data", "kennel-metrics"]),
        (
            "kennel",
            vec![
                "kennel-core",
                "kennel-data",
                "kennel-demo",
                "kennel-export",
                "kennel-fetch",
                "kennel-infer",
                "kennel-metrics",
                "kennel-models",
                "kennel-onnx",
                "kennel-report",
                "kennel-train",
            ],
        ),
    ]);
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
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
                let engines =
                    ["kennel-kernels", "kennel-models", "kennel-infer", "kennel-train", "kennel-export"];
                let is_engine = engines.contains(&name);
                assert!(is_engine, "{name} -> {}", dependency.name);
            }
        }
    }
}
