//! What machine this is, what time it is, and how much memory was needed.

use kennel_core::RunConfig;

/// Begins to count the largest resident memory anew, for several runs of one process. Where the system cannot (it is
/// Linux that can) a run's figure holds what the runs before it needed.
pub fn reset_peak_rss() {
    #[cfg(target_os = "linux")]
    {
        // 5 is what proc(5) wants written; a system that refuses leaves the figure as on the others.
        std::fs::write("/proc/self/clear_refs", "5").unwrap_or_default();
    }
}

/// Largest resident memory of this process so far, or since [`reset_peak_rss`], in bytes; 0 where the system does not say.
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

/// Processor, cores and operating system, in words.
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

/// Now in UTC: RFC 3339, and in the form of a run directory's name.
pub fn now() -> (String, String) {
    let now = jiff::Timestamp::now();
    (now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), now.strftime("%Y%m%d_%H%M%S").to_string())
}

/// `<stamp>-<model>-<strategy>-s<seed>`.
pub fn run_name(stamp: &str, config: &RunConfig) -> String {
    match config.strategy {
        kennel_core::Strategy::ZeroShot => format!("{stamp}-{}-zero_shot", config.model),
        strategy => format!("{stamp}-{}-{strategy}-s{}", config.model, config.seed),
    }
}
