//! Access tokens for the feed: the source's own key signs them, and the real verifier checks them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chassis::access::{FixedKeys, IssuedToken, ServiceTokens, TokenError, TokenIssuer, Verifier};
use chassis::clock::SharedClock;
use chassis::secret::Token;
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey};
use serde_json::json;
use uuid::Uuid;

const ISSUER: &str = "http://issuer.test";
/// The audience of the tokens, and the source of the events.
pub(super) const AUDIENCE: &str = "http://source.test";
/// Longer than any jump of the clock.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

struct Issuer {
    key: SigningKey,
    clock: SharedClock,
}

fn key(text: &str) -> anyhow::Result<SigningKey> {
    let der = STANDARD.decode(text).context("the key is base64")?;
    Ok(SigningKey::from_pkcs8(Algorithm::Es256, &der)?)
}

/// A new key, as the settings carry it.
///
/// # Errors
/// When none can be made.
pub fn new_key() -> anyhow::Result<String> {
    let key = SigningKey::generate(Algorithm::Es256)?;
    Ok(STANDARD.encode(&*key.to_pkcs8()?))
}

pub(super) fn verifier(text: &str, clock: SharedClock) -> anyhow::Result<Verifier> {
    let keys = KeySet::from_jwks(&JwkSet {
        keys: vec![key(text)?.public().clone()],
    });
    Ok(Verifier::new(ISSUER, AUDIENCE, FixedKeys(Arc::new(keys)), clock))
}

pub(super) fn tokens(text: &str, clock: &SharedClock) -> anyhow::Result<ServiceTokens> {
    let issuer = Issuer {
        key: key(text)?,
        clock: Arc::clone(clock),
    };
    Ok(ServiceTokens::issued_by(issuer, Arc::clone(clock)))
}

impl TokenIssuer for Issuer {
    fn issue(&self) -> Pin<Box<dyn Future<Output = Result<IssuedToken, TokenError>> + Send + '_>> {
        Box::pin(async {
            let expires_at = self.clock.now() + TOKEN_LIFETIME;
            let claims = json!({
                "iss": ISSUER, "aud": AUDIENCE, "sub": "follower", "client_id": "follower", "scope": "events:read",
                "iat": self.clock.now().as_secs(), "exp": expires_at.as_secs(), "jti": Uuid::nil(),
            });
            let token = self
                .key
                .sign("at+jwt", &claims)
                .map_err(|error| TokenError::Failed(Box::new(error)))?;
            Ok(IssuedToken {
                token: Token::new(token),
                expires_at,
            })
        })
    }
}
