//! Who may ask: the name by which the server is called, where a page comes from, and the token.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// Name of the cookie that holds the token for the page.
const COOKIE: &str = "kennel_token";

/// Decides who may ask.
#[derive(Clone, Debug)]
pub struct Guard {
    token_sha256: Option<[u8; 32]>,
    hosts: Vec<String>,
}

impl Guard {
    /// Lets in who carries the token, if there is one, and calls the server `localhost`, by number,
    /// or by one of `hosts`.
    pub fn new(token: Option<&str>, hosts: &[String]) -> Self {
        Self {
            token_sha256: token.map(sha256),
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
        }
    }

    /// Checks the name by which the server is called, and where the page that asks comes from.
    ///
    /// A foreign page that points its own name at this server (DNS rebinding) calls it by that
    /// name; numbers and `localhost` cannot be pointed elsewhere. A foreign page that posts to this
    /// server says where it comes from (`Origin`).
    ///
    /// # Errors
    ///
    /// 421 for a foreign name, 403 for a foreign page.
    pub fn check_origin(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        let named = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
        let host = uri.authority().map(|authority| authority.as_str()).or(named);
        let host = host.unwrap_or_default().to_ascii_lowercase();
        if !self.knows(without_port(&host)) {
            let status = StatusCode::MISDIRECTED_REQUEST;
            return Err(Problem::new(status, "the server is not known by the name in `Host`"));
        }
        if matches!(*method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        let foreign = || Problem::new(StatusCode::FORBIDDEN, "the request comes from another page");
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
            let from = origin.split_once("://").map(|(_, from)| from);
            if from != Some(&*host) {
                return Err(foreign());
            }
        }
        match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => Err(foreign()),
        }
    }

    fn knows(&self, host: &str) -> bool {
        let number = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || number.parse::<IpAddr>().is_ok()
            || self.hosts.iter().any(|known| known == host)
    }

    /// Checks the token, as `Authorization: Bearer` or as the page's cookie.
    ///
    /// # Errors
    ///
    /// 401 without the right token.
    pub fn check_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(known) = self.token_sha256 else { return Ok(()) };
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        let given = bearer.or_else(|| cookie(headers));
        match given.is_some_and(|token| sha256(token) == known) {
            true => Ok(()),
            false => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "the token is missing or wrong; the server printed it when it began",
            )),
        }
    }

    /// Returns the cookie for a page that was asked for with `?token=`, if the token is right.
    pub fn cookie_for(&self, query: &str) -> Option<String> {
        let token = query.split('&').find_map(|pair| pair.strip_prefix("token="))?;
        let known = self.token_sha256?;
        let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict");
        (known == sha256(token)).then_some(cookie)
    }
}

/// Digests are compared in place of tokens: the time tells nothing about the token.
fn sha256(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = cookies.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Cuts the port off `name:port` and `[::1]:port`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn status(guard: &Guard, method: Method, pairs: &[(&'static str, &str)]) -> u16 {
        let uri = Uri::from_static("/v1/predict");
        match guard.check_origin(&method, &uri, &headers(pairs)) {
            Ok(()) => 200,
            Err(problem) => {
                serde_json::to_value(problem).unwrap()["status"].as_u64().unwrap() as u16
            }
        }
    }

    #[test]
    fn a_foreign_name_or_page_is_refused() {
        let guard = Guard::new(None, &["Dogs.example".into()]);
        let post = |pairs: &[_]| status(&guard, Method::POST, pairs);
        for host in ["localhost:8484", "127.0.0.1:8484", "[::1]:8484", "dogs.EXAMPLE", "10.0.0.7"] {
            assert_eq!(post(&[("host", host)]), 200, "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8484", "", "127.0.0.1.evil.example"] {
            assert_eq!(status(&guard, Method::GET, &[("host", host)]), 421, "{host}");
        }
        let own = ("host", "localhost:8484");
        assert_eq!(post(&[own, ("origin", "http://localhost:8484")]), 200);
        for origin in ["http://evil.example", "http://localhost:1", "null"] {
            assert_eq!(post(&[own, ("origin", origin)]), 403, "{origin}");
        }
        assert_eq!(post(&[own, ("sec-fetch-site", "cross-site")]), 403);
        assert_eq!(post(&[own, ("sec-fetch-site", "same-origin")]), 200);
        assert_eq!(status(&guard, Method::GET, &[own, ("sec-fetch-site", "cross-site")]), 200);
    }

    #[test]
    fn the_token_comes_as_a_header_or_a_cookie() {
        let guard = Guard::new(Some("secret"), &[]);
        let is_let_in = |pairs: &[_]| guard.check_token(&headers(pairs)).is_ok();
        assert!(is_let_in(&[("authorization", "Bearer secret")]));
        assert!(is_let_in(&[("cookie", "a=b; kennel_token=secret")]));
        assert!(!is_let_in(&[("cookie", "kennel_token=secre")]));
        assert!(!is_let_in(&[("authorization", "Bearer "), ("cookie", "kennel_token=secret")]));
        assert!(!is_let_in(&[]));
        assert!(Guard::new(None, &[]).check_token(&HeaderMap::new()).is_ok());
        assert!(guard.cookie_for("x=1&token=secret").unwrap().contains("HttpOnly"));
        assert_eq!(guard.cookie_for("token=wrong"), None);
    }
}
