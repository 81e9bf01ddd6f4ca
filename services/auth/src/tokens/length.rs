//! The length of access tokens with authorization details (RFC 9396), checked when they are requested: a grant whose tokens would be too
//! long is of no use to anybody.

use oidc::authorization_details::AuthorizationDetails;
use oidc::claims::AccessTokenClaims;
use oidc::resource::Resource;
use oidc::scope::Scope;
use uuid::Uuid;

use super::{GrantError, Tokens};
use crate::clients::Client;

/// The bytes of claims that an access token may get after the request: groups and roles that the person is given meanwhile, and the key and the
/// certificate that the token is bound to.
const RESERVE: usize = 1024;

/// The length of an identifier of pairwise subjects and sessions, the longest that there are.
const IDENTIFIER_BYTES: usize = 43;

/// A request for authorization details, with all else that the length of an access token of a person depends on.
pub(crate) struct RequestedDetails<'a> {
    /// The authorization details.
    pub(crate) details: &'a AuthorizationDetails,
    /// The scope.
    pub(crate) scope: &'a Scope,
    /// All audiences of the grant. A token for fewer is shorter.
    pub(crate) audiences: &'a [Resource],
    /// The groups of the person.
    pub(crate) groups: &'a [String],
    /// The roles that the person has at the client.
    pub(crate) roles: &'a [String],
    /// The methods of their sign-in.
    pub(crate) amr: &'a [String],
}

impl Tokens {
    /// Checks that the access tokens of `client` with the requested details can be issued, with room for what is added later.
    ///
    /// # Errors
    /// `invalid_authorization_details` if they would be longer than this server reads (RFC 9396 §5).
    pub(crate) fn check_length(
        &self,
        client: &Client,
        requested: &RequestedDetails<'_>,
    ) -> Result<(), GrantError> {
        if requested.details.is_empty() {
            return Ok(());
        }
        let identifier = "x".repeat(IDENTIFIER_BYTES);
        let now = self.clock.now().as_secs();
        let longest = AccessTokenClaims {
            iss: self.issuer.url().to_owned(),
            sub: identifier.clone(),
            aud: self.audience(requested.audiences, requested.scope.contains("openid")),
            exp: now,
            iat: now,
            jti: "x".repeat(Uuid::nil().simple().to_string().len() + RESERVE),
            client_id: client.id.to_string(),
            scope: requested.scope.clone(),
            sid: Some(identifier),
            gid: Some(Uuid::nil().to_string()),
            cnf: None,
            auth_time: Some(now),
            acr: oidc::acr::of_methods(requested.amr).map(str::to_owned),
            amr: requested.amr.to_vec(),
            authorization_details: requested.details.at(requested.audiences),
            groups: self.groups_in(requested.scope, requested.groups.to_vec()),
            roles: requested.roles.to_vec(),
            act: None,
            client_chain: Vec::new(),
        };
        self.sign_access_token(client, &longest).map(drop)
    }
}
