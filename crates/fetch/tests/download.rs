//! `download` from servers that are good, slow, broken and dishonest.

mod common;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::{Reply, Request, Server, client, files_of, noise, quick};
use kennel_core::files::sha256_bytes;
use kennel_core::hint::Access;
use kennel_core::task::Event;
use kennel_core::{Hint, Hinted, Task};
use kennel_fetch::{Client, ClientConfig, Expect, FetchError, Outcome, download};

static NEVER: AtomicBool = AtomicBool::new(false);

const ETAG: &str = "\"v1\"";

struct Case {
    server: Server,
    dir: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Case {
    /// A download of 100,000 bytes from a server that replies with `answer`.
    fn new(answer: impl Fn(usize, &Request, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let bytes = noise(100_000, 7);
        let served = bytes.clone();
        let server = Server::start(move |number, request| answer(number, request, &served));
        Self { server, dir: tempfile::tempdir().unwrap(), bytes }
    }

    fn target(&self) -> PathBuf {
        self.dir.path().join("file.bin")
    }

    fn expect(&self) -> Expect {
        Expect {
            size: Some(self.bytes.len() as u64),
            sha256: Some(sha256_bytes(&self.bytes)),
            ..Expect::default()
        }
    }

    fn run_with(
        &self,
        client: &Client,
        expect: &Expect,
        task: Task<'_>,
    ) -> Result<Outcome, FetchError> {
        download(client, &self.server.url("/file.bin"), &self.target(), expect, task)
    }

    fn run(&self) -> Result<Outcome, FetchError> {
        self.run_with(&client(), &Expect::default(), Task::unwatched())
    }

    fn message(&self) -> String {
        self.run().expect_err("this must not succeed").to_string()
    }

    /// Checks that the file has the right bytes and that nothing is left beside it.
    fn is_right(&self) {
        let files = files_of(self.dir.path());
        assert_eq!(files.keys().collect::<Vec<_>>(), ["file.bin"]);
        assert!(files["file.bin"] == self.bytes, "the bytes differ");
    }
}

#[test]
fn a_file_arrives_whole_and_is_not_fetched_twice() {
    let case = Case::new(|_, request, bytes| Reply::file(request, bytes, ETAG));
    let seen = Mutex::new(Vec::new());
    let on_event = |event: Event<'_>| {
        if let Event::Bytes { so_far, total } = event {
            seen.lock().unwrap().push((so_far, total));
        }
    };
    let task = Task::new(&NEVER, &on_event);
    assert_eq!(case.run_with(&client(), &case.expect(), task).unwrap(), Outcome::Fetched);
    case.is_right();
    assert_eq!(seen.lock().unwrap().last(), Some(&(100_000, Some(100_000))));
    assert_eq!(
        case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap(),
        Outcome::AlreadyThere
    );
    let requests = case.server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        requests[0].header("user-agent"),
        Some(concat!("kennel/", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn a_connection_that_breaks_goes_on_from_the_byte_where_it_broke() {
    // More breaks than retries: every byte counts as progress.
    let case = Case::new(|_, request, bytes| Reply::file(request, bytes, ETAG).cut(15_000));
    case.run().unwrap();
    case.is_right();
    let expected: Vec<_> = (0..7).map(|k| if k == 0 { None } else { Some(k * 15_000) }).collect();
    assert_eq!(case.server.ranges(), expected);
    for request in &case.server.requests()[1..] {
        assert_eq!(request.header("if-range"), Some(ETAG));
    }
}

#[test]
fn a_file_without_an_etag_is_known_by_its_date_and_a_weak_one_is_not_believed() {
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    let case = Case::new(move |number, request, bytes| {
        let reply =
            Reply::file(request, bytes, date).with("ETag", "W/\"v1\"").with("Last-Modified", date);
        if number == 0 { reply.cut(40_000) } else { reply }
    });
    case.run().unwrap();
    case.is_right();
    assert_eq!(case.server.requests()[1].header("if-range"), Some(date));
    assert_eq!(case.server.ranges(), [None, Some(40_000)]);
}

#[test]
fn what_nothing_identifies_is_gone_on_with_only_where_a_digest_follows() {
    let answer = |number: usize, request: &Request, bytes: &[u8]| {
        let reply = Reply::file(request, bytes, ETAG).without("ETag");
        if number == 0 { reply.cut(40_000) } else { reply }
    };
    let case = Case::new(answer);
    case.run().unwrap();
    case.is_right();
    assert_eq!(case.server.ranges(), [None, None]);
    let case = Case::new(answer);
    case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap();
    case.is_right();
    assert_eq!(case.server.ranges(), [None, Some(40_000)]);
}

#[test]
fn a_stall_is_a_break() {
    let case = Case::new(|number, request, bytes| {
        let reply = Reply::file(request, bytes, ETAG);
        match number {
            0 => Reply { stall: Duration::from_secs(600), ..reply.cut(60_000) },
            _ => reply,
        }
    });
    let client = Client::new(ClientConfig { stall_timeout: Duration::from_millis(500), ..quick() });
    let reasons = Mutex::new(Vec::new());
    let on_event = |event: Event<'_>| {
        if let Event::Retry { reason, .. } = event {
            reasons.lock().unwrap().push(reason.to_string());
        }
    };
    case.run_with(&client, &Expect::default(), Task::new(&NEVER, &on_event)).unwrap();
    // The client gave the connection up. Had it waited for the server, which holds the connection
    // for ten minutes, the reason would be a body that is too short.
    assert!(reasons.lock().unwrap()[0].contains("no byte for too long"), "{reasons:?}");
    case.is_right();
    assert_eq!(case.server.ranges()[..2], [None, Some(60_000)]);
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_the_start_again() {
    let case = Case::new(|number, _, bytes| {
        let reply = Reply::ok(bytes).with("ETag", ETAG);
        if number == 0 { reply.cut(60_000) } else { reply }
    });
    case.run().unwrap();
    case.is_right();
}

#[test]
fn a_server_that_never_gets_further_is_given_up() {
    // Each attempt receives 60,000 bytes again, without progress.
    let case = Case::new(|_, _, bytes| Reply::ok(bytes).with("ETag", ETAG).cut(60_000));
    let error = case.message();
    assert!(error.contains("the server promised 100000 bytes and sent 60000"), "{error}");
    assert_eq!(case.server.requests().len(), 4);
}

#[test]
fn a_file_that_becomes_another_one_is_fetched_anew() {
    for honours_if_range in [true, false] {
        let case = Case::new(move |number, request, bytes| match number {
            0 => Reply::file(request, &noise(100_000, 1), "\"old\"").cut(50_000),
            _ if honours_if_range => Reply::file(request, bytes, ETAG),
            _ => {
                let mut request = request.clone();
                request.headers.remove("if-range");
                Reply::file(&request, bytes, ETAG)
            }
        });
        case.run().unwrap();
        case.is_right();
    }
}

#[test]
fn a_part_that_is_not_the_one_asked_for_is_not_used() {
    for lie in ["bytes 40000-99999/100000", "bytes 50000-99999/100001", "bytes 0-9", "nonsense"] {
        let case = Case::new(move |number, request, bytes| {
            let reply = Reply::file(request, bytes, ETAG);
            match (number, request.range()) {
                (0, _) => reply.cut(50_000),
                (_, Some(_)) => reply.with("Content-Range", lie),
                _ => reply,
            }
        });
        case.run().unwrap();
        case.is_right();
        assert_eq!(case.server.ranges(), [None, Some(50_000), None], "{lie}");
    }
}

#[test]
fn a_length_that_is_not_kept_or_not_expected_is_an_error() {
    let case = Case::new(|_, _, bytes| Reply::ok(bytes).with("Content-Length", 100_001));
    let error = case.message();
    assert!(error.contains("the server promised 100001 bytes and sent 100000"), "{error}");

    let case = Case::new(|_, _, bytes| Reply::ok(bytes).with("Content-Length", 99_999));
    let error = case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("expected 100000 bytes, the server sent 99999"), "{error}");
    assert_eq!(case.server.requests().len(), 1);
    assert!(files_of(case.dir.path()).is_empty());
}

#[test]
fn a_body_without_a_length_ends_where_it_says() {
    let chunked = |_: usize, _: &Request, bytes: &[u8]| {
        let reply = Reply { pace: Some((7000, Duration::ZERO)), chunked: true, ..Reply::ok(bytes) };
        reply.without("Content-Length")
    };
    let case = Case::new(chunked);
    case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap();
    case.is_right();
    let case = Case::new(chunked);
    for (size, word) in [(99_000, "99000 bytes"), (101_000, "101000 bytes")] {
        let expect = Expect { size: Some(size), ..Expect::default() };
        let error = case.run_with(&client(), &expect, Task::unwatched()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    // A chunked body that breaks off must not count as ended.
    let case = Case::new(move |number, request, bytes| match number {
        0 => Reply { cut: Some(50_000), ..chunked(0, request, bytes) }.with("ETag", ETAG),
        _ => Reply::file(request, bytes, ETAG),
    });
    case.run().unwrap();
    case.is_right();
}

#[test]
fn more_than_the_bound_is_refused_announced_or_not() {
    let expect = Expect { max_bytes: 50_000, ..Expect::default() };
    let announced = Case::new(|_, _, bytes| Reply::ok(bytes));
    let silent = Case::new(|_, _, bytes| {
        Reply { chunked: true, ..Reply::ok(bytes) }.without("Content-Length")
    });
    for case in [announced, silent] {
        let error = case.run_with(&client(), &expect, Task::unwatched()).unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { max: 50_000, .. }), "{error}");
        assert!(files_of(case.dir.path()).is_empty());
    }
}

#[test]
fn wrong_bytes_are_deleted_and_both_digests_are_named() {
    let case = Case::new(|_, request, _| Reply::file(request, &noise(100_000, 8), ETAG));
    let error =
        case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap_err().to_string();
    for digest in [sha256_bytes(&case.bytes), sha256_bytes(&noise(100_000, 8))] {
        assert!(error.contains(&digest), "{error}");
    }
    assert!(files_of(case.dir.path()).is_empty());
}

#[test]
fn a_refusal_is_not_asked_again() {
    for (status, access) in [
        (401, Access::SetToken),
        (403, Access::SetToken),
        (404, Access::CheckName),
        (400, Access::CheckAddress),
    ] {
        let case = Case::new(move |_, _, _| Reply::status(status));
        let error = case.run().unwrap_err();
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(error.hints(), [Hint::Access(access)]);
        assert_eq!(case.server.requests().len(), 1);
    }
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_and_never_later_than_bounded() {
    for (status, asked, waited) in [
        (503, None, 1),
        (503, Some("0"), 0),
        (429, Some("0"), 0),
        (429, Some("3600"), 30),
        (500, Some("9"), 1),
    ] {
        let case = Case::new(move |number, request, bytes| match (number, asked) {
            (0, Some(asked)) => Reply::status(status).with("Retry-After", asked),
            (0, None) => Reply::status(status),
            _ => Reply::file(request, bytes, ETAG),
        });
        let waits = Mutex::new(Vec::new());
        let on_event = |event: Event<'_>| {
            if let Event::Retry { wait, reason } = event {
                assert!(reason.contains(&status.to_string()), "{reason}");
                waits.lock().unwrap().push(wait);
            }
        };
        let client =
            Client::new(ClientConfig { longest_retry_after: Duration::from_millis(30), ..quick() });
        let task = Task::new(&NEVER, &on_event);
        case.run_with(&client, &Expect::default(), task).unwrap();
        assert_eq!(*waits.lock().unwrap(), [Duration::from_millis(waited)]);
        case.is_right();
    }
}

#[test]
fn waits_double_up_to_the_longest_and_end() {
    let case = Case::new(|_, _, _| Reply::silent());
    let waits = Mutex::new(Vec::new());
    let on_event = |event: Event<'_>| {
        if let Event::Retry { wait, .. } = event {
            waits.lock().unwrap().push(wait.as_millis());
        }
    };
    let client = Client::new(ClientConfig { retries: 5, ..quick() });
    let task = Task::new(&NEVER, &on_event);
    let error = case.run_with(&client, &Expect::default(), task).unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { tries: 6, .. }), "{error}");
    assert_eq!(*waits.lock().unwrap(), [1, 2, 4, 4, 4]);
    assert_eq!(case.server.requests().len(), 6);
}

#[test]
fn nobody_at_the_address_is_an_error_with_the_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    for url in [format!("http://{free}/x"), "ftp://127.0.0.1/x".into(), "not an address".into()] {
        let expect = Expect::default();
        let error = download(&client(), &url, &dir.path().join("x"), &expect, Task::unwatched())
            .unwrap_err();
        assert!(error.to_string().contains(&url), "{error}");
    }
}

#[test]
fn redirections_are_followed_to_any_host_and_not_for_ever() {
    let server = Server::start(|_, request| match request.path.as_str() {
        "/loop" => Reply::redirect("/loop"),
        "/a/first" => Reply::redirect("second?x=1"),
        "/a/second?x=1" => Reply::redirect(format!(
            "http://localhost:{}/end",
            request.header("host").unwrap().split(':').nth(1).unwrap()
        )),
        "/end" => Reply::file(request, b"here", ETAG),
        "/out" => Reply::redirect("ftp://example/x"),
        _ => Reply::status(404),
    });
    let dir = tempfile::tempdir().unwrap();
    let get = |path: &str| {
        let target = dir.path().join("x");
        download(&client(), &server.url(path), &target, &Expect::default(), Task::unwatched())
    };
    for (path, word) in [("/loop", "more than 10 redirections"), ("/out", "neither http nor https")]
    {
        let error = get(path).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    get("/a/first").unwrap();
    assert_eq!(std::fs::read(dir.path().join("x")).unwrap(), b"here");
}

#[test]
fn what_was_stopped_goes_on_in_the_next_call() {
    let case = Case::new(|number, request, bytes| {
        let reply = Reply::file(request, bytes, ETAG);
        if number == 0 {
            Reply { pace: Some((10_000, Duration::from_millis(50))), ..reply }
        } else {
            reply
        }
    });
    let stop = AtomicBool::new(false);
    let on_event = |event: Event<'_>| {
        if matches!(event, Event::Bytes { so_far, .. } if so_far >= 30_000) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let task = Task::new(&stop, &on_event);
    let error = case.run_with(&client(), &case.expect(), task).unwrap_err();
    assert!(matches!(error, FetchError::Stopped { .. }), "{error}");
    assert!(!case.target().exists());
    let kept = std::fs::metadata(case.dir.path().join("file.bin.part")).unwrap().len() as usize;
    assert!((30_000..100_000).contains(&kept), "{kept}");
    case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap();
    case.is_right();
    assert_eq!(case.server.ranges(), [None, Some(kept)]);
    assert_eq!(case.server.requests()[1].header("if-range"), Some(ETAG));
}

#[test]
fn a_part_of_another_address_or_with_damage_is_not_used() {
    let case = Case::new(|_, request, bytes| Reply::file(request, bytes, ETAG));
    let part = case.dir.path().join("file.bin.part");
    let sidecar = case.dir.path().join("file.bin.part.json");
    let note = |url: String| format!(r#"{{"url":"{url}","validator":"\"v1\"","total":100000}}"#);
    std::fs::write(&part, noise(500, 3)).unwrap();
    std::fs::write(&sidecar, note("http://elsewhere/file.bin".into())).unwrap();
    case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap();
    case.is_right();
    assert_eq!(case.server.ranges(), [None]);
    // The part is of this address, but its bytes were lost: the digest differs, and the file is
    // fetched once more.
    std::fs::remove_file(case.target()).unwrap();
    std::fs::write(&part, noise(500, 3)).unwrap();
    std::fs::write(&sidecar, note(case.server.url("/file.bin"))).unwrap();
    case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap();
    case.is_right();
    assert_eq!(case.server.ranges(), [None, Some(500), None]);
}

#[test]
fn a_file_that_does_not_fit_is_replaced_only_by_one_that_does() {
    let case = Case::new(|number, request, bytes| match number {
        0 => Reply::status(404),
        _ => Reply::file(request, bytes, ETAG),
    });
    std::fs::write(case.target(), "old").unwrap();
    case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap_err();
    assert_eq!(std::fs::read(case.target()).unwrap(), b"old");
    case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap();
    case.is_right();
}

#[test]
fn two_at_once_fetch_it_once() {
    let case = Case::new(|_, request, bytes| Reply {
        pace: Some((20_000, Duration::from_millis(10))),
        ..Reply::file(request, bytes, ETAG)
    });
    let fetched = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let outcome = case.run_with(&client(), &case.expect(), Task::unwatched()).unwrap();
                fetched.fetch_add(usize::from(outcome == Outcome::Fetched), Ordering::Relaxed);
            });
        }
    });
    assert_eq!((fetched.into_inner(), case.server.requests().len()), (1, 1));
    case.is_right();
}

#[test]
fn offline_asks_nothing_and_says_what_is_missing() {
    let case = Case::new(|_, request, bytes| Reply::file(request, bytes, ETAG));
    let offline = Client::new(ClientConfig { offline: true, ..quick() });
    let error = case.run_with(&offline, &case.expect(), Task::unwatched()).unwrap_err();
    assert!(error.to_string().contains("file.bin"), "{error}");
    assert!(
        matches!(&error.hints()[..], [Hint::FetchOtherwise { unpack: false, .. }]),
        "{error:?}"
    );
    assert!(case.server.requests().is_empty() && files_of(case.dir.path()).is_empty());
    std::fs::write(case.target(), &case.bytes).unwrap();
    let outcome = case.run_with(&offline, &case.expect(), Task::unwatched()).unwrap();
    assert_eq!(outcome, Outcome::AlreadyThere);
}
