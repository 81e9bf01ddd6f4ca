//! `/oauth2/register`: dynamic client registration (RFC 7591 §3) and its management (RFC 7592 §2).

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::http::header::content_type;
use chassis::http::{ClientInfo, Path, Problem, PublicUrl, RawBody};
use contract::paths::auth::CLIENT_CONFIGURATION;
use contract::paths::fill;
use http::header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use oidc::error::{ErrorCode, OAuthError};
use oidc::registration::{RegistrationRequest, registered_members};
use serde_json::{Value, json};

use super::oauth_endpoint::{OAuthErrorResponse, server_error};
use crate::clients::{ClientError, ClientRegistration, RegisterClientError, RegisteredClient};
use crate::keys::KeyError;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// `POST /oauth2/register`: registers a client (RFC 7591 §3.1).
pub(crate) async fn post(
    State(registration): State<ClientRegistration>,
    State(issuer): State<PublicUrl>,
    client: ClientInfo,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Refused> {
    let request = parse(&headers, &body)?;
    let token = bearer(&headers);
    let registered = registration.register(&request, token, client.ip).await?;
    tracing::info!(
        event.action = "client-registered",
        event.outcome = "success",
        client.id = registered.client.id.as_str(),
        client.ip = client.ip.map(|ip| ip.to_string()),
        initial_token.id = registered.initial_token.map(|id| id.to_string()),
        software_statement.issuer = request.statement_issuer(),
        "a client registered itself"
    );
    Ok(describe(StatusCode::CREATED, &registered, &issuer))
}

/// `GET /oauth2/register/{client_id}`: the registration of a client (RFC 7592 §2.1).
pub(crate) async fn get(
    State(registration): State<ClientRegistration>,
    State(issuer): State<PublicUrl>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let registered = registration.authorize(&id, bearer(&headers)).await?;
    Ok(describe(StatusCode::OK, &registered, &issuer))
}

/// `PUT /oauth2/register/{client_id}`: replaces the metadata of a client (RFC 7592 §2.2).
pub(crate) async fn put(
    State(registration): State<ClientRegistration>,
    State(issuer): State<PublicUrl>,
    Path(id): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Refused> {
    let registered = registration.authorize(&id, bearer(&headers)).await?;
    let request = parse(&headers, &body)?;
    let updated = registration.update(registered, &request).await?;
    tracing::info!(
        event.action = "client-updated",
        event.outcome = "success",
        client.id = id,
        software_statement.issuer = request.statement_issuer(),
        "a client changed its registration"
    );
    Ok(describe(StatusCode::OK, &updated, &issuer))
}

/// `DELETE /oauth2/register/{client_id}`: deletes a client and revokes its grants (RFC 7592 §2.3).
pub(crate) async fn delete(
    State(registration): State<ClientRegistration>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    let registered = registration.authorize(&id, bearer(&headers)).await?;
    registration.delete(&registered).await?;
    tracing::info!(
        event.action = "client-deleted",
        event.outcome = "success",
        client.id = id,
        "a client deleted its registration"
    );
    Ok(StatusCode::NO_CONTENT)
}

/// The token of the one `Authorization` header (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn parse(headers: &HeaderMap, body: &[u8]) -> Result<RegistrationRequest, Refused> {
    if content_type(headers).as_deref() != Some("application/json") {
        return Err(ErrorCode::InvalidClientMetadata
            .because("Content-Type must be application/json")
            .into());
    }
    Ok(RegistrationRequest::parse(body)?)
}

/// The registration as the client sees it (RFC 7591 §3.2.1, RFC 7592 §3).
fn describe(status: StatusCode, registered: &RegisteredClient, issuer: &PublicUrl) -> Response {
    let client = &registered.client;
    let mut members = match registered_members(&client.metadata) {
        Ok(members) => members,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let mut insert = |name: &str, value: Value| members.insert(name.to_owned(), value);
    insert("client_id", json!(client.id.as_str()));
    insert("client_id_issued_at", json!(client.created_at.as_secs()));
    if let Some(statement) = &registered.statement {
        insert("software_statement", json!(statement));
    }
    if let Some(secret) = &registered.secret {
        insert("client_secret", json!(secret.expose()));
        insert("client_secret_expires_at", json!(0));
    }
    insert(
        "registration_access_token",
        json!(registered.registration_token.expose()),
    );
    let path = fill(CLIENT_CONFIGURATION, &[client.id.as_str()]);
    insert("registration_client_uri", json!(issuer.full(&path)));
    let headers = [
        (CACHE_CONTROL, NO_STORE),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, Json(members)).into_response()
}

/// The error response (RFC 7591 §3.2.2, RFC 7592 §2, RFC 6750 §3).
pub(crate) struct Refused(RegisterClientError);

impl From<RegisterClientError> for Refused {
    fn from(error: RegisterClientError) -> Self {
        Self(error)
    }
}

impl From<OAuthError> for Refused {
    fn from(error: OAuthError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self.0 {
            RegisterClientError::Off => Problem::not_found().into_response(),
            RegisterClientError::MissingToken => unauthorized(missing_token(), "Bearer"),
            RegisterClientError::TooMany { retry_after } => too_many(Some(retry_after)),
            RegisterClientError::Full => too_many(None),
            RegisterClientError::Refused(error) if error.error == ErrorCode::InvalidToken => {
                unauthorized(error, r#"Bearer error="invalid_token""#)
            }
            RegisterClientError::Refused(error) => OAuthErrorResponse::from(error).into_response(),
            RegisterClientError::Client(error) => of_client_error(error).into_response(),
        }
    }
}

fn of_client_error(error: ClientError) -> OAuthErrorResponse {
    match error {
        ClientError::Invalid(invalid) => OAuthError::from(invalid).into(),
        ClientError::Db(error) | ClientError::Key(KeyError::Db(error)) => error.into(),
        ClientError::Changed => ErrorCode::TemporarilyUnavailable
            .because("the client was changed at the same moment")
            .into(),
        error @ (ClientError::Key(_)
        | ClientError::Taken
        | ClientError::Configured
        | ClientError::NoSecrets
        | ClientError::TooManySecrets
        | ClientError::LastSecret) => server_error(&error),
    }
}

fn missing_token() -> OAuthError {
    ErrorCode::InvalidToken.because("an access token is needed, in the Authorization header")
}

/// 401 with a challenge. That of a request without a token names no error (RFC 6750 §3.1).
fn unauthorized(error: OAuthError, challenge: &'static str) -> Response {
    let mut response = OAuthErrorResponse::from(error).into_response();
    let challenge = HeaderValue::from_static(challenge);
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// 429 with the error of RFC 6749 §4.1.2.1, because RFC 7591 has none for it. It has `Retry-After` if time helps.
fn too_many(retry_after: Option<Duration>) -> Response {
    let error = ErrorCode::TemporarilyUnavailable.because(match retry_after {
        Some(_) => "too many registrations or changes: try again later",
        None => {
            "as many clients have registered as there may be: ask the operator for an initial access token"
        }
    });
    let headers = [(CACHE_CONTROL, NO_STORE)];
    let mut response = (StatusCode::TOO_MANY_REQUESTS, headers, Json(error)).into_response();
    if let Some(retry_after) = retry_after {
        let seconds = HeaderValue::from(retry_after.as_secs());
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
