//! A service under a path of its origin.

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

/// Where the authorization server's metadata is, for an issuer without a path (RFC 8414 §3.1).
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// Serves `app`, whose routes begin at the root, under the path of `url` too: with `https://example.org/idp`, `/login` and
/// `/idp/login` are the same page. So it does not matter whether a proxy passes the path on or strips it, and other
/// services reach this one without it. Metadata is also where RFC 8414 §3.1 looks for it, at
/// `/.well-known/oauth-authorization-server/idp`.
///
/// What decides is the URL of the configuration; no header of a request is asked for a path (SB-33).
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

/// `uri` without the path of the service; nothing when it is not under that path.
fn strip_base_path(uri: &Uri, path: &str) -> Option<Uri> {
    let requested = uri.path();
    let root = match requested.strip_prefix(path) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ if requested.strip_prefix(METADATA) == Some(path) => METADATA,
        _ => return None,
    };
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{root}?{query}")),
        None => PathAndQuery::try_from(root),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.ok()?);
    Uri::from_parts(parts).ok()
}
