//! A test server that misbehaves on demand.
#![allow(dead_code)] // Each test binary uses its own part.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kennel_fetch::{Client, ClientConfig};

/// A received request; header names in lower case.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// N of `Range: bytes=N-`.
    pub fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// A reply, and how it misbehaves.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Closes the connection after this many bytes of the body.
    pub cut: Option<usize>,
    /// Waits this long before it closes there.
    pub stall: Duration,
    /// Sends pieces of this many bytes with a pause after each.
    pub pace: Option<(usize, Duration)>,
    pub chunked: bool,
    /// Closes without any answer.
    pub silent: bool,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }.with("Content-Length", 0)
    }

    pub fn ok(body: &[u8]) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
            .with("Content-Length", body.len())
    }

    pub fn redirect(to: impl Into<String>) -> Self {
        Self::status(302).with("Location", to.into())
    }

    pub fn silent() -> Self {
        Self { silent: true, ..Self::default() }
    }

    /// Replies like a good server, with ranges and an `ETag`.
    pub fn file(request: &Request, bytes: &[u8], etag: &str) -> Self {
        let same = request.header("if-range").is_none_or(|asked| asked == etag);
        let reply = match request.range() {
            Some(from) if same && from < bytes.len() => {
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                let part = Self { status: 206, ..Self::ok(&bytes[from..]) };
                part.with("Content-Range", range)
            }
            Some(_) if same => Self::status(416),
            _ => Self::ok(bytes),
        };
        reply.with("ETag", etag)
    }

    /// Sets a header, replacing one of the same name.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_string()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    pub fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }

    fn send(&self, stream: &mut TcpStream, head: bool) -> std::io::Result<()> {
        if self.silent {
            return Ok(());
        }
        let mut text = format!("HTTP/1.1 {} Whatever\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if self.chunked {
            text += "Transfer-Encoding: chunked\r\n";
        }
        stream.write_all((text + "\r\n").as_bytes())?;
        if head {
            return Ok(());
        }
        let sent = &self.body[..self.cut.unwrap_or(self.body.len()).min(self.body.len())];
        let (size, pause) = self.pace.unwrap_or((1 << 20, Duration::ZERO));
        for piece in sent.chunks(size) {
            if self.chunked {
                write!(stream, "{:x}\r\n", piece.len())?;
            }
            stream.write_all(piece)?;
            if self.chunked {
                stream.write_all(b"\r\n")?;
            }
            std::thread::sleep(pause);
        }
        if self.chunked && self.cut.is_none() {
            stream.write_all(b"0\r\n\r\n")?;
        }
        std::thread::sleep(self.stall);
        Ok(())
    }
}

/// A server on its own port that runs until the test ends.
pub struct Server {
    port: u16,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server. `answer` gets each request with its number, from 0.
    pub fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), log.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, kept) = (answer.clone(), kept.clone());
                std::thread::spawn(move || {
                    let _ = serve(stream, &*answer, &kept);
                });
            }
        });
        Self { port, log }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The same server under another host name.
    pub fn other_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// Returns the requested ranges, one per request.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(Request::range).collect()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(usize, &Request) -> Reply + Send + Sync),
    log: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(String::from);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_string());
    }
    let request = Request { method, path, headers };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    answer(number, &request).send(&mut stream, request.method == "HEAD")?;
    // Closing with unread bytes would send a reset, which may overtake the reply.
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let _ = stream.read(&mut [0; 64]);
    Ok(())
}

/// Default settings, with waits of milliseconds.
pub fn quick() -> ClientConfig {
    ClientConfig {
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(4),
        stall_timeout: Duration::from_secs(10),
        retries: 3,
        proxy_from_env: false,
        ..ClientConfig::default()
    }
}

pub fn client() -> Client {
    Client::new(quick())
}

/// Pseudo-random bytes.
pub fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The files of a folder with their bytes, by relative path.
pub fn files_of(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            (name, std::fs::read(&path).unwrap())
        })
        .collect()
}
