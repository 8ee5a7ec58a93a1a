//! The flag of the data folder, and opening data sets.

use std::path::Path;

use clap::builder::NonEmptyStringValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use kennel_core::PartialSettings;
use kennel_data::{Dataset, Open, PrepareOptions};

use crate::failure::Failure;
use crate::folders::DATA_DIR;
use crate::progress::with_photo_bar;
use crate::session::Session;

/// The folder of photos. A typed folder overrides the configuration file; the default does not.
pub struct DataArg {
    dir: String,
    is_typed: bool,
}

#[derive(Args)]
struct Flag {
    /// Photos: what `kennel prepare` wrote, a folder with one folder per class, or such folders
    /// under train/, val/, test/
    #[arg(long, value_name = "DIR", env = "KENNEL_DATA", hide_env_values = true, default_value = DATA_DIR, value_parser = NonEmptyStringValueParser::new())]
    data: String,
}

impl DataArg {
    /// Returns the typed folder, or else the default.
    pub fn dir(&self) -> &Path {
        Path::new(&self.dir)
    }

    /// Returns the typed folder.
    pub fn typed(&self) -> Option<&Path> {
        self.is_typed.then_some(self.dir())
    }

    /// Lays a typed folder over the settings of a file, or the default under them.
    pub fn around(&self, file: PartialSettings) -> PartialSettings {
        let own =
            PartialSettings { data_dir: Some(self.dir.clone()), ..PartialSettings::default() };
        match self.is_typed {
            true => file.layered(own),
            false => own.layered(file),
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

/// Opens a data set. If it was not prepared, decodes every photo, with a progress bar; Ctrl-C
/// stops.
pub fn open(folder: &Path, session: &Session) -> Result<Dataset, Failure> {
    opened(folder, false, session)
}

/// Opens a data set as [`open`] does, but to evaluate a trained network on.
pub fn open_to_judge(folder: &Path, session: &Session) -> Result<Dataset, Failure> {
    opened(folder, true, session)
}

fn opened(folder: &Path, to_judge: bool, session: &Session) -> Result<Dataset, Failure> {
    if let Some(data) = session.opened(folder, to_judge) {
        return Ok(data);
    }
    let open: Open = if to_judge { Dataset::open_to_judge } else { Dataset::open_with };
    let data =
        with_photo_bar("checking", session, |task| open(folder, &PrepareOptions::default(), task))?;
    session.keep_opened(data.clone(), to_judge);
    Ok(data)
}
