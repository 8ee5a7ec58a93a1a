//! The flags that choose a run.

use std::path::{Path, PathBuf};

use clap::Args;
use kennel_core::{CoreError, RunDir, Strategy};
use kennel_train::{Found, find_run};

use crate::failure::Failure;
use crate::folders::RUNS_DIR;
use crate::hints::worded;
use crate::session::Session;

/// The flag that resumes a run.
pub const RESUME: &str = "--resume";

#[derive(Args)]
pub struct ChosenRun {
    /// A run's directory
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "strategy"])]
    pub run: Option<PathBuf>,
    /// Instead of --run: the best finished run of this architecture, by validation accuracy, on the
    /// newest run's photos
    #[arg(long)]
    pub model: Option<String>,
    /// Only runs of this strategy
    #[arg(long)]
    pub strategy: Option<String>,
    /// Folder of runs
    #[arg(long, value_name = "DIR", env = "KENNEL_RUNS", hide_env_values = true, default_value = RUNS_DIR)]
    pub runs: PathBuf,
}

impl ChosenRun {
    /// Opens the chosen run. Prints its path if it was found by `--model`.
    pub fn open(&self, session: &Session) -> Result<RunDir, Failure> {
        if let Some(path) = &self.run {
            return open_run("--run", path, &self.runs);
        }
        let model = self.model.as_deref().ok_or_else(|| {
            Failure::Usage(format!(
                "which run? give --run RUN or --model NAME{}",
                of_newest(&self.runs)
            ))
        })?;
        kennel_models::architecture(model)?;
        let strategy = self.strategy.as_deref().map(str::parse::<Strategy>).transpose()?;
        let found = find_run(&self.runs, model, strategy)?;
        say!(session, "run   {}", found.run.path().display());
        if let Some(others) = others(&found) {
            say!(
                session,
                "note: it is the best on the photos of the newest run, as they are divided there; \
                 {others} are left out, and chosen with --run"
            );
        }
        Ok(found.run)
    }
}

/// Names the runs that were not compared with the one that was found, if there are any.
fn others(found: &Found) -> Option<String> {
    let counted = [
        (found.of_other_divisions, "on another division of them"),
        (found.of_other_photos, "on other photos"),
    ];
    let parts = counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

/// Opens the run at `path`, which was given with `flag`. If there is none, the error suggests the
/// nearest run under `runs`.
pub fn open_run(flag: &str, path: &Path, runs: &Path) -> Result<RunDir, Failure> {
    if path.extension().is_some_and(|ending| ending == "onnx") {
        let file = kennel_core::quoted(&path.to_string_lossy());
        return Err(Failure::Usage(format!(
            "{flag} {file}: expected a run's directory\nhint: a file is given with --onnx, as in \
             `kennel predict PHOTO --onnx {file}`"
        )));
    }
    if path.exists() {
        return RunDir::open(path).map_err(|error| {
            Failure::Failed(worded(&error) + &of_surroundings(flag, path).unwrap_or_default())
        });
    }
    let typed = path.file_name().unwrap_or_default().to_string_lossy();
    // An unreadable folder gives no suggestions.
    let known: Vec<String> =
        RunDir::list(runs).unwrap_or_default().iter().map(RunDir::name).collect();
    let hint = match kennel_core::did_you_mean(&typed, known.iter().map(String::as_str)) {
        Some(name) => format!("\nhint: did you mean `{}`?", runs.join(name).display()),
        None if flag == RESUME => of_stopped(runs),
        None => of_newest(runs),
    };
    Err(Failure::Failed(format!("there is no run {}{hint}", path.display())))
}

/// Returns a hint for a path that is no run: the run that contains it, or the newest run in it.
fn of_surroundings(flag: &str, path: &Path) -> Option<String> {
    if let Some(run) = path.ancestors().skip(1).find_map(|above| RunDir::open(above).ok()) {
        return Some(format!("\nhint: it is a part of a run; the run is {}", run.path().display()));
    }
    let inside = RunDir::list(path).ok()?;
    let newest = inside.last()?.path().display();
    if flag == RESUME {
        return Some(of_stopped(path));
    }
    Some(format!("\nhint: it is a folder of runs, the newest of {} is {newest}", inside.len()))
}

/// Returns a hint that names the newest stopped run under `runs`.
fn of_stopped(runs: &Path) -> String {
    let known = RunDir::list(runs).unwrap_or_default();
    match known.iter().rfind(|run| !run.is_finished()) {
        Some(run) => format!("\nhint: the newest that was stopped is {}", run.path().display()),
        None => format!("\nhint: none in {} was stopped before its end", runs.display()),
    }
}

/// Returns a hint that names the newest run with weights under `runs`, or the command that makes
/// one.
fn of_newest(runs: &Path) -> String {
    let folder = runs.display();
    let mut trained = match RunDir::list(runs) {
        Ok(runs) => runs,
        Err(CoreError::RunNotRuns { .. }) => {
            return format!("\nhint: {folder} is a run: --run {folder}");
        }
        Err(_) => return String::new(),
    };
    trained.retain(|run| run.best_weights().is_file());
    match trained.as_slice() {
        [] if !runs.exists() => {
            format!(
                "\nhint: there is no {folder} here: `kennel train` makes it; runs that lie \
                 elsewhere are found with --runs DIR"
            )
        }
        [] => format!("\nhint: {folder} holds no trained run yet; `kennel train` makes one"),
        all @ [.., newest] => {
            format!(
                "\nhint: the newest of {} in {folder} is {}",
                all.len(),
                newest.path().display()
            )
        }
    }
}
