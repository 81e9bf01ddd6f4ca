//! A registered client, as decisions of the protocol see it (RFC 6749 §2).

use super::{ClientMetadata, GrantType};
use crate::error::{ErrorCode, OAuthError};

/// A registered client, as far as decisions of the protocol depend on it.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredClient<'a> {
    /// `client_id`.
    pub client_id: &'a str,
    /// The metadata that it is registered with.
    pub metadata: &'a ClientMetadata,
}

impl RegisteredClient<'_> {
    /// True if the client may use this grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// Checks that the client may use this grant.
    ///
    /// # Errors
    /// `unauthorized_client` (RFC 6749 §4.1.2.1, §5.2).
    pub fn check_grant(&self, grant: GrantType) -> Result<(), OAuthError> {
        if self.may_use(grant) {
            Ok(())
        } else {
            Err(ErrorCode::UnauthorizedClient.because("the client is not registered for this grant"))
        }
    }

    /// The sector that its identifiers of people are of; `None` for public ones.
    pub fn identifier_sector(&self) -> Option<String> {
        if !self.metadata.is_pairwise() {
            return None;
        }
        // Metadata without a sector are refused. The client would be one of its own, and no host has a space.
        let own = || format!("client {}", self.client_id);
        Some(self.metadata.sector().unwrap_or_else(own))
    }

    /// True if a code needs a code challenge (RFC 7636). A public client always needs one (RFC 9700 §2.1.1).
    pub fn requires_pkce(&self) -> bool {
        self.metadata.require_pkce || self.metadata.is_public() || self.metadata.is_fapi2()
    }
}
