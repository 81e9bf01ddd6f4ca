//! Access tokens for targets: fixed ones, and those of the client credentials grant (RFC 6749 §4.4).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::secret::{ExposeSecret, Token};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Remote, RemoteError};
use crate::credentials::Credentials;

/// The greatest size of the answer of a token endpoint, in bytes.
const ANSWER_BYTES: usize = 64 * 1024;
/// The lifetime of a token whose answer does not say it.
const LIFETIME: Duration = Duration::from_secs(300);
/// The longest that a token is kept, whatever its answer says.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// A token is not used for the last part of its lifetime.
const RESERVE: Duration = Duration::from_secs(30);

/// Tokens of the client credentials grant, in memory, by target and version.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<HashMap<Uuid, CachedToken>>);

struct CachedToken {
    version: i64,
    token: Token,
    expires: Instant,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    #[serde(default)]
    expires_in: Value,
}

impl TokenCache {
    fn all(&self) -> MutexGuard<'_, HashMap<Uuid, CachedToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, (target, version): (Uuid, i64)) -> Option<Token> {
        let all = self.all();
        let cached = all.get(&target)?;
        (cached.version == version && cached.expires > Instant::now()).then(|| cached.token.clone())
    }

    fn insert(&self, (target, version): (Uuid, i64), token: &Token, lifetime: Duration) {
        let cached = CachedToken {
            version,
            token: token.clone(),
            expires: Instant::now() + lifetime.saturating_sub(RESERVE.min(lifetime / 4)),
        };
        self.all().insert(target, cached);
    }

    /// Drops a token that the target refused; `false` when it is not a cached one, and so cannot be replaced.
    pub(super) fn forget(&self, (target, _): (Uuid, i64), refused: &Token) -> bool {
        let mut all = self.all();
        let cached = all
            .get(&target)
            .is_some_and(|cached| cached.token.expose() == refused.expose());
        if cached {
            all.remove(&target);
        }
        cached
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache(…)")
    }
}

impl Remote<'_> {
    /// The token for the next call.
    pub(super) async fn token(&self) -> Result<Token, RemoteError> {
        let Credentials::ClientCredentials { .. } = &self.credentials else {
            return self.request_token().await;
        };
        if let Some(token) = self.tokens.find(self.cached_by) {
            return Ok(token);
        }
        self.request_token().await
    }

    async fn request_token(&self) -> Result<Token, RemoteError> {
        let (token_url, client_id, client_secret, scope, resource) = match &self.credentials {
            Credentials::Bearer { token } => return Ok(Token::new(token.expose_secret())),
            Credentials::ClientCredentials {
                token_url,
                client_id,
                client_secret,
                scope,
                resource,
            } => (token_url, client_id, client_secret, scope, resource),
        };
        let form = form(scope.as_deref(), resource.as_deref());
        let answer = self
            .outbound
            .send(
                Method::POST,
                token_url,
                basic(client_id, client_secret.expose_secret())?,
                form.into_bytes(),
            )
            .await?;
        let (status, headers) = (answer.status, answer.headers.clone());
        let body = answer.read(ANSWER_BYTES).await?;
        if !status.is_success() {
            let error = RemoteError::of_answer(status, &headers, &body);
            return Err(match error {
                // RFC 6749 §5.2: `invalid_client` and the like are answered with 400 or 401.
                RemoteError::Refused { status, reason } if status.is_client_error() => {
                    RemoteError::Unauthorized {
                        status: Some(status),
                        reason: format!("no token: {reason}"),
                    }
                }
                RemoteError::Refused { status, reason } => RemoteError::Unavailable {
                    status: Some(status),
                    reason: format!("no token: {reason}"),
                    retry_after: None,
                },
                other => other,
            });
        }
        let issued: TokenResponse = serde_json::from_slice(&body).map_err(|_| RemoteError::Unavailable {
            status: Some(status),
            reason: "no token: the answer of the token endpoint has none".to_owned(),
            retry_after: None,
        })?;
        let token = Token::new(issued.access_token);
        self.tokens
            .insert(self.cached_by, &token, lifetime(&issued.expires_in));
        Ok(token)
    }
}

/// The lifetime that `expires_in` says. Some token endpoints send it as a text.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::String(digits) => digits.parse().ok(),
        other => other.as_u64(),
    };
    seconds
        .map_or(LIFETIME, Duration::from_secs)
        .min(LONGEST_LIFETIME)
}

/// The body of a token request (RFC 6749 §4.4.2).
fn form(scope: Option<&str>, resource: Option<&str>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    for (name, value) in [("scope", scope), ("resource", resource)] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    form.finish()
}

/// HTTP Basic with the credentials form-encoded (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &str) -> Result<HeaderMap, RemoteError> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret)));
    let mut authorization = HeaderValue::from_str(&format!("Basic {pair}"))
        .map_err(|_| RemoteError::own("the client credentials cannot be sent in a header"))?;
    authorization.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lifetime_may_be_a_text_and_is_never_longer_than_a_day() {
        let day = Duration::from_secs(86_400);
        for (expires_in, expected) in [
            (json!(3599), Duration::from_secs(3599)),
            (json!("3599"), Duration::from_secs(3599)),
            (json!(u64::MAX), day),
            (json!("99999999999"), day),
            (json!(null), LIFETIME),
            (json!("soon"), LIFETIME),
        ] {
            assert_eq!(lifetime(&expires_in), expected, "{expires_in}");
        }
    }
}
