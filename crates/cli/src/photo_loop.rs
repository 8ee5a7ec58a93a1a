//! What the commands that read photos one after another have in common.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use kennel_core::Task;
use kennel_infer::InferError;

use crate::failure::Failure;
use crate::interrupt;
use crate::progress::photo_counter;
use crate::session::Session;

/// The task of a command on `photos`. A process that waits for standard input (`-`) cannot stop at
/// the next photo, so it does not listen.
pub fn task_on(photos: &[PathBuf], session: &Session) -> Task<'static> {
    match photos.iter().any(|path| path == Path::new("-")) {
        true => Task::unwatched(),
        false => Task::new(interrupt::listen(session), &|_| {}),
    }
}

/// Counts photos on stderr, unless the rows themselves show the progress on a terminal.
pub fn counter(done: &'static str, session: &Session) -> ProgressBar {
    match std::io::stdout().is_terminal() {
        true => ProgressBar::hidden(),
        false => photo_counter(done, session),
    }
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
