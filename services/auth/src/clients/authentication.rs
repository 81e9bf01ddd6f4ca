//! Client authentication (RFC 6749 §2.3, RFC 7523 §2.2): each client by the one method that it is registered for.

use std::sync::Arc;

use chassis::client_certificate::ClientCertificate;
use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use oidc::client_auth::{
    AssertionError, ClientAssertion, ClientAuthentication, ClientProof, ExpectedAssertion, VerifiedAssertion,
};
use oidc::error::{ErrorCode, OAuthError};
use secrecy::ExposeSecret;

use super::assertions;
use super::key_sets::{Freshness, KeySets};
use super::model::{Client, Origin};
use super::{AuthMethod, Clients};

/// The most assertions of one client that have not expired. A client that signs an assertion for each request, and lets it
/// expire after a minute, can make 110 requests a second.
const MAX_ASSERTIONS: i64 = 10_000;
/// The same, of a client that registered itself. There may be many of them, and each assertion costs a row.
const MAX_ASSERTIONS_OF_REGISTERED: i64 = 1_000;

/// The rules for client assertions, and what their verification needs.
#[derive(Clone)]
pub struct AssertionVerifier {
    db: Db,
    clock: SharedClock,
    audiences: Vec<String>,
    key_sets: KeySets,
}

/// A client was not authenticated.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// The proof was refused.
    #[error(transparent)]
    Refused(#[from] OAuthError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The one answer for an unknown client, a wrong secret and another method. An assertion that is wrong is answered in detail: a
/// `client_id` is no secret (RFC 6749 §2.2).
fn refused() -> AuthenticationError {
    ErrorCode::InvalidClient
        .because(
            "the client is unknown, its proof is wrong, or it is registered for another token_endpoint_auth_method",
        )
        .into()
}

impl Clients {
    /// Authenticates a client (RFC 6749 §2.3). `certificate` is that of the connection.
    ///
    /// # Errors
    /// [`AuthenticationError::Refused`] with `invalid_client`, or `temporarily_unavailable` if the keys of the client cannot be read.
    pub async fn authenticate(
        &self,
        sent: &ClientAuthentication,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Arc<Client>, AuthenticationError> {
        let client = self.find(&sent.client_id).await?.ok_or_else(refused)?;
        match &sent.proof {
            ClientProof::Assertion(assertion) => {
                if client.metadata.token_endpoint_auth_method != AuthMethod::PrivateKeyJwt {
                    return Err(refused());
                }
                self.assertions.accept(&client, assertion).await?;
            }
            ClientProof::None if client.metadata.token_endpoint_auth_method.uses_certificate() => {
                self.certificates.check(&client, certificate).await?;
            }
            proof => {
                let secret = proof.secret().map(ExposeSecret::expose_secret);
                if !client.accepts(proof.method(), secret) {
                    return Err(refused());
                }
            }
        }
        Ok(client)
    }
}

impl AssertionVerifier {
    /// A verifier that accepts `audiences`, the issuer above all.
    pub fn new(db: Db, clock: SharedClock, audiences: Vec<String>, key_sets: KeySets) -> Self {
        Self {
            db,
            clock,
            audiences,
            key_sets,
        }
    }

    /// The key sets of clients, which assertions and request objects are verified with.
    pub(super) fn key_sets(&self) -> &KeySets {
        &self.key_sets
    }

    /// Accepts an assertion once.
    async fn accept(&self, client: &Client, assertion: &ClientAssertion) -> Result<(), AuthenticationError> {
        let verified = self.verify(client, assertion).await?;
        let now = self.clock.now();
        let limit = match client.origin {
            Origin::Registration => MAX_ASSERTIONS_OF_REGISTERED,
            Origin::Configuration | Origin::Administrator => MAX_ASSERTIONS,
        };
        let mut tx = self.db.begin_shared("client_assertion").await?;
        let outcome = assertions::claim(&mut tx, client.id.as_str(), &verified, now, limit).await?;
        tx.commit().await?;
        match outcome {
            assertions::Claim::First => Ok(()),
            assertions::Claim::Repeated => {
                tracing::warn!(
                    event.action = "client-assertion-reused",
                    event.outcome = "failure",
                    client.id = client.id.as_str(),
                    "client assertion refused: it was used before"
                );
                let error = ErrorCode::InvalidClient
                    .because("client_assertion was used before: each needs a jti of its own");
                Err(error.into())
            }
            assertions::Claim::BeforeRestoration => Err(ErrorCode::InvalidClient
                .because(
                    "client_assertion may have been used before the database of this server was restored: sign a new one with iat, after half a minute",
                )
                .into()),
            assertions::Claim::TooMany => Err(ErrorCode::TemporarilyUnavailable
                .because("the client has too many assertions that have not expired: let them expire sooner")
                .into()),
        }
    }

    async fn verify(
        &self,
        client: &Client,
        assertion: &ClientAssertion,
    ) -> Result<VerifiedAssertion, OAuthError> {
        let mut audiences: Vec<&str> = self.audiences.iter().map(String::as_str).collect();
        if client.metadata.is_fapi2() {
            // FAPI 2.0 Security Profile §5.3.2.1: the issuer alone, which is the first.
            audiences.truncate(1);
        }
        let expected = ExpectedAssertion {
            client_id: client.id.as_str(),
            audiences: &audiences,
            algorithms: client.metadata.assertion_algorithms(),
            now: self.clock.now().as_secs(),
        };
        let Some(url) = &client.metadata.jwks_uri else {
            return Ok(assertion.verify(&self.key_sets.of_jwks(client), &expected)?);
        };
        let cached = self.key_sets.get(client, url, Freshness::Cached).await?;
        match assertion.verify(&cached, &expected) {
            // The client may have a new key.
            Err(AssertionError::UnknownKey) => {
                let newest = self.key_sets.get(client, url, Freshness::Newest).await?;
                Ok(assertion.verify(&newest, &expected)?)
            }
            outcome => Ok(outcome?),
        }
    }
}
