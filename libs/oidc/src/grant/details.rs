//! The details of a grant: what it gives beside its scope.

use serde::{Deserialize, Serialize};

use crate::authorization_details::{AuthorizationDetails, DetailTypes};
use crate::claims_request::GrantedClaims;
use crate::client::RegisteredClient;
use crate::error::OAuthError;
use crate::resource::Resource;

/// The details of a grant: all that it gives beside its scope, in the form in which it is stored. An ordinary grant has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantDetails {
    /// The single claims of the ID token and of userinfo (OpenID Connect Core §5.5).
    #[serde(default, skip_serializing_if = "GrantedClaims::is_empty")]
    pub claims: GrantedClaims,
    /// `authorization_details` (RFC 9396).
    #[serde(default, skip_serializing_if = "AuthorizationDetails::is_empty")]
    pub authorization_details: AuthorizationDetails,
}

impl GrantDetails {
    /// The `authorization_details` of an access token with these audiences (RFC 9396 §6, §7): those of the grant whose types
    /// the server still knows and the client is still registered for, narrowed to the requested ones.
    ///
    /// # Errors
    /// `invalid_authorization_details` for more than was granted.
    pub fn of_token(
        &self,
        (client, types): (RegisteredClient<'_>, &DetailTypes),
        requested: Option<&AuthorizationDetails>,
        audiences: &[Resource],
    ) -> Result<AuthorizationDetails, OAuthError> {
        let registered = &client.metadata.authorization_details_types;
        let granted = types.allowed(&self.authorization_details, registered);
        Ok(granted.narrowed_to(requested)?.at(audiences))
    }

    /// True if the grant gives nothing beside its scope.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.authorization_details.is_empty()
    }
}
