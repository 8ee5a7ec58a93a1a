//! `kennel export`.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::{Args, ValueEnum};
use kennel_core::task::Event;
use kennel_core::{RunDir, Task, quoted};
use kennel_export::{
    ExportOptions, Exported, WebFolder, WebRuntime, check_web_folder, export, export_timm,
    export_web,
};
use kennel_metrics::format_proportion;
use kennel_onnx::Precision;
use serde_json::json;

use crate::chosen_run::ChosenRun;
use crate::failure::{CommandResult, Failure};
use crate::folders::MODELS_DIR;
use crate::hints::worded;
use crate::interrupt;
use crate::lists::trimmed;
use crate::network;
use crate::output::{Format, print, print_json};
use crate::progress::say_stage;
use crate::session::Session;

const EXAMPLE: &str = "\
Examples:
  kennel export --model resnet50                            models/best_model_resnet50.onnx
  kennel export --run RUN --int8                            0.28 to 0.39 of the size
  kennel export --model resnet50 --input photo              preprocessing and softmax inside the file
  kennel export --model resnet50 --web site                 a page that labels photos in the browser
  kennel export --model resnet50 --timm timm/resnet50       a model folder for timm

Before the file gets its name, it is compared with the trained network on the run's validation photos: in rten, and in ONNX \
Runtime where ORT_DYLIB_PATH names its library. parity.json holds the result.";

/// Which run, and which file.
#[derive(Args)]
#[command(after_help = EXAMPLE, allow_negative_numbers = true)]
pub struct ExportArgs {
    #[command(flatten)]
    chosen: ChosenRun,
    /// The file [default: best_model_<model>.onnx in --export-dir, with _int8, _fp16, _photo or
    /// _external before the dot]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Folder for the file, without --out
    #[arg(long, value_name = "DIR", env = "KENNEL_MODELS", hide_env_values = true, default_value = MODELS_DIR)]
    export_dir: PathBuf,
    /// Quantise to 8-bit integers
    #[arg(long, conflicts_with = "fp16")]
    int8: bool,
    /// Store 16-bit floats
    #[arg(long)]
    fp16: bool,
    /// Input of the file: preprocessed pixels, or a decoded photo of any size
    #[arg(long, value_enum, default_value_t)]
    input: Input,
    /// Write graph and weights as two files, which belong together
    #[arg(long)]
    external_data: bool,
    /// Points of validation accuracy that --int8, --fp16 and --input photo may lose
    #[arg(long, value_name = "POINTS", default_value_t = 1.0)]
    max_drop: f64,
    /// With --int8: layers, or prefixes of them, that stay in floats besides the first, the last,
    /// squeeze-and-excitation and those after attention
    #[arg(long, value_name = "LAYER,...", value_delimiter = ',', value_parser = trimmed, requires = "int8")]
    float_layers: Vec<String>,
    /// Write a folder for any web server instead: a page that labels photos in the browser. The
    /// first time, ONNX Runtime is fetched from npm (20 MB)
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "export_dir", "input", "external_data"])]
    web: Option<PathBuf>,
    /// Write a timm model folder instead
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "export_dir", "int8", "fp16", "input", "external_data", "max_drop", "data", "web"])]
    timm: Option<PathBuf>,
    /// The run's photos, where they have moved
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Input {
    #[default]
    Pixels,
    Photo,
}

/// Exports a run as an ONNX file, a folder for browsers or a timm model folder.
pub fn run(args: ExportArgs, session: &Session) -> CommandResult {
    if !(0.0..=100.0).contains(&args.max_drop) {
        return Err(Failure::Usage(format!(
            "--max-drop {}: expected points in [0, 100]",
            args.max_drop
        )));
    }
    let run = args.chosen.open(session)?;
    if let Some(folder) = &args.timm {
        let written = export_timm(&run, folder)?;
        let path = written.path.display().to_string();
        return match args.format {
            Format::Json => print_json(&json!({ "path": path, "tensors": written.tensors })),
            Format::Table => print(&format!(
                "{path}  {} tensors, read back and equal\n\
                 in Python: timm.create_model(\"local-dir:{path}\", pretrained=True)\n",
                written.tensors
            )),
        };
    }
    let precision = match (args.int8, args.fp16) {
        (true, _) => Precision::Int8,
        (_, true) => Precision::Float16,
        _ => Precision::Float32,
    };
    let path = match &args.out {
        Some(path) => path.clone(),
        None => default_path(&args.export_dir, &run, &args, precision)?,
    };
    if path.extension().is_none_or(|extension| extension != "onnx") {
        return Err(Failure::Usage(format!(
            "--out {}: expected a name that ends in .onnx",
            path.display()
        )));
    }
    let options = ExportOptions {
        path,
        precision,
        photo_input: args.input == Input::Photo,
        external_data: args.external_data,
        max_drop: args.max_drop,
        float_layers: args.float_layers,
        data_dir: args.data,
    };
    let say = |event: Event<'_>| say_stage(event, session);
    let task = Task::new(interrupt::listen(session), &say);
    if let Some(folder) = &args.web {
        return page(&run, folder, &options, args.format, task, session);
    }
    let exported = export(&run, &options, &worded, task)?;
    match args.format {
        Format::Json => print_json(&json!({
            "path": exported.path.display().to_string(),
            "weights": exported.weights.as_ref().map(|path| path.display().to_string()),
            "parity": exported.parity,
            "replaced": exported.replaced,
        })),
        Format::Table => print(&render(&exported)),
    }
}

/// Exports a run as a folder for browsers.
fn page(
    run: &RunDir,
    folder: &Path,
    options: &ExportOptions,
    format: Format,
    task: Task<'_>,
    session: &Session,
) -> CommandResult {
    // Before a download, and before minutes of proof.
    check_web_folder(folder)?;
    let fetched = network::onnxruntime_web(session)?;
    let runtime = WebRuntime {
        version: fetched.version,
        script: &fetched.script,
        glue: &fetched.glue,
        wasm: &fetched.wasm,
    };
    let WebFolder { path, exported, size_bytes } =
        export_web(run, folder, options, runtime, &worded, task)?;
    match format {
        Format::Json => print_json(&json!({
            "path": path.display().to_string(),
            "size_bytes": size_bytes,
            "parity": exported.parity,
        })),
        Format::Table => print(&format!(
            "{}{}  {}\n\
             python3 -m http.server --directory {}   then open http://localhost:8000\n",
            render(&exported),
            path.display(),
            ByteSize(size_bytes).display().si(),
            quoted(&path.to_string_lossy()),
        )),
    }
}

fn default_path(
    folder: &Path,
    run: &RunDir,
    args: &ExportArgs,
    precision: Precision,
) -> Result<PathBuf, Failure> {
    let model = run.read_record()?.settings.model;
    let parts = [
        precision.short_name(),
        (args.input == Input::Photo).then_some("photo"),
        args.external_data.then_some("external"),
    ];
    let flavour: String = parts.into_iter().flatten().map(|part| format!("_{part}")).collect();
    Ok(folder.join(format!("best_model_{model}{flavour}.onnx")))
}

/// Renders the paths of the files and the results of the checks.
pub fn render(exported: &Exported) -> String {
    let Exported { path, weights, parity, replaced, .. } = exported;
    let mut text = format!("{}  {}\n", path.display(), ByteSize(parity.size_bytes).display().si());
    if let Some(run) = replaced {
        text += &format!("replaces the file of {run}\n");
    }
    if let Some(weights) = weights {
        text += &format!("{}  its weights: both files must travel together\n", weights.display());
    }
    text += &format!("trained network  {}\n", format_proportion(&parity.network_accuracy));
    for found in &parity.runtimes {
        text += &format!(
            "{:<15}  {}; same first class on {}/{}; largest difference {:.1e} of {} {:.3}\n",
            found.runtime,
            format_proportion(&found.accuracy),
            found.agreement.correct,
            found.agreement.n,
            found.max_difference,
            if parity.input == "photo" { "probability" } else { "largest logit" },
            found.max_value,
        );
    }
    for (runtime, reason) in &parity.not_run {
        text += &format!("{runtime:<15}  not run: {}\n", reason.lines().next().unwrap_or_default());
    }
    text
}
