//! Which failures are worth a retry, and how long a server asks to wait.

use std::time::Duration;

use kennel_core::hint::Access;

use crate::error::FetchError;
use crate::message::{Answer, Remote};

/// Why a request failed.
pub(crate) enum Trouble {
    /// A retry cannot help.
    Final(FetchError),
    /// No server was found. On a machine without a network this is final; on a bad connection it
    /// passes.
    NoServer { reason: String },
    /// A retry may help.
    Passing { reason: String, retry_after: Option<Duration> },
}

impl Trouble {
    pub fn passing(reason: impl Into<String>) -> Self {
        Trouble::Passing { reason: reason.into(), retry_after: None }
    }

    /// For an answer with an unexpected status.
    pub fn of_status(remote: &Remote, status: u16, retry_after: Option<Duration>) -> Self {
        if status == 408 || status == 429 || status >= 500 {
            let reason = format!("the server answers {status}{}", meaning(status));
            return Trouble::Passing { reason, retry_after };
        }
        let access = match (status, &remote.token) {
            (401, Some(_)) => Access::CheckToken,
            (403, Some(_)) => Access::AcceptConditions,
            (401 | 403, None) => Access::SetToken,
            (404 | 410, _) => Access::CheckName,
            _ => Access::CheckAddress,
        };
        Trouble::Final(FetchError::Refused {
            url: (&remote.url).into(),
            status,
            reason: meaning(status).into(),
            access,
        })
    }

    /// For a connection that failed or broke.
    pub fn of_transport(error: ureq::Error, url: &str) -> Self {
        use ureq::Error;
        let reason = match &error {
            Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl => {
                return Trouble::Final(FetchError::Redirect {
                    url: url.into(),
                    reason: format!(
                        "no address that can be asked ({error}): one begins with https:// or \
                         http://"
                    ),
                });
            }
            Error::Timeout(ureq::Timeout::PerRead) => "no byte for too long".to_string(),
            Error::HostNotFound => {
                return Trouble::NoServer { reason: "its host is not found".into() };
            }
            // Errors of the resolver have no kind of their own.
            Error::Io(error) if error.to_string().starts_with("failed to lookup address") => {
                return Trouble::NoServer { reason: "its host is not found".into() };
            }
            Error::Io(error) if is_no_server(error.kind()) => {
                return Trouble::NoServer { reason: error.to_string() };
            }
            Error::ConnectionFailed | Error::Timeout(ureq::Timeout::Connect) => {
                return Trouble::NoServer { reason: "no connection comes about".into() };
            }
            Error::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        Trouble::passing(reason)
    }
}

fn is_no_server(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable};
    matches!(kind, ConnectionRefused | HostUnreachable | NetworkUnreachable | NetworkDown)
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Final(error) => write!(f, "{error}"),
            Trouble::NoServer { reason } | Trouble::Passing { reason, .. } => f.write_str(reason),
        }
    }
}

/// Returns how long the server asks to wait, from seconds or a date in `Retry-After`.
pub(crate) fn retry_after(answer: &Answer) -> Option<Duration> {
    if !matches!(answer.status, 429 | 503) {
        return None;
    }
    wait_of(answer.header("Retry-After")?, jiff::Timestamp::now())
}

fn wait_of(value: &str, now: jiff::Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

fn meaning(status: u16) -> &'static str {
    match status {
        401 => " (not authorised)",
        403 => " (forbidden)",
        404 => " (not found)",
        410 => " (gone)",
        416 => " (no such range)",
        429 => " (too many requests)",
        500 => " (internal error)",
        502 | 504 => " (bad gateway)",
        503 => " (unavailable)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date() {
        let now: jiff::Timestamp = "2015-10-21T07:28:00Z".parse().unwrap();
        for (value, seconds) in [
            ("7", Some(7)),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)),
            ("Wed, 21 Oct 2015 07:27:30 GMT", Some(0)),
            ("soon", None),
        ] {
            assert_eq!(wait_of(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
