//! The flags that say which run is meant.

use std::path::PathBuf;

use clap::Args;
use kennel_core::{RunDir, Strategy};
use kennel_train::find_run;

use crate::failure::Failure;
use crate::resolve::RUNS_DIR;

#[derive(Args)]
pub struct ChosenRun {
    /// A run's directory
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "strategy"])]
    pub run: Option<PathBuf>,
    /// In place of a run: the finished one of this architecture with the best validation accuracy
    #[arg(long)]
    pub model: Option<String>,
    /// Only runs of this strategy
    #[arg(long)]
    pub strategy: Option<String>,
    /// Where runs are kept
    #[arg(long, value_name = "DIR", env = "KENNEL_RUNS", hide_env_values = true, default_value = RUNS_DIR)]
    pub runs: PathBuf,
}

impl ChosenRun {
    /// The run that is meant; which one is said when it was chosen.
    pub fn open(&self) -> Result<RunDir, Failure> {
        if let Some(path) = &self.run {
            return Ok(RunDir::open(path)?);
        }
        let model = self
            .model
            .as_deref()
            .ok_or_else(|| Failure::Usage("which run? give --run RUN or --model NAME".into()))?;
        kennel_models::architecture(model)?;
        let strategy = self.strategy.as_deref().map(str::parse::<Strategy>).transpose()?;
        let run = find_run(&self.runs, model, strategy)?;
        say!("run   {}", run.path().display());
        Ok(run)
    }
}
