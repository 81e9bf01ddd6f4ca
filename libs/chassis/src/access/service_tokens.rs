//! Service tokens: access tokens for calls to another service (client credentials grant, RFC 6749 §4.4).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::BoxFuture;
use crate::clock::{SharedClock, Timestamp};
use crate::http_client::HttpClient;
use crate::secret::{SecretString, Token};

/// A token is replaced when this much of its lifetime is left, or a quarter if that is less, so that none expires on the
/// way.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// The parameters of the client credentials grant (RFC 6749 §4.4).
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The token endpoint of `auth`.
    pub token_endpoint: Url,
    /// The service's client id.
    pub client_id: String,
    /// The service's client secret.
    pub client_secret: SecretString,
    /// The service to call, which is the token's audience (RFC 8707).
    pub resource: String,
    /// The requested scopes, separated by spaces.
    pub scope: String,
}

/// An issued token.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// The time at which it expires.
    pub expires_at: Timestamp,
}

/// No token could be issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token endpoint cannot be reached, or did not respond in time.
    #[error("the token endpoint cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The token endpoint refused, with this OAuth error code.
    #[error("the token endpoint refused: {0}")]
    Refused(String),
    /// The issuer within this process failed.
    #[error("no token could be issued")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An issuer of service tokens: over HTTP, or within `auth` itself.
pub trait TokenIssuer: Send + Sync + 'static {
    /// Issues a new token.
    fn issue(&self) -> BoxFuture<'_, Result<IssuedToken, TokenError>>;
}

/// Cached tokens for calls to one service. They are cached until shortly before they expire, and concurrent calls share
/// one request. Cheap to clone.
#[derive(Clone)]
pub struct ServiceTokens(Arc<Inner>);

struct Inner {
    issuer: Box<dyn TokenIssuer>,
    clock: SharedClock,
    current: Mutex<Option<CachedToken>>,
}

struct CachedToken {
    issued: IssuedToken,
    /// A token issued in the future was issued before the clock went back; it is replaced.
    issued_at: Timestamp,
    renew_at: Timestamp,
}

impl ServiceTokens {
    /// Tokens from the token endpoint of `auth`.
    pub fn client_credentials(credentials: ClientCredentials, http: HttpClient, clock: SharedClock) -> Self {
        let issuer = TokenEndpoint {
            credentials,
            http,
            clock: Arc::clone(&clock),
        };
        Self::issued_by(issuer, clock)
    }

    /// Tokens from `issuer`.
    pub fn issued_by(issuer: impl TokenIssuer, clock: SharedClock) -> Self {
        Self(Arc::new(Inner {
            issuer: Box::new(issuer),
            clock,
            current: Mutex::new(None),
        }))
    }

    /// A token that does not expire soon.
    ///
    /// # Errors
    /// A new token is needed and none can be issued.
    pub async fn token(&self) -> Result<Token, TokenError> {
        let mut current = self.0.current.lock().await;
        let now = self.0.clock.now();
        let is_fresh = |cached: &&CachedToken| cached.renew_at > now && cached.issued_at <= now;
        if let Some(cached) = current.as_ref().filter(is_fresh) {
            return Ok(cached.issued.token.clone());
        }
        match self.0.issuer.issue().await {
            Ok(issued) => {
                let token = issued.token.clone();
                let reserve = RENEW_BEFORE.min(issued.expires_at.since(now) / 4);
                let renew_at = issued.expires_at - reserve;
                *current = Some(CachedToken {
                    issued,
                    issued_at: now,
                    renew_at,
                });
                Ok(token)
            }
            // The old one is still valid for its last minute.
            Err(error) => match current.as_ref().filter(|cached| cached.issued.expires_at > now) {
                Some(cached) => Ok(cached.issued.token.clone()),
                None => Err(error),
            },
        }
    }

    /// Drops `refused` from the cache, after a service answered 401 to it. The next call gets a new one.
    pub async fn forget(&self, refused: &Token) {
        let mut current = self.0.current.lock().await;
        if current
            .as_ref()
            .is_some_and(|cached| cached.issued.token.expose() == refused.expose())
        {
            *current = None;
        }
    }
}

impl fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceTokens(…)")
    }
}

struct TokenEndpoint {
    credentials: ClientCredentials,
    http: HttpClient,
    clock: SharedClock,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct TokenErrorResponse {
    error: String,
}

impl TokenIssuer for TokenEndpoint {
    fn issue(&self) -> BoxFuture<'_, Result<IssuedToken, TokenError>> {
        Box::pin(async {
            let credentials = &self.credentials;
            let requested_at = self.clock.now();
            let response = self
                .http
                .post(credentials.token_endpoint.clone())
                .template("/oauth2/token")
                .basic_auth(
                    &form_encoded(&credentials.client_id),
                    &form_encoded(credentials.client_secret.expose_secret()),
                )
                .form(&[
                    ("grant_type", "client_credentials"),
                    ("scope", &credentials.scope),
                    ("resource", &credentials.resource),
                ])
                .send()
                .await
                .map_err(TokenError::Unreachable)?;
            let status = response.status();
            if !status.is_success() {
                let code = response
                    .json::<TokenErrorResponse>()
                    .await
                    .map(|refused| refused.error);
                return Err(TokenError::Refused(code.unwrap_or_else(|_| status.to_string())));
            }
            let response: TokenResponse = response.json().await.map_err(TokenError::Unreachable)?;
            Ok(IssuedToken {
                token: Token::new(response.access_token),
                expires_at: requested_at + Duration::from_secs(response.expires_in),
            })
        })
    }
}

/// Form-encodes a client id or secret, before it becomes Basic credentials (RFC 6749 §2.3.1).
fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
