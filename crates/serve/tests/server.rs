//! The server as its clients see it, with a model that only looks at one pixel.

use std::ffi::OsString;
use std::io::{Cursor, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kennel_core::{Interpolation, Preprocessing, Task};
use kennel_data::{PrepareOptions, RgbImage, prepare};
use kennel_infer::{InferError, Model, Result};
use kennel_serve::{
    Asked, Commands, Folders, Kind, Limits, Options, OwnFiles, Served, Serving, Workbench,
};
use serde_json::Value;

/// Its logits are the photo's first red value and 0.5. It may be slow, and fails on black photos.
struct FirstPixel {
    preprocessing: Preprocessing,
    class_names: Vec<String>,
    slow: Duration,
    largest: Arc<AtomicUsize>,
}

impl Model for FirstPixel {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn temperature(&self) -> f64 {
        1.0
    }

    fn preprocessing(&self) -> Option<&Preprocessing> {
        Some(&self.preprocessing)
    }

    fn logits(&mut self, pixels: Vec<f32>, count: usize) -> Result<Vec<Vec<f32>>> {
        self.largest.fetch_max(count, Ordering::SeqCst);
        thread::sleep(self.slow);
        if pixels.contains(&0.0) {
            return Err(InferError::NoGradients);
        }
        Ok(pixels.chunks_exact(pixels.len() / count).map(|photo| vec![photo[0], 0.5]).collect())
    }
}

/// A server in a thread of its own, stopped on drop.
struct Running {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    largest: Arc<AtomicUsize>,
    opened: Arc<AtomicUsize>,
}

fn serve(slow: Duration, limits: Limits, token: Option<&str>) -> Running {
    serve_page(slow, limits, token, None)
}

fn serve_page(
    slow: Duration,
    limits: Limits,
    token: Option<&str>,
    workbench: Option<Workbench>,
) -> Running {
    let options = Options {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        token: token.map(String::from),
        hosts: Vec::new(),
        limits,
    };
    let serving = Serving::new(options, workbench).unwrap();
    let (largest, opened) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, count) = (largest.clone(), opened.clone());
    let open = move || -> std::result::Result<Box<dyn Model>, String> {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(FirstPixel {
            preprocessing: Preprocessing {
                mean: [0.0; 3],
                std: [1.0; 3],
                ..Preprocessing::imagenet(32, 1.0, Interpolation::Bilinear)
            },
            class_names: ["light", "dark"].map(String::from).into(),
            slow,
            largest: seen.clone(),
        }))
    };
    serving
        .add(Served { name: "pixel".into(), kind: Kind::Run, open: Box::new(open), index: None })
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (told, address) = mpsc::channel();
    let stopped = stop.clone();
    let thread = thread::spawn(move || {
        let task = Task::new(&stopped, &|_| {});
        serving.run(task, |address| told.send(address).unwrap()).unwrap();
    });
    Running { address: address.recv().unwrap(), stop, thread: Some(thread), largest, opened }
}

impl Running {
    /// Sends a request as it is, and returns status, headers and body.
    fn send(&self, request: &[u8]) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request).unwrap();
        answer(stream)
    }

    fn post(&self, path: &str, headers: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n"
        );
        self.send(&[head.as_bytes(), body].concat())
    }

    fn get(&self, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        self.send(format!("{head}{headers}\r\n").as_bytes())
    }

    fn delete(&self, path: &str) -> u16 {
        let head = format!("DELETE {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        self.send(format!("{head}\r\n").as_bytes()).0
    }

    fn predict(&self, photo: &[u8]) -> (u16, String, Vec<u8>) {
        self.post("/v1/predict", "Content-Type: image/png\r\n", photo)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn answer(mut stream: TcpStream) -> (u16, String, Vec<u8>) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), bytes[end + 4..].to_vec())
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

fn photo(level: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let pixels = RgbImage::from_pixel(32, 32, [level; 3].into());
    pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--\r\n");
    body
}

const FORM: &str = "Content-Type: multipart/form-data; boundary=x\r\n";

#[test]
fn photos_are_labelled_alone_and_in_forms() {
    let server = serve(Duration::ZERO, Limits::default(), None);
    let (status, _, body) = server.predict(&photo(255));
    assert_eq!(status, 200);
    let row = &json(&body)["predictions"][0];
    assert_eq!((row["label"].as_str(), row["top"].as_array().unwrap().len()), (Some("light"), 2));
    let probability = 1.0 / (1.0 + (-0.5_f64).exp());
    assert!((row["probability"].as_f64().unwrap() - probability).abs() < 1e-9);

    let (light, dark) = (photo(200), photo(50));
    let body = form(&[("a.png", &light), ("../../etc/b.png", &dark), ("c.txt", b"no photo")]);
    let (status, _, body) = server.post("/v1/predict?top=1", FORM, &body);
    let found = json(&body);
    assert_eq!((status, found["model"].as_str()), (200, Some("pixel")));
    let rows = found["predictions"].as_array().unwrap();
    let labels: Vec<_> =
        rows.iter().map(|row| (row["path"].as_str(), row["label"].as_str())).collect();
    let expected = [
        (Some("a.png"), Some("light")),
        (Some("../../etc/b.png"), Some("dark")),
        (Some("c.txt"), None),
    ];
    assert_eq!(labels, expected);
    assert!(rows[2]["error"].as_str().unwrap().contains("not an image"));
    let (_, _, body) =
        server.post("/v1/predict?min_confidence=0.99", FORM, &form(&[("a", &light)]));
    assert!(json(&body)["predictions"][0]["label"].is_null());
}

#[test]
fn bad_requests_are_refused_with_a_reason() {
    let server =
        serve(Duration::ZERO, Limits { body_bytes: 4096, photos: 2, ..Limits::default() }, None);
    let png = photo(255);
    let png = png.as_slice();
    let many = form(&[("a", png), ("b", png), ("c", png)]);
    let cases: [(&str, &str, &[u8], u16); 12] = [
        ("/v1/predict", "Content-Type: image/jpeg\r\n", b"no photo", 422),
        ("/v1/predict", "Content-Type: text/plain\r\n", png, 415),
        ("/v1/predict", "Content-Type: image/png\r\n", b"", 400),
        ("/v1/predict", FORM, b"no form", 400),
        ("/v1/predict", FORM, b"--x--\r\n", 400),
        ("/v1/predict", "Content-Type: multipart/form-data\r\n", png, 400),
        ("/v1/predict", FORM, &many, 413),
        ("/v1/predict", "Content-Type: image/png\r\n", &[0; 5000], 413),
        ("/v1/predict?model=other", "", png, 404),
        ("/v1/predict?top=0", "", png, 400),
        ("/v1/predict?top=x", "", png, 400),
        ("/v1/nothing", "", png, 404),
    ];
    for (path, headers, body, expected) in cases {
        let (status, head, body) = server.post(path, headers, body);
        assert_eq!(status, expected, "{path} {headers}");
        assert!(head.contains("application/problem+json"), "{head}");
        let problem = json(&body);
        assert_eq!(problem["status"], expected);
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    assert_eq!(server.get("/v1/predict", "").0, 405);
    assert_eq!(server.send(b"no HTTP\r\n\r\n").0, 400);
    assert_eq!(server.predict(png).0, 200, "it still answers");
}

#[test]
fn strangers_are_refused() {
    let server = serve(Duration::ZERO, Limits::default(), Some("0123456789abcdef"));
    assert_eq!(server.get("/healthz", "").0, 200);
    assert_eq!(server.get("/v1/models", "").0, 401);
    let own = "Authorization: Bearer 0123456789abcdef\r\n";
    assert_eq!(server.get("/v1/models", own).0, 200);
    assert_eq!(server.get("/v1/models", "Authorization: Bearer 0\r\n").0, 401);
    assert_eq!(
        server.send(b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").0,
        421
    );
    let foreign = format!("{own}Origin: http://evil.example\r\n");
    assert_eq!(server.post("/v1/predict", &foreign, &photo(255)).0, 403);
    let (status, head, _) = server.get("/?token=0123456789abcdef", "");
    assert!(status == 303 && head.contains("set-cookie: kennel_token="), "{head}");
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let options = Options { address: ([0, 0, 0, 0], 0).into(), ..Options::default() };
    let refused = Serving::new(options, None).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "0.0.0.0:0 can be reached from other machines, and there is no token"
    );
}

#[test]
fn photos_that_wait_are_labelled_together() {
    let server = serve(Duration::from_millis(100), Limits::default(), None);
    thread::scope(|scope| {
        let asked: Vec<_> =
            (0..12).map(|_| scope.spawn(|| server.predict(&photo(255)).0)).collect();
        assert!(asked.into_iter().all(|status| status.join().unwrap() == 200));
    });
    assert!(server.largest.load(Ordering::SeqCst) >= 6, "{:?}", server.largest);
    let text = String::from_utf8(server.get("/metrics", "").2).unwrap();
    assert!(
        text.contains("kennel_photos_total{model=\"pixel\",outcome=\"labelled\"} 12"),
        "{text}"
    );
}

#[test]
fn more_than_it_can_do_is_refused_and_clients_that_hang_up_make_no_room() {
    let limits = Limits { queue: 4, ..Limits::default() };
    let server = serve(Duration::from_millis(300), limits, None);
    let png = photo(255);
    let request = |length: usize| {
        format!(
            "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let send = |length: usize, body: &[u8]| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(request(length).as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream
    };
    let asked: Vec<TcpStream> = (0..4).map(|_| send(png.len(), &png)).collect();
    thread::sleep(Duration::from_millis(100));
    drop(asked);
    thread::sleep(Duration::from_millis(20));
    let (status, head, _) = server.predict(&png);
    assert_eq!(status, 429);
    assert!(head.contains("retry-after: 1"), "{head}");
    // A body that never comes is no work: its connection ends, and so does its place.
    (0..4).for_each(|_| drop(send(1000, b"half")));
    let begun = Instant::now();
    while server.predict(&png).0 == 429 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never has room again");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn slow_clients_are_cut_off() {
    let short = Duration::from_millis(300);
    let limits = Limits { headers: short, body: short, ..Limits::default() };
    let server = serve(Duration::ZERO, limits, None);
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX: ").unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    assert!(!rest.starts_with(b"HTTP/1.1 2"), "{rest:?}");
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
          Content-Length: 100\r\n\r\nhalf",
    )
    .unwrap();
    assert_eq!(answer(slow).0, 408);
}

#[test]
fn a_model_that_fails_is_opened_again() {
    let server = serve(Duration::ZERO, Limits::default(), None);
    assert_eq!(server.predict(&photo(0)).0, 503);
    assert_eq!(server.predict(&photo(255)).0, 200);
    assert_eq!(server.opened.load(Ordering::SeqCst), 2);
}

#[test]
fn what_was_begun_is_finished_when_the_server_stops() {
    let server = serve(Duration::from_millis(500), Limits::default(), None);
    thread::scope(|scope| {
        let asked = scope.spawn(|| server.predict(&photo(255)).0);
        thread::sleep(Duration::from_millis(200));
        server.stop.store(true, Ordering::SeqCst);
        assert_eq!(asked.join().unwrap(), 200);
    });
    let address = server.address;
    drop(server);
    assert!(TcpStream::connect(address).is_err(), "it listens no longer");
}

#[test]
fn the_description_names_every_route() {
    let server = serve(Duration::ZERO, Limits::default(), None);
    let described = json(&server.get("/openapi.json", "").2);
    let paths: Vec<&String> = described["paths"].as_object().unwrap().keys().collect();
    let expected = [
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/v1/explain",
        "/v1/models",
        "/v1/predict",
        "/v1/similar",
    ];
    assert_eq!(paths, expected);
}

/// Commands that show what the page keeps, and do nothing.
struct NoCommands;

impl Commands for NoCommands {
    fn program(&self) -> PathBuf {
        std::env::current_exe().unwrap()
    }

    fn name(&self) -> &'static str {
        "none"
    }

    fn arguments(&self, _: &Asked, _: &Folders, own: &OwnFiles) -> Vec<OsString> {
        let added = own.added.as_deref().unwrap_or(Path::new("nothing"));
        // The test program itself is the program, and lists its tests.
        vec!["--list".into(), added.into()]
    }

    fn serve_run(&self, _: &Path) -> std::result::Result<Served, String> {
        Err("there are no runs".into())
    }

    fn networks(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A picture of coloured squares: every `salt` gives another.
fn squares(salt: u32) -> Vec<u8> {
    let mut state = salt.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    let small = RgbImage::from_fn(8, 8, |_, _| [next(), next(), next()].into());
    let mut bytes = Cursor::new(Vec::new());
    let pixels = RgbImage::from_fn(64, 64, |x, y| *small.get_pixel(x / 8, y / 8));
    pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A page around a data set of cats and dogs in `home`.
fn page(home: &Path) -> Running {
    for (class, salt) in [("cats", 100), ("dogs", 200)] {
        std::fs::create_dir_all(home.join("photos").join(class)).unwrap();
        for i in 0..4 {
            let path = home.join("photos").join(class).join(format!("{i}.png"));
            std::fs::write(path, squares(salt + i)).unwrap();
        }
    }
    let folders = Folders {
        data: home.join("data"),
        runs: home.join("runs"),
        results: home.join("results"),
        models: home.join("models"),
        own: home.join("own"),
    };
    let options = PrepareOptions::default();
    prepare(&home.join("photos"), &folders.data, &options, Task::unwatched()).unwrap();
    let workbench = Workbench::new(folders, Box::new(NoCommands));
    serve_page(Duration::ZERO, Limits { photos: 4, ..Limits::default() }, None, Some(workbench))
}

#[test]
fn photos_are_added_to_classes_listed_and_taken_back() {
    let home = tempfile::tempdir().unwrap();
    let server = page(home.path());
    let added = || json(&server.get("/api/photos", "").2)["added"].clone();
    let listed = || -> Vec<String> {
        let rows = added();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| {
            let text = |key: &str| row[key].as_str().unwrap().to_string();
            format!("{}/{}", text("class"), text("file"))
        })
        .collect()
    };
    let post = |place: &str, parts: &[(&str, &[u8])]| {
        let (status, _, body) = server.post(&format!("/api/added?{place}"), FORM, &form(parts));
        (status, json(&body))
    };
    let (one, two, three) = (squares(1), squares(2), squares(3));

    // Names are made safe, and a name that is taken is numbered.
    let (status, said) =
        post("class=cats&choice=1", &[("../../evil.png", &one), ("photos/evil.jpg", &two)]);
    assert_eq!((status, said["added"].as_u64()), (200, Some(2)), "{said}");
    assert_eq!(listed(), ["cats/evil.png", "cats/evil-2.png"]);
    let kept = home.path().join("own/added/cats/evil.png");
    assert_eq!(std::fs::read(&kept).unwrap(), one);
    assert!(!home.path().join("evil.png").exists());

    // What is there already, or is no photo, is refused with its reason.
    let own = squares(100);
    let (status, said) = post(
        "class=new%20class&choice=2",
        &[("again.png", &one), ("own.png", &own), ("c.png", b"no photo"), ("d.png", &three)],
    );
    assert_eq!((status, said["added"].as_u64()), (200, Some(1)), "{said}");
    let reasons: Vec<&str> = said["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| refused["reason"].as_str().unwrap())
        .collect();
    let expected = ["it is added to \"cats\" already", "as \"cats\"", "not an image"];
    for (reason, part) in reasons.iter().zip(expected) {
        assert!(reason.contains(part), "{reasons:?}");
    }
    assert_eq!(listed(), ["cats/evil.png", "cats/evil-2.png", "new class/d.png"]);

    // A class is one of the data set's, or the name of one folder.
    for class in ["", "..", "../photos", "a%2Fb", "a%5Cb", ".x", "Cats", "test", "a%0Ab"] {
        let (status, said) = post(&format!("class={class}&choice=3"), &[("e.png", &squares(4))]);
        assert_eq!(status, 400, "{class}: {said}");
    }
    assert_eq!(post("class=cats", &[("e.png", &squares(4))]).0, 400);
    let five: Vec<Vec<u8>> = (10..15).map(squares).collect();
    let five: Vec<(&str, &[u8])> = five.iter().map(|photo| ("f.png", photo.as_slice())).collect();
    assert_eq!(post("class=cats&choice=4", &five).0, 413);
    let foreign = format!("{FORM}Origin: http://evil.example\r\n");
    let body = form(&[("e.png", &squares(4))]);
    assert_eq!(server.post("/api/added?class=cats&choice=5", &foreign, &body).0, 403);
    assert_eq!(listed().len(), 3);

    // The commands learn of the folder.
    let prepare = || {
        let asked = br#"{"kind": "prepare", "photos": "photos"}"#;
        let kind = "Content-Type: application/json\r\n";
        let (status, _, body) = server.post("/api/jobs", kind, asked);
        assert_eq!(status, 200);
        let begun = Instant::now();
        while json(&server.get("/api/jobs", "").2)[0]["status"] == "running" {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not end");
            thread::sleep(Duration::from_millis(20));
        }
        json(&body)["command"].as_str().unwrap().to_string()
    };
    let folder = home.path().join("own/added");
    assert!(prepare().ends_with(&*kennel_core::quoted(&folder.to_string_lossy())));

    // Photos that came together are taken back together.
    assert_eq!(server.delete("/api/added/last"), 204);
    assert_eq!(listed(), ["cats/evil.png", "cats/evil-2.png"]);
    assert_eq!(server.delete("/api/added/last"), 204);
    assert!(listed().is_empty() && !kept.exists());
    assert_eq!(server.delete("/api/added/last"), 404);
    assert!(prepare().ends_with("nothing"));
    assert_eq!(std::fs::read(home.path().join("photos/cats/0.png")).unwrap(), own);
}

#[test]
fn an_added_photo_that_is_taken_back_takes_its_correction_along() {
    let home = tempfile::tempdir().unwrap();
    let server = page(home.path());
    let body = form(&[("a.png", &squares(1))]);
    assert_eq!(server.post("/api/added?class=cats&choice=1", FORM, &body).0, 200);
    let added = [home.path().join("own/added")];
    let options = PrepareOptions { added: &added, ..PrepareOptions::default() };
    let (photos, data) = (home.path().join("photos"), home.path().join("data"));
    prepare(&photos, &data, &options, Task::unwatched()).unwrap();
    let fix = br#"{"source": "+added/cats/a.png", "label": "dogs"}"#;
    let kind = "Content-Type: application/json\r\n";
    assert_eq!(server.post("/api/fixes", kind, fix).0, 200);
    assert_eq!(server.delete("/api/added/last"), 204);
    let photos = json(&server.get("/api/photos", "").2);
    assert_eq!(photos["fixes"].as_array().unwrap().len(), 0);
    let gone = photos["photos"].as_array().unwrap().iter().filter(|p| p["is_taken_back"] == true);
    assert_eq!(gone.count(), 1, "the data set still has it");
}
