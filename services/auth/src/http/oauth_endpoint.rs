//! Common parts of the OAuth endpoints: form bodies, client authentication (RFC 6749 §2.3), error responses
//! (RFC 6749 §5.2).

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use oidc::client_auth::ClientAuthentication;
use oidc::error::{ErrorCode, OAuthError};
use oidc::jose::{Algorithm, SignError};
use oidc::params::Params;
use std::sync::Arc;
use std::time::Duration;

use crate::clients::{AuthenticationError, Client, Clients};
use crate::tokens::GrantError;
use chassis::client_certificate::ClientCertificate;
use chassis::db::DbError;
use chassis::http::header::content_type;
use chassis::http::{Problem, RawBody};
use chassis::telemetry::error_text;

/// `Retry-After` while a key is published and does not sign yet.
const KEY_RETRY_AFTER: Duration = Duration::from_secs(30);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// The error response of an OAuth endpoint (RFC 6749 §5.2).
pub(crate) struct OAuthErrorResponse {
    error: OAuthError,
    status: StatusCode,
    /// True if the response has `WWW-Authenticate`, because the client used the `Authorization` header.
    challenge: bool,
}

impl OAuthErrorResponse {
    /// `server_error`, with the cause in the log.
    pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        server_error(error)
    }

    /// An error with another status than that of its code.
    pub(super) fn of(status: StatusCode, error: OAuthError) -> Self {
        Self {
            status,
            ..error.into()
        }
    }
}

impl From<OAuthError> for OAuthErrorResponse {
    fn from(error: OAuthError) -> Self {
        Self {
            status: StatusCode::from_u16(error.error.status()).unwrap_or(StatusCode::BAD_REQUEST),
            error,
            challenge: false,
        }
    }
}

impl From<DbError> for OAuthErrorResponse {
    fn from(error: DbError) -> Self {
        if error.is_transient() {
            tracing::warn!(error.message = %error, "the database is not available");
            return ErrorCode::TemporarilyUnavailable
                .because("try again in a moment")
                .into();
        }
        server_error(&error)
    }
}

impl From<GrantError> for OAuthErrorResponse {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::OAuth(error) => error.into(),
            GrantError::Db(error) => error.into(),
            GrantError::Sign(SignError::NoKey(algorithm)) => no_key(algorithm).into(),
            error @ GrantError::Sign(_) => server_error(&error),
        }
    }
}

/// `temporarily_unavailable`: the key of `algorithm` was published when the client was registered, and does not sign yet.
fn no_key(algorithm: Algorithm) -> OAuthError {
    ErrorCode::TemporarilyUnavailable.because(no_key_message(algorithm))
}

fn no_key_message(algorithm: Algorithm) -> String {
    format!("the {algorithm} key is published and does not sign yet: try again in some minutes")
}

/// The problem of a response that cannot be signed.
pub(super) fn unsigned(error: &SignError) -> Problem {
    match error {
        SignError::NoKey(algorithm) => {
            Problem::unavailable(KEY_RETRY_AFTER).detail(format!("{}.", no_key_message(*algorithm)))
        }
        error => Problem::internal(error),
    }
}

/// `server_error`. The causes are logged, and the client does not see them.
pub(super) fn server_error(error: &(dyn std::error::Error + 'static)) -> OAuthErrorResponse {
    tracing::error!(error.message = error_text(error), "a request failed: {error}");
    ErrorCode::ServerError.because("something went wrong").into()
}

impl IntoResponse for OAuthErrorResponse {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self.error)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, NO_STORE);
        headers.insert(PRAGMA, NO_CACHE);
        if self.challenge {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"clients\""),
            );
        }
        if matches!(
            self.status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A JSON response with secrets, which must not be stored (RFC 6749 §5.1).
pub(super) fn no_store_json(body: &impl serde::Serialize) -> Response {
    let headers = [(CACHE_CONTROL, NO_STORE), (PRAGMA, NO_CACHE)];
    (headers, Json(body)).into_response()
}

/// The body of a form, not yet decoded.
pub(crate) struct FormBody(pub(super) String);

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = OAuthErrorResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthErrorResponse> {
        let invalid = |why: &'static str| OAuthErrorResponse::from(ErrorCode::InvalidRequest.because(why));
        if content_type(request.headers()).as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(invalid("Content-Type must be application/x-www-form-urlencoded"));
        }
        let RawBody(body) = RawBody::from_request(request, state)
            .await
            .map_err(|problem| unreadable_body(&problem))?;
        String::from_utf8(body.into())
            .map(Self)
            .map_err(|_| invalid("the form is not UTF-8"))
    }
}

fn unreadable_body(problem: &Problem) -> OAuthErrorResponse {
    let why = problem
        .detail_text()
        .unwrap_or("the body cannot be read")
        .trim_end_matches('.');
    OAuthErrorResponse {
        status: problem.status(),
        ..ErrorCode::InvalidRequest.because(why.to_owned()).into()
    }
}

/// Authenticates the client that sent a form (RFC 6749 §2.3).
pub(super) async fn authenticate_client(
    clients: &Clients,
    headers: &HeaderMap,
    form: &Params,
) -> Result<Arc<Client>, OAuthErrorResponse> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let header = match (values.next(), values.next()) {
        (header, None) => header,
        _ => {
            return Err(ErrorCode::InvalidRequest
                .because("there are two Authorization headers")
                .into());
        }
    };
    let tried = header.is_some();
    let challenge = |error: OAuthError| OAuthErrorResponse {
        challenge: tried && error.error == ErrorCode::InvalidClient,
        ..error.into()
    };
    // A header that is not text is not valid Basic either.
    let header = header.map(|value| value.to_str().unwrap_or_default());
    let credentials = ClientAuthentication::parse(header, form).map_err(challenge)?;
    clients
        .authenticate(&credentials, ClientCertificate::of(headers).as_ref())
        .await
        .map_err(|error| match error {
            AuthenticationError::Refused(error) => challenge(error),
            AuthenticationError::Db(error) => error.into(),
        })
}

/// 405 as an OAuth error response. The router adds `Allow`.
pub(crate) async fn method_not_allowed() -> OAuthErrorResponse {
    OAuthErrorResponse {
        status: StatusCode::METHOD_NOT_ALLOWED,
        ..ErrorCode::InvalidRequest
            .because("this endpoint takes POST")
            .into()
    }
}
