//! Describes the system and the machine with `sysinfo`.

use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// Returns the system's name and version.
pub fn name() -> Option<String> {
    System::long_os_version()
}

/// Returns the name of the processor.
pub fn processor() -> Option<String> {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()));
    system.cpus().first().map(|cpu| cpu.brand().trim().to_string()).filter(|name| !name.is_empty())
}

/// Returns the bytes of total and of available memory.
pub fn memory() -> Option<(u64, u64)> {
    let mut system = System::new();
    system.refresh_memory();
    (system.total_memory() > 0).then(|| (system.total_memory(), system.available_memory()))
}
