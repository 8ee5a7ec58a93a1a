//! Resolves redirections, and tells whether they lead to another host.

use ureq::http::Uri;

use crate::Address;

/// Resolves `location` relative to `base`. Refuses a redirection from https to http, or to another
/// scheme.
pub(crate) fn resolve(base: &str, location: &str) -> Result<String, String> {
    let location = location.split('#').next().unwrap_or_default();
    let here: Uri = base.parse().map_err(|error| format!("{base} is no address: {error}"))?;
    let scheme = here.scheme_str().unwrap_or("http");
    let authority = here.authority().map_or("", |authority| authority.as_str());
    let path = here.path();
    let is_absolute = location.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    let next = if is_absolute {
        location.to_string()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') || location.is_empty() {
        format!("{scheme}://{authority}{path}{location}")
    } else {
        let folder = &path[..path.rfind('/').map_or(0, |at| at + 1)];
        format!("{scheme}://{authority}{folder}{location}")
    };
    let there: Uri = next
        .parse()
        .map_err(|error| format!("it redirects to {}: {error}", Address::from(&next)))?;
    let shown = Address::from(&next);
    match (scheme, there.scheme_str()) {
        ("https", Some("http")) => {
            Err(format!("it redirects from https to {shown}, which is not encrypted"))
        }
        (_, Some("http" | "https")) => Ok(next),
        _ => Err(format!("it redirects to {shown}, which is neither http nor https")),
    }
}

/// Whether both addresses have the same scheme, host and port.
pub(crate) fn same_host(a: &str, b: &str) -> bool {
    let place = |url: &str| -> Option<(String, String, u16)> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        Some((scheme, uri.host()?.to_ascii_lowercase(), port))
    };
    place(a).is_some_and(|a| place(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_seen_from_the_page_that_gives_it() {
        for (location, expected) in [
            ("https://cdn.example/x?y=1#part", "https://cdn.example/x?y=1"),
            ("//cdn.example/x", "https://cdn.example/x"),
            ("/x", "https://hub.example/x"),
            ("x", "https://hub.example/a/x"),
            ("?y=1", "https://hub.example/a/b?y=1"),
        ] {
            assert_eq!(resolve("https://hub.example/a/b?q=2", location).unwrap(), expected);
        }
        for location in
            ["http://hub.example/a/b", "https://a b/", "ftp://hub.example/x", "javascript:x"]
        {
            assert!(resolve("https://hub.example/a/b", location).is_err(), "{location}");
        }
        assert!(resolve("http://hub.example/a", "https://hub.example/a").is_ok());
    }

    #[test]
    fn another_port_or_scheme_is_another_host() {
        assert!(same_host("https://hub.example/a", "https://HUB.example:443/b"));
        for other in [
            "https://hub.example:8443/a",
            "http://hub.example/a",
            "https://hub.example.evil/a",
            "x",
        ] {
            assert!(!same_host("https://hub.example/a", other), "{other}");
        }
    }
}
