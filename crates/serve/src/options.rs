//! How the server listens, and what it accepts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Port unless another is asked for.
pub const PORT: u16 = 8484;

/// How to serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub address: SocketAddr,
    /// What a request must carry; none on this machine alone.
    pub token: Option<String>,
    /// Names, besides `localhost` and numbers, by which clients may call the server.
    pub hosts: Vec<String>,
    /// What it accepts.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT),
            token: None,
            hosts: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// What the server accepts. More than that is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Size of a request's body, in bytes.
    pub body_bytes: usize,
    /// Photos of a request.
    pub photos: usize,
    /// Requests in work. Further ones are refused with 429.
    pub queue: usize,
    /// Bodies of all requests in work, in bytes.
    pub bodies_bytes: usize,
    /// Open connections. Further ones wait.
    pub connections: usize,
    /// Longest wait for a request's headers.
    pub headers: Duration,
    /// Longest wait for a request's body.
    pub body: Duration,
    /// Longest wait for an answer, once the body is there.
    pub answer: Duration,
    /// Longest wait for photos that are being decoded, before those that are ready are labelled.
    pub batch: Duration,
    /// Longest wait for requests in work, once the server is stopped.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 20,
            photos: 64,
            queue: 64,
            bodies_bytes: 256 << 20,
            connections: 1024,
            headers: Duration::from_secs(10),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(60),
            batch: Duration::from_millis(5),
            // The program ends by force five seconds after Ctrl-C.
            shutdown: Duration::from_secs(4),
        }
    }
}
