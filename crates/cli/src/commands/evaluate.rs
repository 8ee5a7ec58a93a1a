//! `kennel evaluate`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use kennel_core::task::Event;
use kennel_core::{PartialSettings, RunDir, Split, Task, quoted};
use kennel_infer::{ZeroShotOptions, predict_dataset, read_unknown, zero_shot};
use kennel_metrics::{Evaluation, RunEvaluation, UnknownFacts, format_proportion};
use kennel_train::{TrainOptions, evaluate_run};
use serde_json::json;

use super::evaluate_head::cross_validate;
use super::report::compare_all;
use crate::cache::CacheArgs;
use crate::chosen_run::ChosenRun;
use crate::data::{self, DataArg};
use crate::device::DeviceArg;
use crate::evaluation_report::{out_of_fold, render_report};
use crate::failure::{CommandResult, Failure};
use crate::hints::hint_did_you_mean;
use crate::lists::pairs_of;
use crate::output::{Format, print, print_json};
use crate::progress::Terminal;
use crate::session::Session;
use crate::{interrupt, network};

const EXAMPLE: &str = "\
Examples:
  kennel evaluate --model mobilenetv2_100 --strategy freeze
  kennel evaluate --run runs/20260207_165541-resnet50-freeze-s42
  kennel evaluate --run RUN --data other-photos --split all
  kennel evaluate --compare-all
  kennel evaluate --folds --model mobilenetv2_100 --data data/processed
  kennel evaluate --zero-shot --model mobilenetv2_100 --weights DIR --data data/processed --split all";

const DATA: &str = "Predict these photos instead of reading the run's own predictions; with --zero-shot or --folds \
     the photos [default there, where KENNEL_DATA does not say: data/processed]";

/// What is evaluated.
#[derive(Args)]
#[command(
    after_help = EXAMPLE,
    group(ArgGroup::new("untrained").args(["zero_shot", "folds"])),
    mut_arg("data", |data| data.help(DATA).hide_default_value(true))
)]
pub struct EvaluateArgs {
    #[command(flatten)]
    chosen: ChosenRun,
    /// Compare all finished runs on the test photos of the newest
    #[arg(long, conflicts_with_all = ["run", "model", "strategy", "untrained", "data", "split"])]
    compare_all: bool,
    /// With --compare-all: compare with the *_results.json files of this folder
    #[arg(long, value_name = "DIR", requires = "compare_all")]
    against: Option<PathBuf>,
    #[command(flatten)]
    data: DataArg,
    /// train, val or test; with --data or --zero-shot also all [default: test]
    #[arg(long)]
    split: Option<String>,
    /// Evaluate the untouched ImageNet head, restricted to the classes of the data
    #[arg(long, conflicts_with_all = ["run", "strategy"])]
    zero_shot: bool,
    /// Cross-validate a convex head on the frozen network, in K folds of the training and validation
    /// photos; keeps no run [default: 5, or as many as the smallest class allows]
    #[arg(long, value_name = "K", num_args = 0..=1, conflicts_with_all = ["run", "strategy", "split"])]
    folds: Option<Option<u32>>,
    /// With --zero-shot or --folds: pretrained weights
    #[arg(long, value_name = "DIR|FILE|TAG", requires = "untrained")]
    weights: Option<String>,
    /// With --zero-shot: which ImageNet class a class is, by synset or English name, such as
    /// gato=tabby; may repeat
    #[arg(long, value_name = "CLASS=SYNSET|NAME", requires = "zero_shot")]
    synset: Vec<String>,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    cache: CacheArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Evaluates a run, on its own predictions or on other photos; or compares all runs; or evaluates
/// an untouched ImageNet head.
pub fn run(args: EvaluateArgs, session: &Session) -> CommandResult {
    if args.compare_all {
        return compare_all(&args.chosen.runs, args.against.as_deref(), args.format, session);
    }
    if args.zero_shot {
        return run_zero_shot(&args, session);
    }
    if let Some(count) = args.folds {
        return run_folds(&args, count, session);
    }
    let run = args.chosen.open(session)?;
    match args.data.typed() {
        None => own_predictions(&run, &args),
        Some(data) => other_photos(&run, data, &args, session),
    }
}

fn own_predictions(run: &RunDir, args: &EvaluateArgs) -> CommandResult {
    let evaluation = evaluate_run(run)?;
    let split = parse_split(args.split.as_deref())?;
    if of_split(&evaluation, split).is_none() {
        let data = run.read_record()?.settings.data_dir;
        return Err(Failure::Failed(format!(
            "{} has no predictions of the {split} photos\n\
             hint: `kennel evaluate --run {} --data {} --split {split}` makes them",
            run.path().display(),
            quoted(&run.path().to_string_lossy()),
            quoted(&data)
        )));
    }
    let unknown = read_unknown(run)?.map(|learnt| learnt.facts);
    if args.format == Format::Json {
        let mut told = json!({ "run": run.path().display().to_string(), "evaluation": evaluation });
        if let Some(facts) = unknown {
            told["unknown"] = json!(facts);
        }
        return print_json(&told);
    }
    let whole = match &evaluation.out_of_fold {
        Some(all) => out_of_fold(run, all)? + "\n",
        None => String::new(),
    };
    print(&(whole + &render(&evaluation, split, unknown.as_ref())))
}

fn of_split(evaluation: &RunEvaluation, split: Split) -> Option<&Evaluation> {
    match split {
        Split::Train => evaluation.train.as_ref(),
        Split::Val => evaluation.val.as_ref(),
        Split::Test => evaluation.test.as_ref(),
    }
}

/// Renders the chosen split in full, with the photos of it that are called unknown if the run can
/// tell, and a line for each other split.
pub fn render(evaluation: &RunEvaluation, split: Split, unknown: Option<&UnknownFacts>) -> String {
    let mut text = String::new();
    if let (None, Some(epoch)) = (&evaluation.out_of_fold, evaluation.best_epoch) {
        text += &format!("best epoch {epoch}, chosen on the validation photos\n");
    }
    for other in Split::ALL.into_iter().filter(|other| *other != split) {
        if let Some(other_evaluation) = of_split(evaluation, other) {
            text += &format!("{other:<5} {}\n", format_proportion(&other_evaluation.accuracy));
        }
    }
    if let Some(evaluation) = of_split(evaluation, split) {
        text += &format!("{split:<5} {}\n", format_proportion(&evaluation.accuracy));
        let refused = unknown.and_then(|facts| match split {
            Split::Train => None,
            Split::Val => Some((facts, facts.val)),
            Split::Test => Some((facts, facts.test?)),
        });
        if let Some((facts, refused)) = refused {
            text += &format!(
                "called unknown: {}; {} % were allowed for\n",
                format_proportion(&refused),
                (100.0 * facts.share) as f32
            );
        }
        text.push('\n');
        text += &render_report(evaluation);
    }
    text
}

fn other_photos(
    run: &RunDir,
    data: &Path,
    args: &EvaluateArgs,
    session: &Session,
) -> CommandResult {
    let split = match args.split.as_deref() {
        Some("all") => None,
        split => Some(parse_split(split)?),
    };
    let terminal = Terminal::new(session);
    let on = |event: Event<'_>| terminal.on(event);
    let task = Task::new(interrupt::listen(session), &on);
    let compute = args.device.open(session)?;
    let evaluation = predict_dataset(run, data, split, &compute, task)?;
    drop(terminal);
    if args.format == Format::Json {
        let (run, data) = (run.path().display().to_string(), data.display().to_string());
        let split = split.map_or("all", Split::as_str);
        return print_json(
            &json!({ "run": run, "data": data, "split": split, "evaluation": evaluation }),
        );
    }
    let accuracy = format_proportion(&evaluation.accuracy);
    let split = split.map_or("all", Split::as_str);
    print(&format!("{} {split}: {accuracy}\n\n{}", data.display(), render_report(&evaluation)))
}

fn run_folds(args: &EvaluateArgs, count: Option<u32>, session: &Session) -> CommandResult {
    if args.chosen.model.is_none() {
        return Err(Failure::Usage("which network? --folds needs --model NAME".into()));
    }
    let asked = args.data.around(PartialSettings {
        model: args.chosen.model.clone(),
        weights: args.weights.as_deref().map(Into::into),
        ..PartialSettings::default()
    });
    let options = TrainOptions {
        cache: Some(args.cache.options()),
        skip_test: true,
        ..TrainOptions::new(args.device.open(session)?)
    };
    cross_validate(asked, count.map(|count| count as usize), options, args.format, session)
}

fn run_zero_shot(args: &EvaluateArgs, session: &Session) -> CommandResult {
    let splits = match args.split.as_deref() {
        Some("all") => Split::ALL.to_vec(),
        split => vec![parse_split(split)?],
    };
    let mut synsets = BTreeMap::new();
    for pair in args.synset.iter().flat_map(|pairs| pairs_of(pairs)) {
        let (class, synset) = pair.split_once('=').ok_or_else(|| {
            Failure::Usage(format!(
                "--synset {pair}: expected CLASS=SYNSET or CLASS=NAME, such as poodle=n02113624 or \
                 gato=tabby"
            ))
        })?;
        synsets.insert(class.to_string(), synset.to_string());
    }
    let model =
        args.chosen.model.as_deref().ok_or_else(|| {
            Failure::Usage("which network? --zero-shot needs --model NAME".into())
        })?;
    let compute = args.device.open(session)?;
    let architecture = kennel_models::architecture(model)?;
    let source = network::weights(architecture, args.weights.as_deref(), session, || {
        kennel_models::check_head(architecture, args.weights.as_deref())?;
        data::open_to_judge(args.data.dir(), session)?.manifest().match_imagenet(&synsets)?;
        Ok(())
    })?;
    let data = data::open_to_judge(args.data.dir(), session)?;
    let terminal = Terminal::new(session);
    let on = |event: Event<'_>| terminal.on(event);
    let task = Task::new(interrupt::listen(session), &on);
    let asked = ZeroShotOptions {
        model,
        weights: &source.name,
        data: &data,
        splits: &splits,
        synsets: &synsets,
    };
    let result = zero_shot(&asked, &args.chosen.runs, &compute, task)?;
    drop(terminal);
    if args.format == Format::Json {
        return print_json(&json!({
            "run": result.run.path().display().to_string(),
            "classes": result.classes,
            "restricted": result.restricted,
            "top1": result.top1,
            "top5": result.top5,
        }));
    }
    let mut text = format!("run   {}\n\n", result.run.path().display());
    for class in &result.classes {
        text += &format!(
            "{} is ImageNet's class {} ({}), matched {}\n",
            class.label, class.imagenet_index, class.synset, class.by
        );
    }
    text += &format!(
        "\namong these {}   {}\n",
        result.classes.len(),
        format_proportion(&result.restricted.accuracy)
    );
    text += &format!("among all 1000  {}\n", format_proportion(&result.top1));
    text += &format!("  top 5 of 1000 {}\n\n", format_proportion(&result.top5));
    text += &render_report(&result.restricted);
    print(&text)
}

fn parse_split(text: Option<&str>) -> Result<Split, Failure> {
    match text {
        None => Ok(Split::Test),
        Some("all") => Err(Failure::Usage(
            "--split all goes with --data or --zero-shot: a run has learnt from its own training \
             photos"
                .into(),
        )),
        Some(text) => Split::named(text).ok_or_else(|| {
            let hint = hint_did_you_mean(text, ["train", "val", "test", "all"]);
            Failure::Usage(format!(
                "unknown split `{text}`; expected one of: train, val, test; with --data or \
                 --zero-shot also all{hint}"
            ))
        }),
    }
}
