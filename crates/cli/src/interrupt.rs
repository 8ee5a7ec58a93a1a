//! Ctrl-C, SIGTERM and hang-up: the first asks for a stop at the next step, the second ends the process. So does time: a
//! process that waits for something else sees no next step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use crate::limits;

/// What a stop may take. Docker kills ten seconds after its SIGTERM.
const PATIENCE: Duration = Duration::from_secs(5);

static STOP: AtomicBool = AtomicBool::new(false);
static LISTENING: Once = Once::new();
/// How to go on after the process was ended.
static WAY_ON: OnceLock<&str> = OnceLock::new();

/// Listens for Ctrl-C, SIGTERM and hang-up (unless `nohup` keeps it out) and returns what they set.
pub fn listen() -> &'static AtomicBool {
    // A command that calls others listens once for all of them.
    LISTENING.call_once(|| {
        let installed = limits::without_ignored_hang_up(|| {
            ctrlc::set_handler(|| {
                if STOP.swap(true, Ordering::Relaxed) {
                    end();
                }
                shout!("\nstopping at the next step; once more to stop at once");
                // Without a thread to wait in, a second signal is needed.
                let _ = std::thread::Builder::new().spawn(|| {
                    std::thread::sleep(PATIENCE);
                    end();
                });
            })
        });
        if let Err(error) = installed {
            say!("note: Ctrl-C will end the process at once: {error}");
        }
    });
    &STOP
}

/// Ends the process. Files are whole whenever that happens, and what is left half-made is cleared by the next command.
fn end() -> ! {
    let way_on = WAY_ON.get().map(|way| format!("\nhint: {way} goes on from there"));
    shout!("\nstopped at once; what was finished is kept{}", way_on.unwrap_or_default());
    std::process::exit(130);
}

/// What goes on after the second Ctrl-C: of a command that calls others, what it says itself.
pub fn goes_on_with(command: &'static str) {
    WAY_ON.get_or_init(|| command);
}

/// Where a run was stopped that had finished so many epochs.
pub fn after(epochs: usize) -> String {
    match epochs {
        0 => "before the end of the first epoch".into(),
        _ => format!("after epoch {epochs}"),
    }
}
