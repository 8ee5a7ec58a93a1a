//! `stream_tar` from servers that break and lie, and after kills.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Reply, Request, Server, client, files_of, noise};
use kennel_core::files::sha256_bytes;
use kennel_core::hint::Access;
use kennel_core::task::Event;
use kennel_core::{Hint, Hinted, Task};
use kennel_fetch::stanford_dogs::{self, Breeds};
use kennel_fetch::{FetchError, Outcome, Streamed, TarSource, stream_tar};

const ETAG: &str = "\"tar\"";

fn entry(builder: &mut tar::Builder<Vec<u8>>, path: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, path, bytes).unwrap();
}

/// A tar of forty files, thirty of which are kept.
fn tar_of_dogs() -> (Vec<u8>, BTreeMap<String, Vec<u8>>) {
    let (mut builder, mut wanted) = (tar::Builder::new(Vec::new()), BTreeMap::new());
    for k in 0..40u32 {
        let bytes = noise(1000 + 137 * k as usize, k);
        let path = match k % 4 {
            3 => format!("Images/n02085620-Chihuahua/n02085620_{k}.jpg"),
            _ => format!("Images/n02088364-beagle/n02088364_{k}.jpg"),
        };
        entry(&mut builder, &path, &bytes);
        if k % 4 != 3 {
            wanted.insert(path, bytes);
        }
    }
    (builder.into_inner().unwrap(), wanted)
}

struct Case {
    server: Server,
    dir: tempfile::TempDir,
    sha256: Option<String>,
}

impl Case {
    fn new(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self { server: Server::start(answer), dir: tempfile::tempdir().unwrap(), sha256: None }
    }

    fn of(tar: Vec<u8>) -> Self {
        Self::new(move |_, request| Reply::file(request, &tar, ETAG))
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("dogs")
    }

    fn run_with(&self, max_bytes: u64, task: Task<'_>) -> Result<Streamed, FetchError> {
        let source = TarSource {
            url: &self.server.url("/images.tar"),
            size: None,
            sha256: self.sha256.as_deref(),
            max_bytes,
            keep: &|path: &Path| !path.to_string_lossy().contains("Chihuahua"),
            choice: "no chihuahuas",
            check: &|_| Ok(()),
        };
        stream_tar(&client(), &source, &self.folder(), task)
    }

    fn run(&self) -> Result<Streamed, FetchError> {
        self.run_with(1 << 20, Task::unwatched())
    }

    fn is_right(&self, wanted: &BTreeMap<String, Vec<u8>>) {
        assert!(files_of(&self.folder()) == *wanted, "the files differ");
        assert_eq!(
            std::fs::read_dir(self.dir.path()).unwrap().count(),
            1,
            "something is left beside"
        );
    }

    fn nothing_is_left(&self) {
        assert_eq!(std::fs::read_dir(self.dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn only_what_is_wanted_is_written_and_nothing_is_fetched_twice() {
    let (tar, wanted) = tar_of_dogs();
    let case = Case { sha256: Some(sha256_bytes(&tar)), ..Case::of(tar) };
    let streamed = case.run().unwrap();
    assert_eq!((streamed.outcome, streamed.files.len()), (Outcome::Fetched, 30));
    for file in &streamed.files {
        assert_eq!(file.sha256, sha256_bytes(&wanted[&file.path]));
    }
    case.is_right(&wanted);
    assert_eq!(case.run().unwrap().outcome, Outcome::AlreadyThere);
    assert_eq!(case.server.requests().len(), 1);
}

#[test]
fn a_stream_that_breaks_goes_on_with_or_without_ranges() {
    let (tar, wanted) = tar_of_dogs();
    let served = tar.clone();
    let case = Case {
        sha256: Some(sha256_bytes(&tar)),
        ..Case::new(move |_, request| Reply::file(request, &served, ETAG).cut(33_333))
    };
    case.run().unwrap();
    case.is_right(&wanted);
    assert_eq!(case.server.ranges()[1], Some(33_333));

    let served = tar.clone();
    let case = Case {
        sha256: Some(sha256_bytes(&tar)),
        ..Case::new(move |number, _| match number {
            0 | 1 => Reply::ok(&served).cut(40_000 + 20_000 * number),
            _ => Reply::ok(&served),
        })
    };
    case.run().unwrap();
    case.is_right(&wanted);
}

#[test]
fn a_tar_that_becomes_another_one_is_begun_anew_and_given_up_when_it_does_so_again() {
    let (tar, wanted) = tar_of_dogs();
    let mut other = tar.clone();
    other[600] ^= 1;
    let (served, before) = (tar, other);
    let case = Case::new(move |number, request| match number {
        0 => Reply::file(request, &before, "\"old\"").cut(50_000),
        _ => Reply::file(request, &served, ETAG),
    });
    case.run().unwrap();
    case.is_right(&wanted);

    let (tar, _) = tar_of_dogs();
    let case = Case::new(move |number, request| {
        let mut tar = tar.clone();
        tar[600] = number as u8;
        Reply::file(request, &tar, &format!("\"{number}\"")).cut(50_000)
    });
    let error = case.run().unwrap_err();
    assert!(matches!(error, FetchError::Changing { .. }), "{error}");
    case.nothing_is_left();
}

#[test]
fn what_was_stopped_goes_on_at_the_boundary_of_an_entry() {
    let (tar, wanted) = tar_of_dogs();
    for honours_ranges in [true, false] {
        let served = tar.clone();
        let case = Case {
            sha256: Some(sha256_bytes(&tar)),
            ..Case::new(move |number, request| {
                let reply = match honours_ranges {
                    true => Reply::file(request, &served, ETAG),
                    false => Reply::ok(&served),
                };
                let pace = (number == 0).then_some((10_000, Duration::from_millis(5)));
                Reply { pace, ..reply }
            })
        };
        let stop = AtomicBool::new(false);
        let on_event = |event: Event<'_>| {
            if matches!(event, Event::Bytes { so_far, .. } if so_far > 60_000) {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let error = case.run_with(1 << 20, Task::new(&stop, &on_event)).unwrap_err();
        assert!(matches!(error, FetchError::Stopped { .. }), "{error}");
        assert!(!case.folder().exists());
        case.run().unwrap();
        case.is_right(&wanted);
        let from = case.server.ranges()[1].unwrap();
        assert!(from > 50_000 && from.is_multiple_of(512), "{from}");
    }
}

#[test]
fn an_unsafe_or_swelling_tar_is_refused_and_nothing_is_kept() {
    let raw = |name: &str, kind: tar::EntryType, size: u64| {
        let (mut tar, _) = tar_of_dogs();
        tar.truncate(tar.len() - 1024);
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(&[0; 1024]);
        tar
    };
    use tar::EntryType::{Link, Regular, Symlink};
    for (tar, word) in [
        (raw("../../evil.jpg", Regular, 0), "outside"),
        (raw("/evil.jpg", Regular, 0), "outside"),
        (raw("a.jpg", Symlink, 0), "neither a file nor a folder"),
        (raw("a.jpg", Link, 0), "neither a file nor a folder"),
        (raw("a.jpg", Regular, 1 << 20), "above"),
        (raw("a.jpg", Regular, 1 << 40), "are read"),
    ] {
        let case = Case::of(tar);
        let error = case.run().unwrap_err();
        assert!(matches!(error, FetchError::UnsafeArchive { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
        case.nothing_is_left();
    }
    let (tar, _) = tar_of_dogs();
    let case = Case::of(tar);
    let error = case.run_with(50_000, Task::unwatched()).unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
    case.nothing_is_left();
}

#[test]
fn a_tar_without_its_end_or_with_other_bytes_is_refused() {
    let (tar, _) = tar_of_dogs();
    let gzip = [&[0x1F, 0x8B, 8, 0][..], &noise(5000, 1)].concat();
    for bytes in [&tar[..tar.len() - 1024], &tar[..tar.len() - 1500], &tar[..700], &gzip] {
        let case = Case::of(bytes.to_vec());
        let error = case.run().unwrap_err();
        assert!(matches!(error, FetchError::DamagedArchive { .. }), "{error}");
        case.nothing_is_left();
    }
    let case = Case { sha256: Some(sha256_bytes(b"another")), ..Case::of(tar) };
    let error = case.run().unwrap_err().to_string();
    assert!(error.contains(&sha256_bytes(b"another")), "{error}");
    case.nothing_is_left();
}

#[test]
fn a_refusing_server_ends_it_at_once() {
    let case = Case::new(|_, _| Reply::status(403));
    let error = case.run().unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
    assert_eq!(error.hints(), [Hint::Access(Access::SetToken)]);
    assert_eq!(case.server.requests().len(), 1);
    case.nothing_is_left();
}

#[test]
fn stanford_dogs_has_the_breeds_that_were_asked_for_or_no_name() {
    let mut builder = tar::Builder::new(Vec::new());
    let synsets = stanford_dogs::FIVE.map(|(synset, _)| synset);
    for (k, synset) in synsets.iter().chain(&["n02085620"]).enumerate() {
        entry(&mut builder, &format!("Images/{synset}-dog/{synset}_1.jpg"), &noise(100, k as u32));
    }
    let tar = builder.into_inner().unwrap();
    let case = Case::of(tar);
    let url = case.server.url("/images.tar");
    let fetch = |source: &stanford_dogs::Source| {
        stanford_dogs::fetch(&client(), source, Breeds::Five, &case.folder(), Task::unwatched())
    };
    let real = stanford_dogs::Source::mirror(&url, Breeds::Five);
    let error = fetch(&real).unwrap_err().to_string();
    assert!(error.contains("it has 5 photos, not 799"), "{error}");
    let other = stanford_dogs::Source { photos: Some(5), ..real.clone() };
    let error = fetch(&other).unwrap_err().to_string();
    assert!(error.contains(stanford_dogs::FIVE_DIGEST), "{error}");
    case.nothing_is_left();
    let drawn = stanford_dogs::Source { tree_digest: None, ..other };
    assert_eq!(fetch(&drawn).unwrap(), Outcome::Fetched);
    assert_eq!(files_of(&case.folder()).len(), 5);
    // An existing folder is checked too, and left unchanged.
    fetch(&real).unwrap_err();
    assert_eq!(fetch(&drawn).unwrap(), Outcome::AlreadyThere);
}

/// Path of the example, which is built with the tests and lies beside their folder.
fn example() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/fetch");
    assert!(
        path.is_file(),
        "{} is missing: `cargo build -p kennel-fetch --examples`",
        path.display()
    );
    path
}

#[cfg(unix)]
#[test]
fn a_process_killed_at_any_moment_and_started_again_ends_with_the_right_bytes() {
    let (tar, wanted) = tar_of_dogs();
    for seed in 1..=3u32 {
        let served = tar.clone();
        let case = Case::new(move |_, request| {
            let reply = Reply::file(request, &served, ETAG);
            // 1 KB per millisecond: about a fifth of a second in all.
            Reply { pace: Some((1024, Duration::from_millis(1))), ..reply }
        });
        let run = || {
            let mut command = std::process::Command::new(example());
            command.arg(case.server.url("/images.tar")).arg(case.folder()).env("NO_PROXY", "*");
            command
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        };
        for wait in noise(4, seed) {
            let mut child = run();
            std::thread::sleep(Duration::from_millis(20 + u64::from(wait) % 80));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        run().wait().unwrap();
        // Again, as if the process was killed between its last two steps.
        let output = run().wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // The example keeps every jpg.
        let mut all = files_of(&case.folder());
        all.retain(|path, _| !path.contains("Chihuahua"));
        assert!(all == wanted, "seed {seed}: the files differ");
        assert_eq!(std::fs::read_dir(case.dir.path()).unwrap().count(), 1, "seed {seed}");
    }
}
