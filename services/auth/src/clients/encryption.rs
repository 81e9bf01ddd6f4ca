//! Keys of clients that tokens are encrypted to (RFC 7516).

use std::time::Duration;

use chassis::http::Problem;
use oidc::error::{ErrorCode, OAuthError};
use oidc::jose::{ContentEncryption, KeyManagement, KeySet, Recipient};

use super::key_sets::{Freshness, KeySetError};
use super::{Client, Clients};

/// `Retry-After` while there is no key.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// There is no key to encrypt to.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RecipientError {
    /// The keys at the `jwks_uri` of the client cannot be fetched. The reason is in the log alone.
    #[error("the keys at the jwks_uri of the client cannot be read at the moment")]
    Unreachable,
    /// The client has no key for its algorithm.
    #[error("the client has no key to encrypt to with {}", .0.name())]
    NoKey(KeyManagement),
}

impl From<KeySetError> for RecipientError {
    fn from(_: KeySetError) -> Self {
        Self::Unreachable
    }
}

impl From<RecipientError> for OAuthError {
    fn from(error: RecipientError) -> Self {
        ErrorCode::TemporarilyUnavailable.because(error.to_string())
    }
}

impl From<RecipientError> for Problem {
    fn from(error: RecipientError) -> Self {
        Self::unavailable(RETRY_AFTER).detail(format!("{error}."))
    }
}

impl Clients {
    /// The key of a client that something is encrypted to with `algorithms`; `None` when it is not encrypted.
    ///
    /// # Errors
    /// [`RecipientError`].
    pub(crate) async fn recipient(
        &self,
        client: &Client,
        algorithms: Option<(KeyManagement, ContentEncryption)>,
    ) -> Result<Option<Recipient>, RecipientError> {
        let Some((alg, enc)) = algorithms else {
            return Ok(None);
        };
        let find = |keys: &KeySet| Recipient::find(keys, alg, enc);
        let sets = self.assertions.key_sets();
        let found = match &client.metadata.jwks_uri {
            None => find(&sets.of_jwks(client)),
            Some(url) => match find(&*sets.get(client, url, Freshness::Cached).await?) {
                Some(found) => Some(found),
                // The client may have a new key.
                None => find(&*sets.get(client, url, Freshness::Newest).await?),
            },
        };
        found.map(Some).ok_or(RecipientError::NoKey(alg))
    }
}
