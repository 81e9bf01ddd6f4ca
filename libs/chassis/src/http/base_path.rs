//! Base path: serves an application under the path of its public URL.

#[cfg(test)]
mod tests;

use axum::Router;
use axum::body::Body;
use http::uri::PathAndQuery;
use http::{Request, Uri};
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;

use super::PublicUrl;

/// The paths of metadata that precede the path of the service: of authorization servers (RFC 8414 §3.1) and of protected
/// resources (RFC 9728 §3.1).
const METADATA: [&str; 2] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
];

/// Serves `app`, whose routes begin at the root, under the path of `url` as well: with `https://example.org/idp`, `/login`
/// and `/idp/login` are the same page. So a proxy may pass the path on or strip it, and other services reach this one
/// without it. The metadata is also at `/.well-known/oauth-authorization-server/idp` (RFC 8414 §3.1) and
/// `/.well-known/oauth-protected-resource/idp` (RFC 9728 §3.1).
///
/// The configured URL decides; no request header can set the path (SB-33).
pub fn serve_under(app: Router, url: &PublicUrl) -> Router {
    match url.path() {
        "" => app,
        path => Router::new().fallback_service(BasePath {
            app,
            path: path.into(),
        }),
    }
}

#[derive(Clone)]
struct BasePath {
    app: Router,
    path: Arc<str>,
}

impl Service<Request<Body>> for BasePath {
    type Response = <Router as Service<Request<Body>>>::Response;
    type Error = Infallible;
    type Future = <Router as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <Router as Service<Request<Body>>>::poll_ready(&mut self.app, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(uri) = strip_base_path(request.uri(), &self.path) {
            *request.uri_mut() = uri;
        }
        self.app.call(request)
    }
}

/// Removes the path of the service from `uri`; `None` if `uri` is not under that path.
fn strip_base_path(uri: &Uri, path: &str) -> Option<Uri> {
    let requested = uri.path();
    let root = match requested.strip_prefix(path) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => METADATA
            .into_iter()
            .find(|metadata| requested.strip_prefix(metadata) == Some(path))?,
    };
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{root}?{query}")),
        None => PathAndQuery::try_from(root),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.ok()?);
    Uri::from_parts(parts).ok()
}
