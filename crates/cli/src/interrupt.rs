//! Ctrl-C: the first asks the run to stop at its next step, the second ends the process.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

static STOP: AtomicBool = AtomicBool::new(false);
static LISTENING: Once = Once::new();
/// How to go on after the second Ctrl-C.
static WAY_ON: Mutex<String> = Mutex::new(String::new());

/// Listens for Ctrl-C (and SIGTERM) and returns what it sets.
pub fn listen() -> &'static AtomicBool {
    // A command that calls others listens once for all of them.
    LISTENING.call_once(|| {
        let installed = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                let way_on = WAY_ON.lock().unwrap_or_else(PoisonError::into_inner);
                shout!("\nstopped at once; what was finished is kept{way_on}");
                std::process::exit(130);
            }
            shout!("\nstopping at the next step; once more to stop at once");
        });
        if let Err(error) = installed {
            say!("note: Ctrl-C will end the process at once: {error}");
        }
    });
    &STOP
}

/// What goes on with the run that is being trained from now on.
pub fn goes_on_with(run: &Path) {
    let run = kennel_core::quoted(&run.to_string_lossy());
    let hint = format!("\nhint: `kennel train --resume {run}` goes on from the last finished epoch");
    *WAY_ON.lock().unwrap_or_else(PoisonError::into_inner) = hint;
}

/// Where a run was stopped that had finished so many epochs.
pub fn after(epochs: usize) -> String {
    match epochs {
        0 => "before the end of the first epoch".into(),
        _ => format!("after epoch {epochs}"),
    }
}
