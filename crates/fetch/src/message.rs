//! What is requested, and what is answered.

use ureq::http::header::HeaderMap;

/// An address to request.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub url: String,
    /// Sent to the host of `url`, and to no other.
    pub token: Option<String>,
}

/// A response: its head and its body.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// The headers of the redirections before it, in order.
    pub on_the_way: Vec<HeaderMap>,
    pub body: ureq::Body,
}

impl Answer {
    /// Returns the value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
