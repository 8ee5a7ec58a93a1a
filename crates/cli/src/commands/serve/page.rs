//! The commands by which the page works.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kennel_core::RunDir;
use kennel_infer::Compute;
use kennel_models::architectures;
use kennel_serve::{Asked, Commands, Folders, OwnFiles, Served};

use super::served::run_to_serve;
use crate::onnx_worker::this_program;

/// Networks that the page offers, quick ones first: a person who wants another has the command
/// line.
const OFFERED: [&str; 6] = [
    "mobilenetv2_100",
    "efficientnet_b0",
    "resnet50",
    "convnext_tiny",
    "tf_efficientnetv2_s",
    "vit_small_patch14_dinov2",
];

/// This program's commands.
pub struct PageCommands {
    pub compute: Compute,
}

impl Commands for PageCommands {
    fn program(&self) -> PathBuf {
        // Without its path the program is looked for like any other.
        this_program().unwrap_or_else(|_| self.name().into())
    }

    fn name(&self) -> &'static str {
        "kennel"
    }

    fn arguments(&self, asked: &Asked, folders: &Folders, own: &OwnFiles) -> Vec<OsString> {
        let mut words = Words::default();
        match asked {
            Asked::Prepare { photos } => {
                words
                    .push("prepare")
                    .flag("--out", &folders.data)
                    .flags("--labels", own.fixes.as_ref())
                    .flags("--add", own.added.as_ref());
                // Whatever the folder is called, it is no flag.
                words.push("--").push(photos);
            }
            Asked::Train { model, weights, strategy, budget_minutes, epochs } => {
                let budget = budget_minutes.map(|minutes| format!("{minutes}m"));
                words
                    .push("train")
                    .flag("--data", &folders.data)
                    .flag("--runs", &folders.runs)
                    .flag("--model", model)
                    .flags("--weights", weights.as_ref())
                    .flag("--strategy", strategy)
                    .flags("--budget", budget)
                    .flags("--epochs", epochs.map(|epochs| epochs.to_string()));
            }
            Asked::Audit { run } => {
                words
                    .push("audit")
                    .flag("--run", folders.runs.join(run))
                    .flag("--out", &folders.results)
                    .flag("--fixes", &own.suggested);
            }
            Asked::Report { lang } => {
                words
                    .push("report")
                    .flag("--runs", &folders.runs)
                    .flag("--out", &folders.results)
                    .flag("--lang", lang);
            }
            Asked::Export { run } => {
                words
                    .push("export")
                    .flag("--run", folders.runs.join(run))
                    .flag("--out", folders.onnx(run));
            }
        }
        words.0
    }

    fn serve_run(&self, run: &Path) -> Result<Served, String> {
        let run = RunDir::open(run).map_err(|error| error.to_string())?;
        Ok(run_to_serve(run, self.compute.clone()))
    }

    fn networks(&self) -> Vec<(String, String)> {
        let known = |name: &&str| architectures().iter().find(|known| known.name == *name);
        let networks = OFFERED.iter().filter_map(known);
        networks.map(|network| (network.name.into(), network.good_for.into())).collect()
    }
}

/// Words of a command.
#[derive(Default)]
struct Words(Vec<OsString>);

impl Words {
    fn push(&mut self, word: impl Into<OsString>) -> &mut Self {
        self.0.push(word.into());
        self
    }

    /// Adds a flag in one word with its value, which may begin with a dash.
    fn flag(&mut self, flag: &str, value: impl Into<OsString>) -> &mut Self {
        let mut word = OsString::from(format!("{flag}="));
        word.push(value.into());
        self.push(word)
    }

    /// Adds a flag if it has a value.
    fn flags(&mut self, flag: &str, value: Option<impl Into<OsString>>) -> &mut Self {
        match value {
            Some(value) => self.flag(flag, value),
            None => self,
        }
    }
}
