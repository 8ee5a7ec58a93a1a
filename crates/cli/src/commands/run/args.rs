//! The flags of `kennel run`, and the study that they ask for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use kennel_core::{PartialSettings, SettingsError, Strategy, Weights};
use kennel_study::Study;
use toml::{Table, Value};

use crate::cache::CacheArgs;
use crate::commands::report::PlaceArgs;
use crate::data::DataArg;
use crate::device::DeviceArg;
use crate::failure::Failure;
use crate::folders::MODELS_DIR;
use crate::hints::hint_did_you_mean;
use crate::lists::{pairs_of, rate, trimmed};
use crate::output::Format;
use crate::resolve::read_settings;
use crate::shard::ShardArg;

const EXAMPLE: &str = "\
Examples:
  kennel run --data data/processed                       the six published experiments
  kennel run --models mobilenetv2_100 --weights mobilenetv2_100=DIR --seeds 42,43,44
  kennel run --models mobilenetv2_100,efficientnet_b0 --strategies auto
  kennel run --models resnet50 --strategies freeze --learning-rates 3e-4,1e-3,3e-3
  kennel run --models mobilenetv2_100 --strategies partial,full --search 8
  kennel run --models resnet50 --set batch_size=16,32 --set optimizer.name=adamw --dry-run

The same command resumes where it was stopped, and several at once share the experiments of one \
--runs folder. The report covers every finished run in --runs on the same test photos; the \
exported network is the best of them.";

/// What a study is made of.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct RunArgs {
    #[command(flatten)]
    pub data: DataArg,
    /// Architectures [default: from --config, or resnet50,efficientnet_b0]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...", visible_alias = "model", value_parser = trimmed)]
    models: Vec<String>,
    /// Strategies: freeze, partial, full, or auto, which compares several networks by their convex
    /// heads and fine-tunes those in contention [default: from --config, or freeze,partial,full]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...", visible_alias = "strategy", value_parser = trimmed)]
    strategies: Vec<String>,
    /// Seeds [default: from --config, or 42]
    #[arg(long, value_delimiter = ',', value_name = "SEED,...")]
    seeds: Vec<u32>,
    /// Pretrained weights of one architecture; may repeat
    #[arg(long, value_name = "MODEL=DIR|FILE|TAG")]
    weights: Vec<String>,
    /// Peak learning rates to try; validation chooses the best
    #[arg(long, value_delimiter = ',', value_name = "RATE,...", visible_alias = "lrs", value_parser = rate)]
    learning_rates: Vec<f64>,
    /// Search learning rate, augmentation, layer decay and stochastic depth of every experiment in
    /// N trials: the worse half is halted early, and the best on validation photos is kept
    #[arg(long, value_name = "N")]
    search: Option<u32>,
    /// Any other setting of config.toml, with one value or several to try; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE,...")]
    settings: Vec<String>,
    /// Passes over the training photos
    #[arg(long)]
    epochs: Option<u32>,
    /// Settings for all experiments, as a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Train everything again; existing runs stay
    #[arg(long)]
    pub force: bool,
    /// Train share I of N of the experiments, from 0, and write no report; `auto` or `auto/N` takes
    /// both from Slurm, Kubernetes or GNU parallel
    #[arg(long, value_name = "I/N|auto", conflicts_with = "force")]
    pub shard: Option<ShardArg>,
    /// Print the plan (and download missing weights), train nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Folder for the best network's ONNX file
    #[arg(long, value_name = "DIR", env = "KENNEL_MODELS", hide_env_values = true, default_value = MODELS_DIR)]
    pub export_dir: PathBuf,
    /// Write TensorBoard event files into every run
    #[arg(long)]
    pub tensorboard: bool,
    #[command(flatten)]
    pub cache: CacheArgs,
    #[command(flatten)]
    pub device: DeviceArg,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl RunArgs {
    /// Returns the study that the flags and the file ask for.
    pub fn study(&self) -> Result<Study, Failure> {
        let file = self.config.as_deref().map(read_settings).transpose()?.unwrap_or_default();
        let base = self.data.around(file);
        let models = match (self.models.as_slice(), &base.model) {
            ([], Some(of_file)) => vec![of_file.clone()],
            ([], None) => ["resnet50", "efficientnet_b0"].map(String::from).into(),
            (typed, _) => typed.to_vec(),
        };
        let (shared, grid) = self.shared_and_grid()?;
        let strategies = match (self.strategies.as_slice(), base.strategy) {
            ([], Some(of_file)) => vec![of_file.strategy().ok_or(SettingsError::TrainsNothing)?],
            ([], None) => Strategy::PUBLISHED.into(),
            (typed, _) => typed.iter().map(|name| name.parse()).collect::<Result<_, _>>()?,
        };
        let weights = self.weights_of(&models)?;
        let seeds = self.seeds.clone();
        Ok(Study { base, shared, models, weights, strategies, grid, seeds })
    }

    /// Returns the settings of all experiments, and those with several values to try.
    fn shared_and_grid(&self) -> Result<(PartialSettings, Grid), Failure> {
        let epochs = self.epochs.map(|epochs| epochs as usize);
        let search = self.search.map(|count| count as usize);
        let mut shared = PartialSettings { epochs, search, ..PartialSettings::default() };
        let mut grid = Vec::new();
        if !self.learning_rates.is_empty() {
            let rates = self.learning_rates.iter().copied().map(Value::Float).collect();
            grid.push(("learning_rate".to_string(), rates));
        }
        for setting in &self.settings {
            match key_and_values(setting)? {
                (key, values) if values.len() == 1 => shared.set(&key, values[0].clone())?,
                (key, values) => grid.push((key, values)),
            }
        }
        Ok((shared, grid))
    }

    /// Returns the weights by architecture.
    fn weights_of(&self, models: &[String]) -> Result<BTreeMap<String, Weights>, Failure> {
        let mut weights = BTreeMap::new();
        for pair in self.weights.iter().flat_map(|pairs| pairs_of(pairs)) {
            let (model, path) = pair.split_once('=').ok_or_else(|| {
                Failure::Usage(format!(
                    "--weights {pair}: expected MODEL=PATH, such as resnet50=weights/resnet50"
                ))
            })?;
            if !models.iter().any(|known| known == model) {
                let hint = hint_did_you_mean(model, models.iter().map(String::as_str));
                return Err(Failure::Usage(format!(
                    "--weights {pair}: `{model}` is none of --models{hint}"
                )));
            }
            weights.insert(model.to_string(), path.into());
        }
        Ok(weights)
    }
}

/// Dotted keys of `config.toml`, each with the values to try.
type Grid = Vec<(String, Vec<Value>)>;

/// Parses `batch_size=16,32` into a key and its values: TOML values if possible, otherwise text.
fn key_and_values(setting: &str) -> Result<(String, Vec<Value>), Failure> {
    let wrong = || {
        Failure::Usage(format!(
            "--set {setting}: expected KEY=VALUE, such as batch_size=16 or batch_size=16,32"
        ))
    };
    let (key, values) = setting.split_once('=').ok_or_else(wrong)?;
    let (key, values) = (key.trim(), values.trim());
    if key.is_empty() || values.is_empty() {
        return Err(wrong());
    }
    let own_flag = match key {
        "model" => "--models",
        "strategy" => "--strategies",
        "seed" => "--seeds",
        "learning_rate" => "--learning-rates",
        "weights" => "--weights",
        "data_dir" => "--data",
        _ => "",
    };
    if !own_flag.is_empty() {
        return Err(Failure::Usage(format!("--set {setting}: `{key}` is given with {own_flag}")));
    }
    let read = toml::from_str::<Table>(&format!("values = [{values}]"));
    let list = match read.ok().and_then(|mut table| table.remove("values")) {
        Some(Value::Array(list)) => list,
        _ => values.split(',').map(|value| Value::String(value.trim().into())).collect(),
    };
    Ok((key.into(), list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_where_they_are_and_text_where_not() {
        let of = |setting: &str| key_and_values(setting).unwrap().1;
        assert_eq!(of("batch_size=16,32"), [Value::Integer(16), Value::Integer(32)]);
        assert_eq!(
            of("optimizer.name=sgd,adam"),
            [Value::String("sgd".into()), Value::String("adam".into())]
        );
        assert_eq!(of("optimizer.betas=[0.9, 0.99]").len(), 1);
        assert_eq!(
            key_and_values(" epochs = 5").unwrap(),
            ("epochs".into(), vec![Value::Integer(5)])
        );
        for wrong in ["batch_size", "=16", "batch_size="] {
            assert!(key_and_values(wrong).is_err(), "{wrong}");
        }
    }
}
