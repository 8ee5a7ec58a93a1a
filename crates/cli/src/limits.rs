//! Signals and limits that a process inherits from its parent: hang-up, the file size limit, the
//! thread limit.

#![cfg_attr(unix, allow(unsafe_code))]

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::failure::Failure;
use crate::session::Session;

/// Threads besides those that compute: they read photos, listen for Ctrl-C and draw a bar.
const OTHER_THREADS: usize = 8;
/// Fewest threads with which every command can finish: one of each kind.
const LEAST_THREADS: usize = 4;

/// Makes writes beyond the file size limit fail as on a full disk. By default the signal ends the
/// process without a message.
pub fn survive_file_size_limit() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigHandler, Signal, signal};
        // SAFETY: ignoring a signal runs no code of this program. If the system refuses, the
        // default stays.
        let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
    }
}

/// Installs signal handlers with `install`, and keeps hang-up ignored if it was ignored when the
/// process began, as `nohup` does. Ctrl-C is handled even if it was ignored: a shell ignores it for
/// every `&` job.
pub fn without_ignored_hang_up<T>(install: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigHandler, Signal, signal};
        // SAFETY: ignoring a signal runs no code of this program.
        let ignore = || unsafe { signal(Signal::SIGHUP, SigHandler::SigIgn) };
        let was_ignored = ignore().is_ok_and(|before| matches!(before, SigHandler::SigIgn));
        if !was_ignored {
            // SAFETY: the default action runs no code of this program.
            let _ = unsafe { signal(Signal::SIGHUP, SigHandler::SigDfl) };
        }
        let installed = install();
        if was_ignored {
            let _ = ignore();
        }
        installed
    }
    #[cfg(not(unix))]
    install()
}

/// Starts the compute threads: one per core, or fewer if the system allows fewer.
///
/// # Errors
///
/// If the system allows fewer than [`LEAST_THREADS`].
pub fn begin_threads(session: &Session) -> Result<(), Failure> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let possible = possible_threads(cores + OTHER_THREADS);
    if possible < LEAST_THREADS {
        return Err(too_few(possible));
    }
    let mut pool = rayon::ThreadPoolBuilder::new();
    if possible < cores + OTHER_THREADS {
        let computing = possible.saturating_sub(OTHER_THREADS).clamp(1, cores);
        say!(
            session,
            "note: the system allows {possible} more threads: {computing} of {cores} compute"
        );
        pool = pool.num_threads(computing);
    }
    pool.build_global().map_err(|_| too_few(possible))
}

fn too_few(possible: usize) -> Failure {
    Failure::Failed(format!(
        "the system allows this process {possible} more threads, it needs {LEAST_THREADS}\n\
         hint: end other processes, or raise the limit with `ulimit -u` (in a container: --pids-limit)"
    ))
}

/// Counts how many threads can run at once, up to `wanted`.
fn possible_threads(wanted: usize) -> usize {
    let begun: Vec<_> = (0..wanted)
        .map_while(|_| {
            let (end, until) = channel::<()>();
            let thread =
                thread::Builder::new().stack_size(1 << 16).spawn(move || until.recv().is_err());
            thread.ok().map(|thread| (end, thread))
        })
        .collect();
    let possible = begun.len();
    for (end, thread) in begun {
        drop(end);
        // The thread does nothing that could panic.
        let _ = thread.join();
    }
    if possible < wanted {
        // The system counts a thread for a moment after it has ended.
        thread::sleep(Duration::from_millis(50));
    }
    possible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_counted_up_to_what_is_wanted() {
        assert_eq!(possible_threads(0), 0);
        assert_eq!(possible_threads(3), 3);
    }
}
