//! Ctrl-C, SIGTERM and hang-up. The first signal asks for a stop at the next step; the second ends
//! the process, and so does a timeout, since a process that waits for something may never reach its
//! next step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use crate::limits;
use crate::session::Session;

/// How long a stop may take. Docker kills a container ten seconds after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(5);

static STOP: AtomicBool = AtomicBool::new(false);
static LISTENING: Once = Once::new();
/// The command that resumes after the process ended at once.
static RESUMES: OnceLock<&str> = OnceLock::new();

/// Listens for Ctrl-C, SIGTERM and hang-up (unless `nohup` ignores it) and returns the flag that
/// they set.
pub fn listen(session: &Session) -> &'static AtomicBool {
    // A command that calls other commands listens once for all of them.
    LISTENING.call_once(|| {
        let installed = limits::without_ignored_hang_up(|| {
            ctrlc::set_handler(|| {
                if STOP.swap(true, Ordering::Relaxed) {
                    end();
                }
                shout!("\nstopping at the next step; once more to stop at once");
                // If the thread cannot start, there is no timeout: ending takes a second signal.
                let _ = std::thread::Builder::new().spawn(|| {
                    std::thread::sleep(PATIENCE);
                    end();
                });
            })
        });
        if let Err(error) = installed {
            say!(session, "note: Ctrl-C will end the process at once: {error}");
        }
    });
    &STOP
}

/// Ends the process. Files are complete at any time, and the next command removes temporary files.
fn end() -> ! {
    let hint = RESUMES.get().map(|command| format!("\nhint: {command} resumes from there"));
    shout!("\nstopped at once; what was finished is kept{}", hint.unwrap_or_default());
    std::process::exit(130);
}

/// Sets the command that resumes after the second Ctrl-C. The first call wins: a command that calls
/// others sets its own.
pub fn resumes_with(command: &'static str) {
    RESUMES.get_or_init(|| command);
}

/// Describes where a run was stopped after its finished `epochs`.
pub fn after(epochs: usize) -> String {
    match epochs {
        0 => "before the end of the first epoch".into(),
        _ => format!("after epoch {epochs}"),
    }
}
