//! Offline verification of access tokens (RFC 9068 §4).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use oidc::claims::AccessTokenClaims;
use oidc::jose::{self, Algorithm, KeySet, Validation, VerifyError};

use super::cache::Cache;
use super::{AccessToken, BoxFuture, Dpop};
use crate::clock::{SharedClock, Timestamp};
use crate::secret::TokenHash;

/// The tolerated clock skew, in seconds.
const LEEWAY: i64 = 30;
/// The number of verified tokens in the cache.
const CACHED_TOKENS: usize = 16_384;
const ALGORITHMS: &[Algorithm] = &[Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];

/// A source of the keys that sign access tokens: over HTTP ([`super::RemoteKeys`]), or the issuer itself.
pub trait KeySource: Send + Sync + 'static {
    /// The current keys and their generation: a token that was verified with another generation is verified again.
    fn keys(&self) -> (Arc<KeySet>, u64);

    /// The JWT in a token that only the issuer can read; every other token as it is. A resource server has to introspect such tokens.
    fn open<'a>(&self, token: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(token)
    }

    /// Fetches newer keys, unless that was just tried. Called when no current key matches.
    ///
    /// # Errors
    /// There are no keys yet.
    fn refresh(&self) -> BoxFuture<'_, Result<(), KeysUnavailable>>;
}

/// The signing keys have never been fetched, so no token can be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing keys of the issuer are not known yet")]
pub struct KeysUnavailable;

/// Keys that never change, for tests.
#[derive(Clone, Debug)]
pub struct FixedKeys(pub Arc<KeySet>);

impl KeySource for FixedKeys {
    fn keys(&self) -> (Arc<KeySet>, u64) {
        (Arc::clone(&self.0), 0)
    }

    fn refresh(&self) -> BoxFuture<'_, Result<(), KeysUnavailable>> {
        Box::pin(async { Ok(()) })
    }
}

/// A token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The token is malformed, forged, expired or for another audience.
    #[error(transparent)]
    Invalid(#[from] VerifyError),
    /// The token cannot be verified yet.
    #[error(transparent)]
    Unavailable(#[from] KeysUnavailable),
}

/// A verifier of access tokens of one issuer for one audience. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    issuer: String,
    audience: String,
    keys: Box<dyn KeySource>,
    clock: SharedClock,
    cache: Cache,
    dpop: Dpop,
}

impl Verifier {
    /// A verifier of tokens from `issuer` for `audience`, which are compared exactly. Tokens that are bound by DPoP are refused.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: impl KeySource,
        clock: SharedClock,
    ) -> Self {
        Self::with_dpop(issuer, audience, keys, clock, &[])
    }

    /// A verifier that accepts tokens that are bound by DPoP, too. The nonces are derived from `secrets`: see [`Dpop::new`].
    pub fn with_dpop(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: impl KeySource,
        clock: SharedClock,
        secrets: &[[u8; 32]],
    ) -> Self {
        Self(Arc::new(Inner {
            issuer: issuer.into(),
            audience: audience.into(),
            keys: Box::new(keys),
            dpop: Dpop::new(secrets, Arc::clone(&clock)),
            clock,
            cache: Cache::new(CACHED_TOKENS),
        }))
    }

    /// The DPoP proofs of the requests to this service.
    pub fn dpop(&self) -> &Dpop {
        &self.0.dpop
    }

    /// The issuer of the tokens.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The audience of the tokens: the public URL of the service.
    pub fn audience(&self) -> &str {
        &self.0.audience
    }

    /// Verifies `token` and returns its claims: type `at+jwt`, algorithm from a list, signature, issuer, audience, time. A
    /// token that was verified before costs a hash and a look-up.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] with the first failed check; [`AccessError::Unavailable`] without any keys.
    pub async fn verify(&self, token: &str) -> Result<Arc<AccessToken>, AccessError> {
        let now = self.0.clock.now();
        let hash = TokenHash::of(token);
        let (keys, generation) = self.0.keys.keys();
        if let Some(known) = self.0.cache.get(&hash, now, generation) {
            return Ok(known);
        }
        let (claims, generation) = match self.check(token, &keys, now) {
            Err(VerifyError::UnknownKey) => {
                self.0.keys.refresh().await?;
                let (keys, generation) = self.0.keys.keys();
                (self.check(token, &keys, now)?, generation)
            }
            other => (other?, generation),
        };
        let token = Arc::new(AccessToken::from(claims));
        let until = token.expires_at + Duration::from_secs(LEEWAY.unsigned_abs());
        self.0.cache.put(hash, Arc::clone(&token), until, generation);
        Ok(token)
    }

    fn check(&self, token: &str, keys: &KeySet, now: Timestamp) -> Result<AccessTokenClaims, VerifyError> {
        let expect = Validation {
            typ: jose::TYP_ACCESS_TOKEN,
            algorithms: ALGORITHMS,
            issuer: &self.0.issuer,
            audience: Some(&self.0.audience),
            now: now.as_secs(),
            leeway: LEEWAY,
            accept_expired: false,
        };
        let token = self.0.keys.open(token);
        jose::verify::<AccessTokenClaims>(&token, keys, &expect).map(|verified| verified.claims)
    }

    #[cfg(test)]
    pub(super) fn cached(&self) -> usize {
        self.0.cache.len()
    }
}
