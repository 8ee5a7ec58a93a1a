//! How much memory this process may use.

/// Returns the smallest of the machine's memory, the limits of the control groups (both versions)
/// and those set with `ulimit`, in bytes. None if the system reports nothing.
pub(super) fn usable_bytes() -> Option<u64> {
    [of_machine(), of_groups(), of_process()].into_iter().flatten().min()
}

#[cfg(target_os = "linux")]
fn of_machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Returns the smallest limit of this process's control groups and of those above them.
#[cfg(target_os = "linux")]
fn of_groups() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    limits(&text, |file| std::fs::read_to_string(file).ok())
}

/// `groups` is `/proc/self/cgroup`: lines of `number:controllers:path`. In a container, a path may
/// not exist; the limit is then in the root that the container sees.
#[cfg(target_os = "linux")]
fn limits(groups: &str, read: impl Fn(&std::path::Path) -> Option<String>) -> Option<u64> {
    let files = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) =
            (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return Vec::new(),
        };
        let above = std::path::Path::new(path.trim_start_matches('/')).ancestors();
        above.map(|group| std::path::Path::new(root).join(group).join(name)).collect()
    });
    // A group without a limit has `max`, or in the first version a number beyond all memory.
    files.filter_map(|file| read(&file)?.trim().parse().ok()).min()
}

#[cfg(not(target_os = "linux"))]
fn of_machine() -> Option<u64> {
    None
}

#[cfg(not(target_os = "linux"))]
fn of_groups() -> Option<u64> {
    None
}

/// Returns the smaller limit of `ulimit -v` and `ulimit -d`.
fn of_process() -> Option<u64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit};
        let limits = [Resource::RLIMIT_AS, Resource::RLIMIT_DATA].map(getrlimit);
        limits.into_iter().flatten().map(|(soft, _)| soft).min()
    }
    #[cfg(not(unix))]
    {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_least_limit_of_a_group_and_those_above_it_counts() {
        let files = |known: &'static [(&str, &str)]| {
            move |file: &Path| {
                let is_it = |(path, _): &&(&str, &str)| Path::new(path) == file;
                known.iter().find(is_it).map(|(_, text)| text.to_string())
            }
        };
        let two = files(&[
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/memory.max", "3000\n"),
            ("/sys/fs/cgroup/memory.max", "5000\n"),
        ]);
        assert_eq!(limits("0::/a/b\n", two), Some(3000));
        let one = files(&[("/sys/fs/cgroup/memory/memory.limit_in_bytes", "7000\n")]);
        assert_eq!(limits("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n", one), Some(7000));
        assert_eq!(limits("0::/\n", files(&[])), None);
    }

    #[test]
    fn this_machine_says_how_much_there_is() {
        let usable = usable_bytes().unwrap();
        assert!(usable > 16 << 20 && usable <= of_machine().unwrap(), "{usable}");
    }
}
