//! What the commands that read photos one after another have in common.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use kennel_core::Task;
use kennel_infer::InferError;

use crate::failure::{CommandResult, Failure};
use crate::interrupt;
use crate::nearby::hint_nearby;
use crate::progress::photo_counter;
use crate::session::Session;

/// The task of a command on `photos`. A process that waits for standard input (`-`) cannot stop at
/// the next photo, so it does not listen.
pub fn task_on(photos: &[PathBuf], session: &Session) -> Task<'static> {
    task_reading(photos.iter().any(|path| path == Path::new("-")), session)
}

/// As [`task_on`], for a command that knows whether it reads standard input.
pub fn task_reading(reads_stdin: bool, session: &Session) -> Task<'static> {
    match reads_stdin {
        true => Task::unwatched(),
        false => Task::new(interrupt::listen(session), &|_| {}),
    }
}

/// Counts photos on stderr, unless rows on stdout show the progress on a terminal.
pub fn counter(done: &'static str, has_rows: bool, session: &Session) -> ProgressBar {
    match has_rows && std::io::stdout().is_terminal() {
        true => ProgressBar::hidden(),
        false => photo_counter(done, session),
    }
}

/// Ends a command on `photos`, of which `failed` could not be `done`.
pub fn ended_with(photos: &[PathBuf], failed: usize, of: usize, done: &str) -> CommandResult {
    if failed == 0 {
        return Ok(());
    }
    let hint = photos.iter().filter(|path| !path.exists()).find_map(|path| hint_nearby(path));
    shout!("error: {failed} of {of} photos could not be {done}{}", hint.unwrap_or_default());
    Err(Failure::Partly)
}

/// What ends the loop after so many photos.
pub fn ended_by(error: InferError, photos: usize) -> Failure {
    match error {
        InferError::Stopped(_) => {
            shout!("stopped after {photos} photos");
            Failure::Interrupted("")
        }
        error => error.into(),
    }
}
