//! `POST /oauth2/par`: pushed authorization request endpoint (RFC 9126 §2).

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use chassis::clock::SharedClock;
use chassis::http::ClientInfo;
use contract::paths::auth::PUSHED_AUTHORIZATION_REQUEST;
use http::{HeaderMap, StatusCode};
use oidc::authorize::{PushedResponse, REPEATABLE, check_pushed, pushed_request};
use oidc::dpop::{DpopError, VerifiedProof};
use oidc::error::{ErrorCode, OAuthError};
use oidc::params::Params;

use super::dpop::Possession;
use super::oauth_endpoint::{self, FormBody, OAuthErrorResponse};
use crate::app::SharedApp;
use crate::authorization_requests::{AuthorizationRequests, MAX_REQUEST_BYTES, PushedRequest, SaveError};
use crate::clients::{Clients, GrantType};
use crate::keys::KeyRing;
use crate::tokens::Issuer;

/// The collaborators of the endpoint.
#[derive(Clone)]
pub(crate) struct PushEndpoint {
    authorization_requests: AuthorizationRequests,
    clients: Clients,
    clock: SharedClock,
    issuer: Arc<Issuer>,
    keys: KeyRing,
    possession: Possession,
}

impl FromRef<SharedApp> for PushEndpoint {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            authorization_requests: app.authorization_requests.clone(),
            clients: app.clients.clone(),
            clock: Arc::clone(&app.clock),
            issuer: Arc::clone(&app.issuer),
            keys: app.keys.clone(),
            possession: FromRef::from_ref(app),
        }
    }
}

/// `POST /oauth2/par`: pushed authorization request endpoint (RFC 9126 §2). The client authenticates as at the token
/// endpoint, and the request is checked before it is stored.
pub(crate) async fn post(
    State(endpoint): State<PushEndpoint>,
    headers: HeaderMap,
    caller: ClientInfo,
    FormBody(form): FormBody,
) -> Result<Response, OAuthErrorResponse> {
    let form = Params::parse(&form, REPEATABLE)
        .map_err(|error| OAuthErrorResponse::from(OAuthError::from(error)))?;
    let nonce = endpoint.possession.check_nonce(&headers)?;
    let client = oauth_endpoint::authenticate_client(&endpoint.clients, &headers, &form).await?;
    let hint_keys = endpoint.keys.current().hint_keys();
    let server = endpoint.issuer.server(&hint_keys);
    let now = endpoint.clock.now().as_secs();
    let request = pushed_request(&form, client.id.as_str())?;
    let opening = endpoint.clients.open_request(&client, request, server, caller.ip);
    let request = opening.await?;
    check_pushed(&request, client.registered(), server, now)?;
    client.check_grant(GrantType::AuthorizationCode)?;
    let proof = endpoint
        .possession
        .proof(&client, nonce, &headers, PUSHED_AUTHORIZATION_REQUEST)?;
    let query = bound_query(request.params(), proof.as_ref())?;
    if query.len() > MAX_REQUEST_BYTES {
        let error = ErrorCode::InvalidRequest.because("the authorization request is longer than 12 KiB");
        return Err(OAuthErrorResponse::of(StatusCode::PAYLOAD_TOO_LARGE, error));
    }
    let pushing = async {
        let pushed = endpoint.authorization_requests.push(PushedRequest {
            client_id: client.id.as_str(),
            unauthenticated: client.metadata.is_public().then_some(caller.ip),
            query: &query,
        });
        pushed.await.map_err(|error| match error {
            SaveError::Full => OAuthErrorResponse::of(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::TemporarilyUnavailable.because("too many pushed requests wait"),
            ),
            SaveError::Db(error) => error.into(),
        })
    };
    let reference = endpoint.possession.once(proof.as_ref(), pushing).await?;
    let mut response = oauth_endpoint::no_store_json(&PushedResponse::new(reference.expose()));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// The parameters of the request. A DPoP proof binds the code to its key as `dpop_jkt` does (RFC 9449 §10.1).
fn bound_query(params: &Params, proof: Option<&VerifiedProof>) -> Result<String, OAuthError> {
    match (params.get("dpop_jkt"), proof) {
        (Some(sent), Some(proof)) if sent != proof.jkt => Err(DpopError::OtherKey.into()),
        // A parameter without a value counts as absent, but must not stand beside the one that is added.
        (None, Some(proof)) => {
            let bound = params.without(&["dpop_jkt"]).with("dpop_jkt", &proof.jkt);
            Ok(bound.encoded(&[]))
        }
        _ => Ok(params.encoded(&[])),
    }
}
