//! Waits for a running `kennel`, and stops it.

use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a wait may take, on a loaded machine too.
const DEADLINE: Duration = Duration::from_secs(300);

/// Waits until `is_so`. Fails with `what` if `child` ends first or the deadline passes.
pub fn wait_until(what: &str, child: &mut Child, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("the process ended ({status}) before this came: {what}");
        }
        if began.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("this did not come within {DEADLINE:?}: {what}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal.
pub fn send(signal: Signal, child: &Child) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}
