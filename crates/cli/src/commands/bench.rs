//! `kennel bench`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use kennel_core::Strategy;
use kennel_infer::{BenchOptions, DataBench, NetworkBench, bench_data, bench_infer};
use kennel_onnx::{FileBench, bench_file};
use kennel_train::{StepParity, bench_step, compare_step};

use crate::device::DeviceArg;
use crate::failure::{CommandResult, Failure};
use crate::folders::DATA_DIR;
use crate::hints::worded;
use crate::onnx_worker::TimeLimit;
use crate::output::{Format, columns, print, print_json};
use crate::session::Session;

const EXAMPLE: &str = "\
Examples:
  kennel bench --model resnet50 --mode full
  kennel bench --model mobilenetv2_100 --mode infer --batch-size 1 --format json
  kennel bench --stage data --data data/processed
  kennel bench --onnx models/best_model_resnet50.onnx
  kennel bench --device cuda --mode full --parity     whether this GPU computes what the CPU does

Close other programs first.";

/// Photos per pass, unless `--batch-size` sets it; for a file, those of its second row.
const BATCH_SIZE: usize = 16;

/// What is timed.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct BenchArgs {
    /// Architecture by timm's name, with random weights
    #[arg(long, default_value = "mobilenetv2_100")]
    model: String,
    /// Side of the photos in pixels [default: that of the network's default weights]
    #[arg(long, value_name = "SIDE", conflicts_with_all = ["stage", "onnx"])]
    side: Option<u32>,
    /// A forward pass, or a training step of a strategy (Adam included)
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Time decoding and augmentation of the training photos instead
    #[arg(long, value_enum, conflicts_with_all = ["model", "mode", "repeats", "warmup"])]
    stage: Option<Stage>,
    /// With --stage data: the photos
    #[arg(long, value_name = "DIR", env = "KENNEL_DATA", hide_env_values = true, default_value = DATA_DIR, requires = "stage")]
    data: PathBuf,
    /// Time an ONNX file instead, in rten and, where ORT_DYLIB_PATH names its library, ONNX Runtime
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "mode", "stage", "device"])]
    onnx: Option<PathBuf>,
    /// Photos per pass [default: 16; with --onnx: 1, then 16]
    #[arg(long)]
    batch_size: Option<usize>,
    /// Timed passes
    #[arg(long, default_value_t = 10)]
    repeats: usize,
    /// Untimed passes before them
    #[arg(long, default_value_t = 3)]
    warmup: usize,
    /// Compare a training step on this device with the CPU's, in place of timing it
    #[arg(long, conflicts_with_all = ["stage", "onnx", "repeats", "warmup"])]
    parity: bool,
    #[command(flatten)]
    time_limit: TimeLimit,
    #[command(flatten)]
    device: DeviceArg,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    #[default]
    Infer,
    Freeze,
    Partial,
    Full,
}

impl Mode {
    /// The strategy whose training step is timed; None: a forward pass.
    fn strategy(self) -> Option<Strategy> {
        match self {
            Mode::Infer => None,
            Mode::Freeze => Some(Strategy::Freeze),
            Mode::Partial => Some(Strategy::Partial),
            Mode::Full => Some(Strategy::Full),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    Data,
}

/// Times a network, a file or the reading of photos, and prints the result.
pub fn run(args: BenchArgs, session: &Session) -> CommandResult {
    if let Some(path) = &args.onnx {
        return run_file(path, &args);
    }
    let batch_size = args.batch_size.unwrap_or(BATCH_SIZE);
    if args.stage == Some(Stage::Data) {
        let bench = bench_data(&args.data, batch_size)?;
        return match args.format {
            Format::Json => print_json(&bench),
            Format::Table => print(&data_table(&bench)),
        };
    }
    let options = BenchOptions {
        model: args.model,
        side_px: args.side,
        batch_size,
        repeats: args.repeats,
        warmup: args.warmup,
    };
    let compute = args.device.open(session)?;
    let strategy = args.mode.strategy();
    if args.parity {
        let Some(strategy) = strategy else {
            let text = "--parity compares training steps: pass --mode freeze, partial or full";
            return Err(Failure::Usage(text.into()));
        };
        return run_parity(&compare_step(strategy, &options, &compute)?, args.format);
    }
    let bench = match strategy {
        None => bench_infer(&options, &compute)?,
        Some(strategy) => bench_step(strategy, &options, &compute)?,
    };
    match args.format {
        Format::Json => print_json(&bench),
        Format::Table => print(&network_table(&bench)),
    }
}

/// Prints a comparison, then fails if it does not hold.
fn run_parity(parity: &StepParity, format: Format) -> CommandResult {
    match format {
        Format::Json => print_json(parity)?,
        Format::Table => print(&parity_table(parity))?,
    }
    Ok(parity.check()?)
}

fn parity_table(parity: &StepParity) -> String {
    let losses: Vec<String> =
        parity.losses.iter().map(|[cpu, device]| format!("{cpu:.5} and {device:.5}")).collect();
    let worst = parity.gradients.first().map_or("none", |worst| &worst.name);
    format!(
        "{}, batch {}: the CPU and {}\n\
         loss       {}; differs by {:.1e} of it (bound {:.0e})\n\
         gradients  differ by {:.1e} of their norm at most, {worst} (bound {:.0e})\n",
        parity.model,
        parity.batch_size,
        parity.device,
        losses.join(", "),
        parity.loss_difference(),
        StepParity::LOSS_BOUND,
        parity.gradient_difference(),
        StepParity::GRADIENT_BOUND,
    )
}

fn run_file(path: &Path, args: &BenchArgs) -> CommandResult {
    let batch_sizes = args.batch_size.map_or(vec![1, BATCH_SIZE], |size| vec![size]);
    if args.repeats == 0 || !batch_sizes.iter().all(|size| (1..=1024).contains(size)) {
        return Err(Failure::Usage("--repeats is 1 or more, --batch-size 1 to 1024".into()));
    }
    let apart = args.time_limit.apart(batch_sizes.iter().copied().max().unwrap_or(1))?;
    let bench = bench_file(path, &batch_sizes, args.warmup, args.repeats, &apart, &worded)?;
    if bench.rates.is_empty() {
        let reasons =
            bench.not_run.iter().map(|not| format!("\n  {}: {}", not.runtime, not.reason));
        return Err(Failure::Failed(format!(
            "nothing here runs {}{}",
            path.display(),
            reasons.collect::<String>()
        )));
    }
    match args.format {
        Format::Json => print_json(&bench),
        Format::Table => print(&file_table(&bench)),
    }
}

fn file_table(bench: &FileBench) -> String {
    let row = |rate: &kennel_onnx::FileRate| {
        [
            rate.runtime.clone(),
            rate.batch_size.to_string(),
            format!("{:.1}", rate.rate.images_per_s),
            format!("{:.1} to {:.1}", rate.rate.images_per_s_min, rate.rate.images_per_s_max),
        ]
    };
    let rows = bench.rates.iter().map(row).collect();
    let mut text =
        format!("{}\n{}", bench.path, columns(["runtime", "batch", "images/s", ""], rows, &[1, 2]));
    for not in &bench.not_run {
        text += &format!("{}  not run: {}\n", not.runtime, not.reason);
    }
    text
}

fn network_table(bench: &NetworkBench) -> String {
    let NetworkBench { rate, .. } = bench;
    let work = bench.work.as_ref().map_or_else(String::new, |work| {
        format!(
            "GFLOP/s    {:.0} of {:.0} that this machine reaches ({:.0} %); {:.2} GFLOP a photo\n",
            work.gflop_per_s,
            work.peak_gflop_per_s,
            100.0 * work.share_of_peak,
            work.gflop_per_image,
        )
    });
    format!(
        "{} {}, batch {}, {} px, {} threads\n\
         images/s   {:.1} (half of the repeats within {:.1} %, all from {:.1} to {:.1})\n\
         {work}\
         memory     {:.2} GB at most\n\
         machine    {}\n",
        bench.model,
        bench.mode,
        bench.batch_size,
        bench.side_px,
        bench.threads,
        rate.images_per_s,
        100.0 * rate.spread,
        rate.images_per_s_min,
        rate.images_per_s_max,
        bench.peak_rss_bytes as f64 / 1e9,
        bench.machine,
    )
}

fn data_table(bench: &DataBench) -> String {
    format!(
        "{} training photos, decoded and augmented\n\
         images/s   {:.0} from files; {:.0} once they are decoded\n\
         memory     {:.2} GB at most\n\
         machine    {}\n",
        bench.photos,
        bench.images_per_s,
        bench.decoded_images_per_s,
        bench.peak_rss_bytes as f64 / 1e9,
        bench.machine,
    )
}
