//! Addresses without secrets.

use std::fmt;

/// An address without user, password and query, which may hold a signature. For errors and notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let shown = match url.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = authority.rsplit('@').next().unwrap_or_default();
                format!("{scheme}://{host}{path}")
            }
            None => url.into(),
        };
        Address(shown)
    }
}

impl From<String> for Address {
    fn from(url: String) -> Self {
        url.as_str().into()
    }
}

impl From<&String> for Address {
    fn from(url: &String) -> Self {
        url.as_str().into()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_an_address_is_not_shown() {
        for (url, shown) in [
            ("https://me:secret@host:8080/a/b?signature=x#y", "https://host:8080/a/b"),
            ("https://host", "https://host"),
            ("http://host/a@b", "http://host/a@b"),
            ("not an address", "not an address"),
        ] {
            assert_eq!(Address::from(url).to_string(), shown);
        }
    }
}
