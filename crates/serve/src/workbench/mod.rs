//! What the page does beyond labelling: shows and adds photos, corrects labels, trains, exports.
//!
//! Work is done by the program's own commands, each in a process of its own. So the page does what
//! the command line does, shows the command, and survives whatever happens to it.

mod added;
mod data;
mod fixes;
mod folders;
mod handlers;
mod jobs;
mod runs;
mod table;

pub use folders::Folders;
pub use handlers::{routes, uploads};
pub use jobs::{Asked, Commands, Jobs, OwnFiles};

/// What the page works with.
pub struct Workbench {
    folders: Folders,
    commands: Box<dyn Commands>,
    jobs: Jobs,
    data: data::Data,
    fixes: fixes::Fixes,
    added: added::Added,
}

impl Workbench {
    /// Works in `folders`, by `commands`.
    pub fn new(folders: Folders, commands: Box<dyn Commands>) -> Self {
        Self {
            data: data::Data::new(folders.data.clone()),
            fixes: fixes::Fixes::new(folders.own.clone()),
            added: added::Added::new(folders.own.clone()),
            jobs: Jobs::default(),
            folders,
            commands,
        }
    }

    /// Stops what is running, when the server ends.
    pub fn stop(&self) {
        self.jobs.stop_all();
    }
}
