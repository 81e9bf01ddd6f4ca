//! The request to a protected host, as a proxy describes it in headers.

#[cfg(test)]
mod tests;

use http::HeaderMap;

use crate::{Origin, PathError, RequestPath};

/// The form of a response that denies a request, which depends on what the proxy passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedStyle {
    /// The response as it is: Traefik, Caddy, Envoy.
    Whole,
    /// nginx `auth_request` passes on a 401 or a 403, and fails at a redirect. The redirect of a browser is a 401 with `Location`.
    StatusAlone,
}

/// A request to a protected host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxiedRequest {
    /// The method.
    pub method: String,
    /// The origin of the host.
    pub origin: Origin,
    /// The path and query, as the client sent them.
    pub target: String,
    /// The path.
    pub path: RequestPath,
    /// The form of a denial.
    pub denied: DeniedStyle,
}

/// The proxy does not describe a request, or describes two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A header is missing.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header is there twice, or is not text.
    #[error("the header {0} is there twice or cannot be read")]
    Unreadable(&'static str),
    /// A header names neither a host nor its scheme.
    #[error("the headers name no host")]
    Host,
    /// Two headers contradict each other: one of them may have come from the client.
    #[error("the header {0} contradicts another one")]
    Contradiction(&'static str),
    /// The path cannot be one.
    #[error(transparent)]
    Path(#[from] PathError),
}

const ORIGINAL_URL: &str = "x-original-url";
const ORIGINAL_METHOD: &str = "x-original-method";
const FORWARDED_METHOD: &str = "x-forwarded-method";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_HOST: &str = "x-forwarded-host";
const FORWARDED_URI: &str = "x-forwarded-uri";

/// The request that the headers of a proxy describe: `X-Original-URL` and `X-Original-Method` (nginx), or else `X-Forwarded-Method`,
/// `-Proto`, `-Host` and `-Uri` (Traefik, Caddy). A proxy that sets headers of one kind may pass on those of the other kind from the
/// client, so that headers of both kinds have to agree.
///
/// # Errors
/// [`RequestError`].
pub fn proxied_request(headers: &HeaderMap) -> Result<ProxiedRequest, RequestError> {
    let Some(url) = optional(headers, ORIGINAL_URL)? else {
        if headers.contains_key(ORIGINAL_METHOD) {
            return Err(RequestError::Missing(ORIGINAL_URL));
        }
        return forwarded_request(headers);
    };
    let (scheme, rest) = url.split_once("://").ok_or(RequestError::Host)?;
    let path = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(path);
    let origin = Origin::from_parts(scheme, host).map_err(|_| RequestError::Host)?;
    let method = required(headers, ORIGINAL_METHOD)?;
    let same = |name: &'static str, is_same: &dyn Fn(&str) -> bool| match optional(headers, name)? {
        Some(other) if !is_same(other) => Err(RequestError::Contradiction(name)),
        _ => Ok(()),
    };
    same(FORWARDED_METHOD, &|other| other == method)?;
    same(FORWARDED_URI, &|other| other == target)?;
    same(FORWARDED_PROTO, &|other| {
        Origin::from_parts(other, host).is_ok_and(|other| other == origin)
    })?;
    same(FORWARDED_HOST, &|other| {
        Origin::from_parts(scheme, other).is_ok_and(|other| other == origin)
    })?;
    described(method, origin, target, DeniedStyle::StatusAlone)
}

fn forwarded_request(headers: &HeaderMap) -> Result<ProxiedRequest, RequestError> {
    let method = required(headers, FORWARDED_METHOD)?;
    let proto = required(headers, FORWARDED_PROTO)?;
    let host = required(headers, FORWARDED_HOST)?;
    let target = required(headers, FORWARDED_URI)?;
    let origin = Origin::from_parts(proto, host).map_err(|_| RequestError::Host)?;
    described(method, origin, target, DeniedStyle::Whole)
}

/// The request that Envoy `ext_authz` describes: its method, path and `Host` are those of the request itself, and `target` is the path
/// without the prefix.
///
/// # Errors
/// [`RequestError`].
pub fn proxied_request_of_path(
    method: &str,
    target: &str,
    headers: &HeaderMap,
) -> Result<ProxiedRequest, RequestError> {
    let origin = host_origin(headers)?;
    described(method, origin, target, DeniedStyle::Whole)
}

/// The origin of the host that a proxy forwards a request of: `Host` with `X-Forwarded-Proto`. `X-Forwarded-Host` has to agree.
///
/// # Errors
/// [`RequestError`].
pub fn host_origin(headers: &HeaderMap) -> Result<Origin, RequestError> {
    let host = required(headers, "host")?;
    let proto = required(headers, FORWARDED_PROTO)?;
    let origin = Origin::from_parts(proto, host).map_err(|_| RequestError::Host)?;
    match optional(headers, FORWARDED_HOST)? {
        Some(other) if Origin::from_parts(proto, other) != Ok(origin.clone()) => {
            Err(RequestError::Contradiction(FORWARDED_HOST))
        }
        _ => Ok(origin),
    }
}

fn described(
    method: &str,
    origin: Origin,
    target: &str,
    denied: DeniedStyle,
) -> Result<ProxiedRequest, RequestError> {
    let path = RequestPath::parse(if target.is_empty() { "/" } else { target })?;
    Ok(ProxiedRequest {
        method: method.to_owned(),
        origin,
        target: target.to_owned(),
        path,
        denied,
    })
}

fn required<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, RequestError> {
    match optional(headers, name)? {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(RequestError::Missing(name)),
    }
}

/// The one value of a header.
fn optional<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, RequestError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => std::str::from_utf8(value.as_bytes())
            .map(Some)
            .map_err(|_| RequestError::Unreadable(name)),
        _ => Err(RequestError::Unreadable(name)),
    }
}
