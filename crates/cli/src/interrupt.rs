//! Ctrl-C: the first asks the run to stop at its next step, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};

static STOP: AtomicBool = AtomicBool::new(false);
static LISTENING: Once = Once::new();
/// How to go on after the second Ctrl-C.
static WAY_ON: OnceLock<&str> = OnceLock::new();

/// Listens for Ctrl-C (and SIGTERM) and returns what it sets.
pub fn listen() -> &'static AtomicBool {
    // A command that calls others listens once for all of them.
    LISTENING.call_once(|| {
        let installed = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                let way_on = WAY_ON.get().map(|way| format!("\nhint: {way} goes on from there"));
                shout!("\nstopped at once; what was finished is kept{}", way_on.unwrap_or_default());
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
