//! Which photos a command is given: names, a list of names, all of them or a share.

use std::path::{Path, PathBuf};

use clap::Args;
use kennel_data::Named;

use crate::failure::Failure;
use crate::session::Session;
use crate::shard::ShardArg;

/// Photos by their names.
#[derive(Args)]
pub struct PhotoArgs {
    /// Photos, folders or tars of photos, patterns such as 'new/*.jpg' or '{000..999}.tar', or -
    /// for a photo on standard input
    #[arg(required_unless_present_any = ["undo", "list"], value_name = "PHOTO|DIR|TAR|-")]
    photos: Vec<PathBuf>,
    /// Also label the photos that FILE lists, one name a line; - for standard input
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["undo", "sort_into"])]
    list: Option<PathBuf>,
    /// Only share I of N of the photos, from 0; a tar is not divided. `auto` or `auto/N` takes both
    /// from Slurm, Kubernetes or GNU parallel
    #[arg(long, value_name = "I/N|auto", conflicts_with_all = ["undo", "sort_into"])]
    shard: Option<ShardArg>,
}

impl PhotoArgs {
    /// The names on the command line.
    pub fn names(&self) -> &[PathBuf] {
        &self.photos
    }

    /// Whether only a share is asked for.
    pub fn is_shared(&self) -> bool {
        self.shard.is_some()
    }

    /// Whether names or a photo come from standard input.
    pub fn reads_stdin(&self) -> bool {
        self.photos.iter().chain(&self.list).any(|name| name == Path::new("-"))
    }

    /// Returns the photos, and prints which share they are.
    ///
    /// # Errors
    ///
    /// A list that cannot be opened; a share that no scheduler names, or of standard input.
    pub fn named(&self, session: &Session) -> Result<Named, Failure> {
        let mut named = Named::new(self.photos.clone());
        if let Some(list) = &self.list {
            if list == Path::new("-") && self.photos.iter().any(|name| name == list) {
                return Err(Failure::Usage(
                    "- and --list -: standard input is either a photo or a list".into(),
                ));
            }
            named = named.with_list(list.clone())?;
        }
        let Some(shard) = self.shard else { return Ok(named) };
        let found = shard.find(|name| std::env::var(name).ok())?;
        if self.reads_stdin() {
            return Err(Failure::Usage(
                "--shard: every share reads all names, and standard input is read once; write them \
                 into a file for --list"
                    .into(),
            ));
        }
        say!(session, "shard      {found}");
        Ok(named.shared(found.shard))
    }
}
