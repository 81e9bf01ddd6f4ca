//! `GET /.well-known/oauth-protected-resource`: the metadata of this service as a protected resource (RFC 9728).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chassis::access::Verifier;
use contract::scopes::{OF_CLIENTS, OF_CODES};
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use oidc::discovery::{ProtectedResourceMetadata, protected_resource_url};

/// The metadata of this service, which has `audience` and takes tokens of `issuer`. `certificates` is true if certificates of clients
/// can come: a token that is bound to one is of no use otherwise.
pub(crate) fn metadata(audience: &str, issuer: &str, certificates: bool) -> ProtectedResourceMetadata {
    let mut scopes: Vec<&str> = OF_CODES.iter().chain(OF_CLIENTS).map(|(name, _)| *name).collect();
    scopes.sort_unstable();
    scopes.dedup();
    ProtectedResourceMetadata::of(audience, issuer, "Vestibule: user service", &scopes)
        .with_certificates(certificates)
}

/// GET /.well-known/oauth-protected-resource
///
/// What a client needs to get a token for this service: where, with which scopes, and how it sends the token.
pub(crate) async fn show(State(metadata): State<Arc<ProtectedResourceMetadata>>) -> Response {
    ([(CACHE_CONTROL, "public, max-age=300")], Json(&*metadata)).into_response()
}

/// Adds `resource_metadata` to the challenge of every 401 (RFC 9728 §5.1), by which clients that know this
/// service alone find its authorization server.
pub(crate) async fn add_metadata_to_challenge(
    State(verifier): State<Verifier>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if response.status() != StatusCode::UNAUTHORIZED {
        return response;
    }
    let challenge = response
        .headers()
        .get(WWW_AUTHENTICATE)
        .and_then(|value| value.to_str().ok());
    if let Some(challenge) = challenge.filter(|challenge| challenge.contains('=')) {
        let url = protected_resource_url(verifier.audience());
        if let Ok(value) = HeaderValue::try_from(format!("{challenge}, resource_metadata=\"{url}\"")) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
    }
    response
}
