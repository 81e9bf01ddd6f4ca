//! The host of a request (RFC 9112 §3.2, RFC 9113 §8.3.1).

use ::http::header::HOST;
use ::http::uri::Authority;
use ::http::{HeaderMap, HeaderValue, Request, Version};

use super::Problem;

/// Checks that a request names one valid host. The host has no effect, because the service's URLs come from the
/// configuration. But a proxy and a service that read different hosts from one request can be played against each other.
///
/// # Errors
/// 400: an HTTP/1.1 request without `Host` or with an empty one; any request with two, or with one that is not
/// `HOST[:PORT]`; an HTTP/2 request without an authority, or with a different one in `Host`.
pub fn check_host<B>(request: &Request<B>) -> Result<(), Problem> {
    let host = one_host(request.headers())?;
    let missing = || Err(Problem::bad_request("The request does not name its host."));
    match request.version() {
        Version::HTTP_09 | Version::HTTP_10 => Ok(()),
        Version::HTTP_11 => host.map_or_else(missing, |_| Ok(())),
        _ => match (request.uri().authority(), host) {
            (None, None) => missing(),
            (Some(named), Some(host)) if *named != host => {
                Err(Problem::bad_request("The request names two hosts."))
            }
            _ => Ok(()),
        },
    }
}

fn one_host(headers: &HeaderMap) -> Result<Option<Authority>, Problem> {
    let mut values = headers.get_all(HOST).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(host), None) => parse_host(host)
            .map(Some)
            .ok_or_else(|| Problem::bad_request("The header Host is no host.")),
        _ => Err(Problem::bad_request("The header Host is there twice.")),
    }
}

fn parse_host(host: &HeaderValue) -> Option<Authority> {
    let host = host.as_bytes();
    Authority::try_from(host)
        .ok()
        .filter(|authority| !host.contains(&b'@') && !authority.host().is_empty())
}
