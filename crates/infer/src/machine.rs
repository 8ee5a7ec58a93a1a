//! Facts about this machine: its description, the time, peak memory, and run names.

use kennel_core::{Method, Settings};

/// Restarts the count of peak resident memory, for processes that train several runs. Only Linux
/// supports this; elsewhere a run's figure includes the runs before it.
pub fn reset_peak_rss() {
    #[cfg(target_os = "linux")]
    {
        // proc(5): writing 5 resets the peak. If the system refuses, the figure stays as on other
        // systems.
        std::fs::write("/proc/self/clear_refs", "5").unwrap_or_default();
    }
}

/// Returns the peak resident memory of this process in bytes, since its start or
/// [`reset_peak_rss`]; 0 where the system does not tell.
pub fn peak_rss_bytes() -> u64 {
    #[cfg(unix)]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        // Linux counts in KiB, macOS in bytes.
        let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
        getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss().max(0) as u64 * unit)
    }
    #[cfg(not(unix))]
    {
        0
    }
}

/// Describes processor, cores and operating system.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split(':').nth(1)?.trim().to_string())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_string());
    format!("{processor}, {cores} cores, {}", std::env::consts::OS)
}

/// Returns the current time in UTC, as RFC 3339 and in the form used in run directory names.
pub fn now() -> (String, String) {
    let now = jiff::Timestamp::now();
    (now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), now.strftime("%Y%m%d_%H%M%S").to_string())
}

/// Returns `<stamp>-<model>-<strategy>-s<seed>`, `<stamp>-<model>-zero_shot` or
/// `<stamp>-<model>-soup`.
pub fn run_name(stamp: &str, settings: &Settings) -> String {
    match settings.method {
        method @ (Method::ZeroShot | Method::Soup) => {
            format!("{stamp}-{}-{method}", settings.model)
        }
        Method::Train(strategy) => {
            format!("{stamp}-{}-{strategy}-s{}", settings.model, settings.seed)
        }
    }
}
