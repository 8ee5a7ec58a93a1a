//! `kennel demo`: every stage on drawn photos, with the commands that a user would type.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use kennel_core::{Method, RunDir, Strategy, Weights, files};
use kennel_demo::{BACKBONES, Backbone, demo_breeds, write_photos};
use kennel_infer::manifest_digest;
use kennel_metrics::{Proportion, format_proportion};
use kennel_report::FinishedRun;
use kennel_study::{Existing, State};
use serde_json::{Value, json};

use crate::data;
use crate::failure::{CommandResult, Failure};
use crate::output::print;
use crate::session::Session;

const EXAMPLE: &str = "\
Examples:
  kennel demo
  kennel demo --out elsewhere --seed 43

The photos are drawn. The networks were pretrained on other drawn dogs and are part of the program. Only the output folder is \
written. The same command resumes where it was stopped.";

/// Where, and which dogs.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct DemoArgs {
    /// Output folder
    #[arg(long, value_name = "DIR", default_value = "kennel-demo")]
    out: String,
    /// Seed of the drawings, the split and the training
    #[arg(long, default_value_t = 42)]
    seed: u32,
}

/// Photos of each of the five breeds, for training, validation and test.
const PER_BREED: usize = 120;
/// New photos of each breed, to label at the end.
const NEW_PER_BREED: usize = 1;
/// File that marks the output folder of a demo and holds its seed.
const FOUND: &str = "demo.json";

/// Settings of all experiments. The photos are smaller than the study's; small networks and few
/// photos need a higher learning rate than the published recipe's.
const RECIPE: &str = "\
# What the experiments of `kennel demo` share. Everything else is the published recipe.
epochs = 12
batch_size = 16
learning_rate = 3e-3
warmup_epochs = 1.0

[scheduler]
name = \"cosine\"
min_learning_rate = 0.0
";

/// Runs a command of this program, whose name comes first.
pub type Call = fn(&[OsString], &Session) -> CommandResult;

/// Draws, prepares, trains, compares, reports, exports and labels; then prints the results.
pub fn run(args: DemoArgs, call: Call, session: &Session) -> CommandResult {
    let kennel = |arguments: &[&str]| kennel(arguments, call, session);
    let began = Instant::now();
    let seed = args.seed.to_string();
    let out = Path::new(&args.out);
    let before_s = claim(out, args.seed)?;
    let place = |name: &str| out.join(name).display().to_string();
    let (photos, new, data_dir, runs) =
        (place("photos"), place("new"), place("data"), place("runs"));
    let (recipe, cache, models) = (place("recipe.toml"), place("cache"), place("models"));

    say!(session, "drawing    {PER_BREED} photos of each of five invented breeds: {photos}");
    let breeds = demo_breeds();
    write_photos(Path::new(&photos), &breeds, PER_BREED, args.seed.into())?;
    write_photos(Path::new(&new), &breeds, NEW_PER_BREED, u64::from(args.seed) + (1 << 32))?;
    files::write_atomically(Path::new(&recipe), RECIPE.as_bytes())?;

    say!(session, "\n1. Check every photo and divide them");
    kennel(&["prepare", &photos, "--out", &data_dir, "--seed", &seed])?;
    let existing = || -> Result<Existing, Failure> {
        let photos = manifest_digest(&data::open(Path::new(&data_dir), session)?)?;
        Ok(Existing::read(Path::new(&runs), &photos)?)
    };

    say!(
        session,
        "\n2. For comparison, networks that have learnt nothing: random weights, and only the \
         classifier trained"
    );
    let mut weights = Vec::new();
    let before = existing()?;
    for backbone in &BACKBONES {
        let model = backbone.model;
        let folder = backbone.write(&out.join("weights"))?;
        let side = side_px(model, &folder)?.to_string();
        weights.push(format!("{model}={}", folder.display()));
        let none = Weights::Random;
        let network =
            ["--model", model, "--weights", none.as_str(), "--strategy", "freeze", "--side", &side];
        let rest = ["--config", &recipe, "--seed", &seed, "--data", &data_dir, "--runs", &runs];
        train_unless_finished(
            random_run(&before, model),
            &[&network[..], &rest].concat(),
            &cache,
            kennel,
        )?;
    }

    say!(
        session,
        "\n3. Two pretrained networks, three strategies each; then the comparison, the report, and \
         the best as one ONNX file"
    );
    let names = BACKBONES.iter().map(|backbone| backbone.model).collect::<Vec<_>>().join(",");
    let weights: Vec<&str> = weights.iter().flat_map(|pair| ["--weights", pair]).collect();
    let rest = ["--config", &recipe, "--seeds", &seed, "--data", &data_dir, "--runs", &runs];
    let places = ["--out", &place("results"), "--export-dir", &models, "--cache-dir", &cache];
    kennel(&[&["run", "--models", &names], &weights[..], &rest, &places].concat())?;

    let file = exported(Path::new(&models))?;
    say!(session, "\n4. Label new photos with that file alone");
    kennel(&["predict", &new, "--onnx", &file.display().to_string(), "--top", "1"])?;

    conclude(&args, &existing()?, &file, before_s + began.elapsed().as_secs_f64())
}

/// Claims the output folder and returns the seconds that earlier calls worked on it. Rejects a
/// folder that belongs to something else or to another seed.
fn claim(out: &Path, seed: u32) -> Result<f64, Failure> {
    let marker = out.join(FOUND);
    if marker.is_file() {
        let text = files::read_text(&marker)?;
        let found: Value = serde_json::from_str(&text).unwrap_or_default();
        return match found.get("seed").and_then(Value::as_u64) {
            Some(found_seed) if found_seed == u64::from(seed) => {
                Ok(found.get("elapsed_s").and_then(Value::as_f64).unwrap_or_default())
            }
            _ => Err(Failure::Usage(format!(
                "{} holds a demonstration of another seed\nhint: give --out another folder",
                out.display()
            ))),
        };
    }
    if out.exists() && std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::Usage(format!(
            "{} is there already and is not a demonstration's\nhint: give --out another folder",
            out.display()
        )));
    }
    files::create_dir_all(out)?;
    files::write_json(&marker, &json!({ "seed": seed }))?;
    Ok(0.0)
}

/// Prints a command as it would be typed, and runs it.
fn kennel(arguments: &[&str], call: Call, session: &Session) -> CommandResult {
    let shown: Vec<String> =
        arguments.iter().map(|argument| kennel_core::quoted(argument)).collect();
    say!(session, "$ kennel {}", shown.join(" "));
    call(&["kennel"].iter().chain(arguments).map(OsString::from).collect::<Vec<_>>(), session)
}

/// Returns the input side of the weights in `folder`, the only preprocessing that differs from the
/// architecture's default.
fn side_px(model: &str, folder: &Path) -> Result<u32, Failure> {
    let architecture = kennel_models::architecture(model)?;
    Ok(kennel_models::locate_weights(architecture, Some(&folder.to_string_lossy()))?
        .preprocessing
        .side_px)
}

/// Trains a run with `flags`, or resumes it.
fn train_unless_finished(
    state: State,
    flags: &[&str],
    cache: &str,
    kennel: impl Fn(&[&str]) -> CommandResult,
) -> CommandResult {
    let cache = ["--cache-dir", cache];
    match state {
        State::Finished(_) => Ok(()),
        State::Begun(run) => {
            let run = run.path().display().to_string();
            kennel(&[&["train", "--resume", &run], &cache[..]].concat())
        }
        State::New => kennel(&[&["train"], flags, &cache].concat()),
    }
}

/// Returns the state of the run of `model` with frozen backbone from the wanted weights.
fn frozen_run(existing: &Existing, model: &str, is_wanted: impl Fn(&Weights) -> bool) -> State {
    let method = Method::Train(Strategy::Freeze);
    existing.state_by(|settings| {
        settings.model == model && settings.method == method && is_wanted(&settings.weights)
    })
}

fn random_run(existing: &Existing, model: &str) -> State {
    frozen_run(existing, model, |weights| *weights == Weights::Random)
}

/// Returns the file that the study has just exported.
fn exported(models: &Path) -> Result<PathBuf, Failure> {
    BACKBONES
        .iter()
        .map(|backbone| models.join(format!("best_model_{}.onnx", backbone.model)))
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .max()
        .map(|(_, path)| path)
        .ok_or_else(|| Failure::Failed(format!("{} holds no exported file", models.display())))
}

/// Returns the share of test photos that a run gets right.
fn test_accuracy(run: RunDir) -> Result<Proportion, Failure> {
    let test = FinishedRun::read(run)?.test;
    let test =
        test.ok_or_else(|| Failure::Failed("the demonstration has no test photos".into()))?;
    Ok(test.evaluation.accuracy)
}

/// Prints what was done and found, where the files are, and what to type next.
fn conclude(args: &DemoArgs, existing: &Existing, file: &Path, elapsed_s: f64) -> CommandResult {
    let mut text =
        String::from("\nOnly the classifier trained, photos of the test that are right:\n");
    let mut found = Vec::new();
    for Backbone { model, .. } in &BACKBONES {
        let of = |state: State| match state {
            State::Finished(run) => test_accuracy(run),
            State::Begun(_) | State::New => {
                let runs = Path::new(&args.out).join("runs");
                Err(Failure::Failed(format!("{} has no finished run of {model}", runs.display())))
            }
        };
        let pretrained = of(frozen_run(existing, model, |weights| *weights != Weights::Random))?;
        let random = of(random_run(existing, model))?;
        text += &format!(
            "  {model:<18} pretrained {}\n  {:<18} random     {}\n",
            format_proportion(&pretrained),
            "",
            format_proportion(&random)
        );
        found.push(json!({ "model": model, "pretrained": pretrained, "random": random }));
    }
    files::write_json(
        &Path::new(&args.out).join(FOUND),
        &json!({ "seed": args.seed, "elapsed_s": elapsed_s, "only_the_classifier_trained": found }),
    )?;
    let out = &args.out;
    print(&format!(
        "{text}\nAll of this took {} and lies in {out}:\n\
         \x20 the report    {out}/results/report.html\n\
         \x20 the network   {}, proved on photos before it was named\n\
         \x20 the photos    {out}/photos\n\n\
         Next, your own photos, in a folder for every class:\n\
         \x20 kennel prepare photos/\n\
         \x20 kennel train --model mobilenetv2_100\n",
        kennel_core::duration(elapsed_s),
        file.display(),
    ))
}
