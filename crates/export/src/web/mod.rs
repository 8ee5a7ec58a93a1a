//! Exports a run as a folder that labels photos in a browser: a page, its scripts, the ONNX file,
//! and the runtime that runs it. Any web server can serve the folder; none computes anything.

mod folder;

use std::path::{Path, PathBuf};

use kennel_core::hint::Describe;
use kennel_core::{CoreError, RunDir, Task, files};
use kennel_metrics::Proportion;
use kennel_onnx::{ModelCard, UnknownCard};
use serde::Serialize;

use crate::export::export;
use crate::export::scratch_beside;
use crate::{ExportOptions, Exported, Result};

pub use folder::check_web_folder;

/// The page as it is written. Its scripts are small modules, which no build step touches.
const PAGE: [(&str, &str); 8] = [
    ("index.html", include_str!("index.html")),
    ("style.css", include_str!("style.css")),
    ("app.js", include_str!("app.js")),
    ("camera.js", include_str!("camera.js")),
    ("photo.js", include_str!("photo.js")),
    ("words.js", include_str!("words.js")),
    ("worker.js", include_str!("worker.js")),
    // npm's package states the licence and has no file with its text.
    ("ort/LICENSE", include_str!("ort-LICENSE")),
];
/// The ONNX file.
const NETWORK: &str = "model.onnx";
/// What the page must know of it.
const MODEL: &str = "model.json";
/// The modules of the runtime. npm's names end in `.mjs`, which some web servers do not serve as
/// scripts.
const RUNTIME_SCRIPT: &str = "ort/ort.js";
const RUNTIME_GLUE: &str = "ort/ort-wasm.js";
/// The runtime.
const RUNTIME: &str = "ort/ort.wasm";

/// ONNX Runtime for browsers.
#[derive(Clone, Copy, Debug)]
pub struct WebRuntime<'a> {
    /// Its version.
    pub version: &'a str,
    /// An ES module with its API.
    pub script: &'a [u8],
    /// An ES module that starts `wasm`.
    pub glue: &'a [u8],
    /// WebAssembly.
    pub wasm: &'a [u8],
}

/// A folder that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct WebFolder {
    /// Path of the folder.
    pub path: PathBuf,
    /// The ONNX file in it.
    pub exported: Exported,
    /// Size of everything in it, in bytes.
    pub size_bytes: u64,
}

/// `model.json`.
#[derive(Serialize)]
struct Model<'a> {
    architecture: &'a str,
    class_names: &'a [String],
    unknown: Option<Threshold>,
    val_accuracy: Option<Proportion>,
    test_accuracy: Option<Proportion>,
    precision: &'a str,
    weights: &'a str,
    weights_license: &'a str,
    run: &'a str,
    kennel_version: &'a str,
    network: FileRow,
    runtime: FileRow,
    runtime_version: &'a str,
}

/// A score above which a photo is of none of the classes.
#[derive(Serialize)]
struct Threshold {
    share: f64,
    threshold: f64,
}

/// A file that the page loads: its size tells the progress, its digest the version.
#[derive(Serialize)]
struct FileRow {
    path: &'static str,
    size_bytes: u64,
    sha256: String,
}

/// Exports a finished run as a folder for browsers. The ONNX file takes photos and passes the proof
/// of [`export`]. The folder gets its name when it is whole. It replaces a folder that Kennel wrote
/// and that is unchanged. Ignores `path`, `photo_input` and `external_data` of `options`.
///
/// # Errors
///
/// - [`ExportError::InTheWay`](crate::ExportError::InTheWay) as [`check_web_folder`]
/// - as [`export`]
pub fn export_web(
    run: &RunDir,
    folder: &Path,
    options: &ExportOptions,
    runtime: WebRuntime<'_>,
    wording: Describe<'_>,
    task: Task<'_>,
) -> Result<WebFolder> {
    check_web_folder(folder)?;
    let scratch = scratch_beside(folder)?;
    let draft = scratch.path().join("web");
    files::create_dir_all(&draft.join("ort"))?;
    let options = ExportOptions {
        path: draft.join(NETWORK),
        photo_input: true,
        external_data: false,
        ..options.clone()
    };
    let exported = export(run, &options, wording, task)?;
    write_page(&draft, &exported.card, runtime)?;
    folder::sum(&draft)?;
    // The proof took minutes, in which somebody may have written there.
    check_web_folder(folder)?;
    folder::swap(&draft, folder, &scratch.path().join("old"))?;
    let size_bytes = folder::size_bytes(folder)?;
    let exported = Exported { path: folder.join(NETWORK), ..exported };
    Ok(WebFolder { path: folder.into(), exported, size_bytes })
}

/// Writes everything but the ONNX file, which is there.
fn write_page(draft: &Path, card: &ModelCard, runtime: WebRuntime<'_>) -> Result<()> {
    let write = |name: &str, bytes: &[u8]| {
        let path = draft.join(name);
        std::fs::write(&path, bytes).map_err(CoreError::io("write", &path))
    };
    for (name, text) in PAGE {
        write(name, text.as_bytes())?;
    }
    write(RUNTIME_SCRIPT, runtime.script)?;
    write(RUNTIME_GLUE, runtime.glue)?;
    write(RUNTIME, runtime.wasm)?;
    let row = |path: &'static str| -> Result<FileRow> {
        let file = draft.join(path);
        let size_bytes = std::fs::metadata(&file).map_err(CoreError::io("read", &file))?.len();
        Ok(FileRow { path, size_bytes, sha256: files::sha256_file(&file)? })
    };
    let threshold = |UnknownCard { share, threshold }| Threshold { share, threshold };
    let model = Model {
        architecture: &card.architecture,
        class_names: &card.class_names,
        unknown: card.unknown.map(threshold),
        val_accuracy: card.val_accuracy,
        test_accuracy: card.test_accuracy,
        precision: card.precision.as_str(),
        weights: &card.weights,
        weights_license: &card.weights_licence,
        run: &card.run,
        kennel_version: env!("CARGO_PKG_VERSION"),
        network: row(NETWORK)?,
        runtime: row(RUNTIME)?,
        runtime_version: runtime.version,
    };
    Ok(files::write_json(&draft.join(MODEL), &model)?)
}
