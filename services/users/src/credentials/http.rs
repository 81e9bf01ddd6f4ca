//! The client of `auth`'s `/pending-credentials/{id}`.

use std::time::Duration;

use ::http::StatusCode;
use ::http::header::RETRY_AFTER;
use chassis::access::{BoxFuture, ServiceTokens};
use chassis::http_client::{Call, HttpClient};
use contract::paths::auth::PENDING_CREDENTIAL;
use contract::paths::fill;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::{CredentialError, CredentialService, NewCredential};

/// The timeout of a call: that of the queue of hashes, and some.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of a cancellation, for which a client waits that was refused.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);
/// The value of `Retry-After` when `auth` gave none, and the greatest.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// `auth` over HTTP.
pub(crate) struct HttpCredentialService {
    base: Url,
    http: HttpClient,
    tokens: ServiceTokens,
}

/// A problem that `auth` answers with (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    errors: Vec<FieldError>,
}

#[derive(Deserialize)]
struct FieldError {
    field: String,
    detail: String,
}

/// The reason why a call failed, for the log.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("there is no access token to call with")]
    Token(#[from] chassis::access::TokenError),
    #[error("it cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    #[error("it answered {0}")]
    Status(StatusCode),
}

impl HttpCredentialService {
    /// `auth` at `base`. `tokens` are those of this service.
    pub(crate) fn new(base: &Url, http: HttpClient, tokens: ServiceTokens) -> Self {
        Self {
            base: base.clone(),
            http,
            tokens,
        }
    }

    fn call(&self, method: Method, id: Uuid) -> Call {
        let mut url = self.base.clone();
        let path = fill(PENDING_CREDENTIAL, &[&id.to_string()]);
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        self.http.request(method, url).template(PENDING_CREDENTIAL)
    }

    /// Sends a call, and once more with a new token when `auth` refuses the token.
    async fn send(&self, call: impl Fn() -> Call) -> Result<Response, CallError> {
        let token = self.tokens.token().await?;
        let response = call().bearer_auth(token.expose()).send().await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        self.tokens.forget(&token).await;
        let token = self.tokens.token().await?;
        Ok(call().bearer_auth(token.expose()).send().await?)
    }

    async fn hand_over(&self, id: Uuid, new: &NewCredential<'_>) -> Result<(), CredentialError> {
        let body = json!({
            "user_id": new.user.id,
            "password": new.password.expose(),
            "user_name": new.user_name(),
            "email": new.email(),
            "name": new.name(),
        });
        let call = || self.call(Method::PUT, id).timeout(TIMEOUT).json(&body);
        let response = self.send(call).await.map_err(|error| unavailable(&error, None))?;
        match response.status() {
            StatusCode::NO_CONTENT => Ok(()),
            StatusCode::UNPROCESSABLE_ENTITY => {
                let problem = response.json::<Problem>().await;
                let errors = problem.map(|problem| problem.errors).unwrap_or_default();
                let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
                let fields = fields.join(", ");
                let refused = errors.iter().find(|error| error.field == "password");
                Err(match refused {
                    Some(error) => CredentialError::Refused(error.detail.clone()),
                    None => {
                        tracing::error!(
                            user.id = %new.user.id,
                            error.message = fields,
                            "the authentication service does not accept these fields with the password of a user"
                        );
                        CredentialError::NotAccepted
                    }
                })
            }
            status => {
                let after = retry_after(&response);
                Err(unavailable(&CallError::Status(status), after))
            }
        }
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// Logs why `auth` did not take a password. The error has nothing of the password.
fn unavailable(error: &CallError, retry_after: Option<Duration>) -> CredentialError {
    match error {
        CallError::Status(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => tracing::error!(
            error = error as &dyn std::error::Error,
            "the authentication service takes no passwords of this service: it has to be of the same release, and its setting \
             `users.client_id` has to name this service"
        ),
        _ => tracing::warn!(
            error = error as &dyn std::error::Error,
            "the authentication service did not take the password of a SCIM request: the request is refused with 503"
        ),
    }
    CredentialError::Unavailable {
        retry_after: retry_after.unwrap_or(RETRY_AFTER_DEFAULT),
    }
}

impl CredentialService for HttpCredentialService {
    fn put<'a>(&'a self, id: Uuid, new: &'a NewCredential<'a>) -> BoxFuture<'a, Result<(), CredentialError>> {
        Box::pin(self.hand_over(id, new))
    }

    fn cancel(&self, id: Uuid) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let call = || self.call(Method::DELETE, id).timeout(CANCEL_TIMEOUT);
            if let Err(error) = self.send(call).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a password whose change was refused could not be cancelled: it lapses"
                );
            }
        })
    }
}
