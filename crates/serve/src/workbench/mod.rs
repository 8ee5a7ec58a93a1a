//! What the page does beyond labelling: looks at photos, corrects labels, trains, exports.
//!
//! Work is done by the program's own commands, each in a process of its own. So the page does what
//! the command line does, shows the command, and survives whatever happens to it.

mod data;
mod fixes;
mod folders;
mod handlers;
mod jobs;
mod runs;

pub use folders::Folders;
pub use handlers::routes;
pub use jobs::{Asked, Commands, Jobs};

/// What the page works with.
pub struct Workbench {
    folders: Folders,
    commands: Box<dyn Commands>,
    jobs: Jobs,
    data: data::Data,
    fixes: fixes::Fixes,
}

impl Workbench {
    /// Works in `folders`, by `commands`.
    pub fn new(folders: Folders, commands: Box<dyn Commands>) -> Self {
        Self {
            data: data::Data::new(folders.data.clone()),
            fixes: fixes::Fixes::new(folders.own.clone()),
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
