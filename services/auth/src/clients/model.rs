//! The model of a client: its metadata, its origin and its secret.

use chassis::clock::Timestamp;
use chassis::secret::TokenHash;
use oidc::client::{AuthMethod, ClientMetadata, GrantType, RegisteredClient};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::id::ClientId;

/// The source of a client's registration, which is also where it can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The configuration file.
    Configuration,
    /// The administration API.
    Administrator,
}

impl Origin {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Administrator => "administrator",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        if name == Self::Configuration.name() {
            Self::Configuration
        } else {
            Self::Administrator
        }
    }
}

/// A client (RFC 6749 §2).
#[derive(Clone, Debug)]
pub struct Client {
    /// Its `client_id`.
    pub id: ClientId,
    /// Its id in events. A later client with the same `client_id` has another one.
    pub aggregate_id: Uuid,
    /// SHA-256 of its secret. A public client has none.
    pub(super) secret_hash: Option<Vec<u8>>,
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
        let proved = match (&self.secret_hash, secret) {
            (None, None) => true,
            (Some(stored), Some(secret)) => TokenHash::of(secret).matches(stored),
            _ => false,
        };
        proved && self.metadata.token_endpoint_auth_method == method
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

    /// The name that people see: `client_name`, or the `client_id` without one.
    pub fn display_name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(self.id.as_str())
    }
}
