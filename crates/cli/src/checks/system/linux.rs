//! Describes the system and the machine from Linux's files. Not every kernel and container has them
//! all: missing facts are left out.

use std::fs::read_to_string;

/// Returns the name and version of the distribution and the version of the kernel.
pub fn name() -> Option<String> {
    let kernel = read_to_string("/proc/sys/kernel/osrelease").ok();
    let release = read_to_string("/etc/os-release").ok();
    let name = release.as_deref().and_then(pretty_name).unwrap_or("Linux");
    Some(match kernel {
        Some(kernel) => format!("{name}, kernel {}", kernel.trim()),
        None => name.into(),
    })
}

/// Returns the name of the processor.
pub fn processor() -> Option<String> {
    let text = read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().into())
}

/// Returns the bytes of total and of available memory. A container may have less than its machine.
pub fn memory() -> Option<(u64, u64)> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let (total, available) = (kib(&text, "MemTotal")? * 1024, kib(&text, "MemAvailable")? * 1024);
    let of_group = |file: &str| -> Option<u64> {
        read_to_string(format!("/sys/fs/cgroup/{file}")).ok()?.trim().parse().ok()
    };
    Some(match (of_group("memory.max"), of_group("memory.current")) {
        (Some(limit), Some(used)) if limit < total => {
            (limit, available.min(limit.saturating_sub(used)))
        }
        _ => (total, available),
    })
}

fn pretty_name(release: &str) -> Option<&str> {
    release.lines().find_map(|line| Some(line.strip_prefix("PRETTY_NAME=")?.trim_matches('"')))
}

fn kib(meminfo: &str, key: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.split(':').next() == Some(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_their_whole_key() {
        let meminfo =
            "MemTotal:       24589496 kB\nMemFree:          100 kB\nMemAvailable:   23000000 kB\n";
        assert_eq!(kib(meminfo, "MemAvailable"), Some(23_000_000));
        assert_eq!(kib(meminfo, "Mem"), None);
        assert_eq!(
            pretty_name("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"),
            Some("Debian GNU/Linux 12")
        );
    }
}
