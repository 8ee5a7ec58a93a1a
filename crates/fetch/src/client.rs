//! HTTP requests: timeouts, retries, redirections, proxies.

use std::time::{Duration, Instant};

use kennel_core::task::Event;
use kennel_core::{Hint, Task};

use crate::address::Address;
use crate::error::{FetchError, Result};
use crate::message::{Answer, Remote};
use crate::redirect;
use crate::retry::{Trouble, retry_after};

/// Settings for requests. The default is for the open network.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// If true, no requests are made; whatever is not on this machine is an error.
    pub offline: bool,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the next byte. In the worst case, an interrupt is noticed only after this
    /// time.
    pub stall_timeout: Duration,
    /// How many times a failed request is repeated. The count starts anew with every byte of
    /// progress.
    pub retries: u32,
    /// Wait before the first retry; it doubles with each further one.
    pub first_wait: Duration,
    /// Longest wait before a retry.
    pub longest_wait: Duration,
    /// Longest wait accepted from a `Retry-After` header.
    pub longest_retry_after: Duration,
    /// How many redirections are followed.
    pub redirects: u32,
    /// Whether `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` apply.
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

/// Returns [`FetchError::Stopped`] once the caller stopped the download of `what`.
pub(crate) fn check(task: Task<'_>, what: &str) -> Result<()> {
    task.check().map_err(|source| FetchError::Stopped { what: what.into(), source })
}

/// Waits, and checks for a stop meanwhile.
pub(crate) fn pause(task: Task<'_>, wait: Duration, what: &str) -> Result<()> {
    let end = Instant::now() + wait;
    loop {
        check(task, what)?;
        match end.checked_duration_since(Instant::now()) {
            None | Some(Duration::ZERO) => return Ok(()),
            Some(left) => std::thread::sleep(left.min(Duration::from_millis(50))),
        }
    }
}

/// Retries when a server is not found before its first answer. Few: without a network, users should
/// not wait half a minute for the error.
const NO_SERVER_RETRIES: u32 = 1;

/// An HTTP client. Cheap to clone; one per program is enough.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    agent: ureq::Agent,
}

/// Which redirections are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    ToAnyHost,
    /// A redirection to another host is returned as the answer.
    OnTheSameHost,
}

impl Client {
    /// Makes a client with these settings.
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

    /// Returns the settings.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Returns an error when the client is offline.
    pub(crate) fn check_online(&self, what: &str, hint: Hint) -> Result<()> {
        match self.config.offline {
            true => Err(FetchError::Offline { what: what.into(), hint }),
            false => Ok(()),
        }
    }

    /// Makes one request, following redirections. Returns answers of any status.
    pub(crate) fn ask(
        &self,
        head: bool,
        remote: &Remote,
        headers: &[(&str, String)],
        follow: Follow,
    ) -> Result<Answer, Trouble> {
        let mut url = remote.url.clone();
        let mut on_the_way = Vec::new();
        let failed = |reason: String| {
            Trouble::Final(FetchError::Redirect { url: (&remote.url).into(), reason })
        };
        loop {
            let mut request = if head { self.agent.head(&url) } else { self.agent.get(&url) };
            // A proxy that compresses would change the meaning of a range.
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

    /// Whether a server answers at all, with any status. Makes one request.
    ///
    /// # Errors
    ///
    /// The reason why there is no answer, as text; also when the client is offline.
    pub fn reach(&self, url: &str) -> std::result::Result<(), String> {
        if self.config.offline {
            return Err("the network is off".into());
        }
        let remote = Remote { url: url.into(), token: None };
        match self.ask(true, &remote, &[], Follow::OnTheSameHost) {
            Ok(_) => Ok(()),
            Err(trouble) => Err(trouble.to_string()),
        }
    }

    /// Requests the headers only, retrying failures that may pass. Returns only answers with status
    /// 2xx or 3xx.
    pub(crate) fn head(&self, remote: &Remote, task: Task<'_>) -> Result<Answer> {
        let mut failures = 0;
        loop {
            check(task, &remote.url)?;
            let trouble = match self.ask(true, remote, &[], Follow::OnTheSameHost) {
                Ok(answer) if answer.status < 400 => return Ok(answer),
                Ok(answer) => Trouble::of_status(remote, answer.status, retry_after(&answer)),
                Err(trouble) => trouble,
            };
            self.pause_or_give_up(trouble, &mut failures, &remote.url, task)?;
        }
    }

    /// Waits before the next attempt, or returns the error when none is left.
    pub(crate) fn pause_or_give_up(
        &self,
        trouble: Trouble,
        failures: &mut u32,
        url: &str,
        task: Task<'_>,
    ) -> Result<()> {
        let (reason, asked_for, retries) = match trouble {
            Trouble::Final(error) => return Err(error),
            Trouble::NoServer { reason } => {
                (reason, None, self.config.retries.min(NO_SERVER_RETRIES))
            }
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
        task.tell(Event::Retry { reason: &reason, wait });
        pause(task, wait, url)
    }
}
