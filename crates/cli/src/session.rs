//! What the commands of one process share: flags for all of them, and what they have done so far.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kennel_data::Dataset;
use kennel_fetch::hub::is_offline_by_env;

use crate::output::{Level, tell};

/// Made by `main` and handed down. `kennel demo` hands its own to the commands that it calls.
#[derive(Default)]
pub struct Session {
    level: Level,
    is_offline: bool,
    /// Notes that were printed.
    said: Mutex<BTreeSet<String>>,
    /// Data sets that were opened, each with whether it was to evaluate a trained network on.
    opened: Mutex<Vec<(Dataset, bool)>>,
    /// Repositories whose weights could not be fetched, with the error messages.
    not_fetched: Mutex<Vec<(String, String)>>,
}

impl Session {
    /// Begins a session that prints messages up to `level`. If `is_offline`, it downloads nothing.
    pub fn new(level: Level, is_offline: bool) -> Self {
        Session { level, is_offline, ..Session::default() }
    }

    /// A session for another thread, which prints only errors and downloads as this one does.
    pub fn of_thread(&self) -> Session {
        Session::new(Level::Quiet, self.is_offline)
    }

    /// Whether messages of this level are printed.
    pub fn prints(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Writes a message to stderr if its level is enabled.
    pub fn say(&self, level: Level, text: std::fmt::Arguments) {
        if self.prints(level) {
            tell(text);
        }
    }

    /// Prints a note to stderr, once per session: otherwise every experiment of a study would
    /// repeat it.
    pub fn note_once(&self, text: &str) {
        if locked(&self.said).insert(text.into()) {
            say!(self, "note: {text}");
        }
    }

    /// Whether the network is off: by `--offline`, or by `HF_HUB_OFFLINE` of Python's library.
    pub fn is_offline(&self) -> bool {
        self.is_offline || is_offline_by_env()
    }

    /// Returns a data set that was opened before. A folder that was not prepared is thus checked
    /// only once.
    pub fn opened(&self, folder: &Path, to_judge: bool) -> Option<Dataset> {
        let is_it =
            |(data, judged): &&(Dataset, bool)| (data.root(), *judged) == (folder, to_judge);
        locked(&self.opened).iter().find(is_it).map(|(data, _)| data.clone())
    }

    /// Keeps an opened data set.
    pub fn keep_opened(&self, data: Dataset, to_judge: bool) {
        locked(&self.opened).push((data, to_judge));
    }

    /// Returns why the weights of a repository could not be fetched before. Every experiment of a
    /// study asks for the same weights.
    pub fn not_fetched(&self, repo: &str) -> Option<String> {
        locked(&self.not_fetched)
            .iter()
            .find(|(failed, _)| failed == repo)
            .map(|(_, said)| said.clone())
    }

    /// Keeps the reason why the weights of a repository could not be fetched.
    pub fn keep_not_fetched(&self, repo: &str, said: &str) {
        locked(&self.not_fetched).push((repo.into(), said.into()));
    }
}

/// Locks a list, also after a panic of another thread: each change of it is complete.
fn locked<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
