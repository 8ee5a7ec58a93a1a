//! The flag that says where the photos are.

use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use toml::{Table, Value};

use crate::resolve::DATA_DIR;

/// The photos. A folder that was typed wins over that of a configuration file; one that is a default does not.
pub struct DataArg {
    dir: String,
    is_typed: bool,
}

#[derive(Args)]
struct Flag {
    /// Photos: what `kennel prepare` wrote, a folder with one folder per class, or such folders under train/, val/, test/
    #[arg(long, value_name = "DIR", env = "KENNEL_DATA", hide_env_values = true, default_value = DATA_DIR)]
    data: String,
}

impl DataArg {
    /// What was typed, or else the default.
    pub fn dir(&self) -> &Path {
        Path::new(&self.dir)
    }

    /// What was typed.
    pub fn typed(&self) -> Option<&Path> {
        self.is_typed.then_some(self.dir())
    }

    /// Puts the folder among the keys of `config.toml`: what was typed into `flags`, a default under what `file` says.
    pub fn put(&self, file: &mut Table, flags: &mut Table) {
        let value = Value::String(self.dir.clone());
        match self.is_typed {
            true => drop(flags.insert("data_dir".into(), value)),
            false => drop(file.entry("data_dir").or_insert(value)),
        }
    }
}

impl Args for DataArg {
    fn augment_args(command: Command) -> Command {
        Flag::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flag::augment_args_for_update(command)
    }
}

impl FromArgMatches for DataArg {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_typed = matches.value_source("data") == Some(ValueSource::CommandLine);
        Ok(DataArg { dir: Flag::from_arg_matches(matches)?.data, is_typed })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
