//! The model of a client: its metadata, its origin and its secret.

use std::collections::BTreeSet;

use chassis::clock::Timestamp;
use oidc::client::{AuthMethod, ClientMetadata, GrantType, InvalidMetadata, RegisteredClient};
use oidc::error::{ErrorCode, OAuthError};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::ClientError;
use super::id::ClientId;
use super::secrets::ClientSecret;

/// The source of a client's registration, which is also where it can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The configuration file.
    Configuration,
    /// The administration API.
    Administrator,
    /// The registration endpoint (RFC 7591).
    Registration,
}

impl Origin {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Administrator => "administrator",
            Self::Registration => "registration",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        [Self::Configuration, Self::Registration]
            .into_iter()
            .find(|origin| origin.name() == name)
            .unwrap_or(Self::Administrator)
    }
}

/// A client (RFC 6749 §2).
#[derive(Clone, Debug)]
pub struct Client {
    /// Its `client_id`.
    pub id: ClientId,
    /// Its id in events. A later client with the same `client_id` has another one.
    pub aggregate_id: Uuid,
    /// Its secrets, the newest first. A client that authenticates without a secret has none.
    pub(super) secrets: Vec<ClientSecret>,
    /// SHA-256 of its registration access token, if it registered itself (RFC 7592 §3).
    pub(super) registration_token_hash: Option<Vec<u8>>,
    /// If it registered itself and an administrator has changed it since: the addresses that administrators chose.
    pub(super) administrator_addresses: BTreeSet<String>,
    /// True if it registered itself and was never given tokens for a person.
    pub(super) is_unused: bool,
    /// The access tokens that were issued up to this time are void (SB-47). It is some seconds in the future after a change.
    pub(super) tokens_void_until: Option<Timestamp>,
    /// Its metadata.
    pub metadata: ClientMetadata,
    /// The source of its registration.
    pub origin: Origin,
    /// Rises by one with every change.
    pub version: i64,
    /// The time of its registration.
    pub created_at: Timestamp,
    /// The time of its last change.
    pub updated_at: Timestamp,
}

impl Client {
    /// True if these credentials authenticate the client, by the method that it is registered for. The
    /// comparison takes constant time (SB-28).
    pub fn accepts(&self, method: AuthMethod, secret: Option<&str>) -> bool {
        let proved = match (method, secret) {
            (AuthMethod::None, None) => self.secrets.is_empty(),
            // Each is compared, so that the time does not tell which one it was.
            (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, Some(secret)) => self
                .secrets
                .iter()
                .fold(false, |proved, known| known.is(secret) | proved),
            // An assertion is verified with the keys of the client, and a certificate by its method.
            _ => false,
        };
        proved && self.metadata.token_endpoint_auth_method == method
    }

    /// True if it registered itself and was never given tokens for a person. It is deleted after some time then.
    pub(crate) fn is_unused(&self) -> bool {
        self.is_unused
    }

    /// True if an access token of the client, issued at this time, is void because something was taken from the client since.
    pub(crate) fn has_voided(&self, issued_at: Timestamp) -> bool {
        self.tokens_void_until.is_some_and(|until| issued_at <= until)
    }

    /// `iat` of an access token that the client, as it is here, is issued at `now`: after the time up to which its tokens are void.
    /// Only a token by the client as it was before has an earlier one.
    pub(crate) fn issued_at(&self, now: Timestamp) -> i64 {
        let void_until = self.tokens_void_until.map(Timestamp::as_secs);
        match void_until.filter(|until| *until >= now.as_secs()) {
            Some(until) => until.saturating_add(1),
            None => now.as_secs(),
        }
    }

    /// Its secrets, the newest first.
    pub fn secrets(&self) -> &[ClientSecret] {
        &self.secrets
    }

    /// Checks that an interface may change the client, which has the version `expected`.
    ///
    /// # Errors
    /// [`ClientError::Configured`], [`ClientError::Changed`].
    pub(super) fn check_changeable(&self, expected: Option<i64>) -> Result<(), ClientError> {
        if self.origin == Origin::Configuration {
            return Err(ClientError::Configured);
        }
        if expected.is_some_and(|version| version != self.version) {
            return Err(ClientError::Changed);
        }
        Ok(())
    }

    /// The next version of the client.
    pub(super) fn changed_at(&self, now: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// The client as the protocol sees it.
    pub fn registered(&self) -> RegisteredClient<'_> {
        RegisteredClient {
            client_id: self.id.as_str(),
            metadata: &self.metadata,
        }
    }

    /// True if the client may use this grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.registered().may_use(grant)
    }

    /// Checks that the client may use this grant.
    ///
    /// # Errors
    /// `unauthorized_client` (RFC 6749 §5.2).
    pub fn check_grant(&self, grant: GrantType) -> Result<(), OAuthError> {
        self.check_proof_of_sector().map_err(|invalid| {
            let text = format!("the registration does not prove the sector of pairwise subjects: {invalid}");
            ErrorCode::UnauthorizedClient.because(text)
        })?;
        self.registered().check_grant(grant)
    }

    /// Checks that a client that registered itself gets the identifiers of a sector that it proved. Registration refuses others, but
    /// there may be some from before.
    ///
    /// # Errors
    /// The member by which identifiers would go elsewhere.
    pub(crate) fn check_proof_of_sector(&self) -> Result<(), InvalidMetadata> {
        match self.origin {
            Origin::Registration => self.metadata.check_proof_of_sector(),
            Origin::Administrator | Origin::Configuration => Ok(()),
        }
    }

    /// The name that people see: `client_name`, or the `client_id` without one.
    pub fn display_name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(self.id.as_str())
    }
}
