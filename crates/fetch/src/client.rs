//! How servers are asked: time limits, retries, redirections, proxies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::http::header::HeaderMap;

use crate::address::Address;
use crate::error::{FetchError, Result};
use crate::redirect;
use crate::retry::{Trouble, retry_after};

/// How servers are asked. The default is for the open network.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Ask nothing; what is not on this machine is an error.
    pub offline: bool,
    /// Who we say we are.
    pub user_agent: String,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the next byte. Also how long an interrupt may go unnoticed at worst.
    pub stall_timeout: Duration,
    /// How often a request that failed is made again. Every byte that brings a file further starts the count anew.
    pub retries: u32,
    /// The wait before the first retry; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait before a retry.
    pub longest_wait: Duration,
    /// The longest wait that a server may ask for with `Retry-After`.
    pub longest_retry_after: Duration,
    /// How many redirections are followed.
    pub redirects: u32,
    /// Whether `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` count.
    pub proxy_from_env: bool,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            offline: false,
            user_agent: concat!("kennel/", env!("CARGO_PKG_VERSION")).into(),
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            retries: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(60),
            redirects: 10,
            proxy_from_env: true,
        }
    }
}

/// What happens during a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// So many bytes are here, of how many where that is known. Also what an earlier process left counts. Goes back where a server
    /// starts over.
    Bytes {
        /// Bytes received.
        so_far: u64,
        /// Of how many.
        total: Option<u64>,
    },
    /// Something failed, and is tried again after a pause.
    Retry {
        /// What failed.
        reason: &'a str,
        /// How long the pause is.
        wait: Duration,
    },
    /// One of several files begins.
    File {
        /// Its name.
        name: &'a str,
    },
    /// Another process fetches the same; it is waited for.
    Waiting,
}

/// Who looks on, and may stop. Made for each call.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Called with what happens: often, so that it should be quick. Whoever wants the progress of several files adds them up.
    pub on_event: &'a dyn Fn(Event<'_>),
    /// Set to stop between two pieces of a body or in a pause: for Ctrl-C.
    pub stop: &'a AtomicBool,
}

impl Watch<'_> {
    /// Nobody looks on, and nobody stops.
    pub fn nobody() -> Watch<'static> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Watch { on_event: &|_| {}, stop: &NEVER }
    }

    pub(crate) fn event(&self, event: Event<'_>) {
        (self.on_event)(event);
    }

    pub(crate) fn check_stop(&self, what: &str) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(FetchError::Stopped { what: what.into() }),
            false => Ok(()),
        }
    }

    /// Waits, unless it is stopped.
    pub(crate) fn pause(&self, wait: Duration, what: &str) -> Result<()> {
        let end = Instant::now() + wait;
        loop {
            self.check_stop(what)?;
            match end.checked_duration_since(Instant::now()) {
                None | Some(Duration::ZERO) => return Ok(()),
                Some(left) => std::thread::sleep(left.min(Duration::from_millis(50))),
            }
        }
    }
}

/// How often a server that was not found is looked for again before anything came from it: who has no network should not wait half a
/// minute to read so.
const NO_SERVER_RETRIES: u32 = 1;

/// Asks servers. Cheap to clone; one for a program is enough.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    agent: ureq::Agent,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub url: String,
    /// Sent to the host of `url`, and to no other.
    pub token: Option<String>,
}

/// The head of an answer, and its body.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// The headers of the redirections before it, in their order.
    pub on_the_way: Vec<HeaderMap>,
    pub body: ureq::Body,
}

impl Answer {
    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Which redirections are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    ToAnyHost,
    /// One that leads to another host is the answer.
    OnTheSameHost,
}

impl Client {
    /// A client that asks as `config` says.
    pub fn new(config: ClientConfig) -> Self {
        let mut builder = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(&config.user_agent)
            .timeout_resolve(Some(config.connect_timeout))
            .timeout_connect(Some(config.connect_timeout))
            .timeout_per_read(Some(config.stall_timeout))
            .timeout_per_write(Some(config.stall_timeout));
        if !config.proxy_from_env {
            builder = builder.proxy(None);
        }
        Self { agent: builder.build().into(), config }
    }

    /// How it asks.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Fails where the network is off.
    pub(crate) fn check_online(&self, what: &str, hint: &str) -> Result<()> {
        match self.config.offline {
            true => Err(FetchError::Offline { what: what.into(), hint: hint.into() }),
            false => Ok(()),
        }
    }

    /// Asks once, following redirections. An answer of any status is an answer.
    pub(crate) fn ask(
        &self,
        head: bool,
        remote: &Remote,
        headers: &[(&str, String)],
        follow: Follow,
    ) -> Result<Answer, Trouble> {
        let mut url = remote.url.clone();
        let mut on_the_way = Vec::new();
        let failed =
            |reason: String| Trouble::Final(FetchError::Redirect { url: (&remote.url).into(), reason });
        loop {
            let mut request = if head { self.agent.head(&url) } else { self.agent.get(&url) };
            // A proxy that compresses would change what a range means.
            request = request.header("Accept-Encoding", "identity");
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if let Some(token) = &remote.token
                && redirect::same_host(&url, &remote.url)
            {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            let response = request.call().map_err(|error| Trouble::of_transport(error, &url))?;
            let (parts, body) = response.into_parts();
            let status = parts.status.as_u16();
            let location = parts.headers.get("Location").and_then(|value| value.to_str().ok());
            if let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, location) {
                let next = redirect::resolve(&url, location).map_err(failed)?;
                if follow == Follow::ToAnyHost || redirect::same_host(&url, &next) {
                    if on_the_way.len() as u32 >= self.config.redirects {
                        return Err(failed(format!(
                            "more than {} redirections, the last to {}",
                            self.config.redirects,
                            Address::from(&next)
                        )));
                    }
                    url = next;
                    on_the_way.push(parts.headers);
                    continue;
                }
            }
            return Ok(Answer { status, headers: parts.headers, on_the_way, body });
        }
    }

    /// Whether a server answers, whatever it says: asked once.
    ///
    /// # Errors
    ///
    /// Why there is no answer, in words; also when the network is off.
    pub fn reach(&self, url: &str) -> std::result::Result<(), String> {
        self.check_online(url, "").map_err(|_| "the network is off".to_string())?;
        let remote = Remote { url: url.into(), token: None };
        match self.ask(true, &remote, &[], Follow::OnTheSameHost) {
            Ok(_) => Ok(()),
            Err(trouble) => Err(trouble.to_string()),
        }
    }

    /// Asks for the head alone, and again where that may help. Only an answer of 2xx or 3xx is returned.
    pub(crate) fn head(&self, remote: &Remote, watch: Watch<'_>) -> Result<Answer> {
        let mut failures = 0;
        loop {
            watch.check_stop(&remote.url)?;
            let trouble = match self.ask(true, remote, &[], Follow::OnTheSameHost) {
                Ok(answer) if answer.status < 400 => return Ok(answer),
                Ok(answer) => Trouble::of_status(remote, answer.status, retry_after(&answer)),
                Err(trouble) => trouble,
            };
            self.pause_or_give_up(trouble, &mut failures, &remote.url, watch)?;
        }
    }

    /// Waits before the next try, or returns the error when there is none.
    pub(crate) fn pause_or_give_up(
        &self,
        trouble: Trouble,
        failures: &mut u32,
        url: &str,
        watch: Watch<'_>,
    ) -> Result<()> {
        let (reason, asked_for, retries) = match trouble {
            Trouble::Final(error) => return Err(error),
            Trouble::NoServer { reason } => (reason, None, self.config.retries.min(NO_SERVER_RETRIES)),
            Trouble::Passing { reason, retry_after } => (reason, retry_after, self.config.retries),
        };
        *failures += 1;
        if *failures > retries {
            return Err(FetchError::Unreachable { url: url.into(), reason, tries: *failures });
        }
        let doubled = self.config.first_wait.saturating_mul(1 << (*failures - 1).min(20));
        let wait = match asked_for {
            Some(asked_for) => asked_for.min(self.config.longest_retry_after),
            None => doubled.min(self.config.longest_wait),
        };
        watch.event(Event::Retry { reason: &reason, wait });
        watch.pause(wait, url)
    }
}
