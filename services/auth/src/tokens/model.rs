//! The model of a grant: its scope, its audiences and its errors.

use chassis::clock::Timestamp;
use chassis::db::DbError;
use contract::scopes::DELEGATED;
use oidc::dpop::Confirmation;
use oidc::error::OAuthError;
use oidc::grant::{self, GrantDetails, User};
use oidc::jose::SignError;
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::server::PrivilegedScopes;
use uuid::Uuid;

use super::Tokens;
use crate::clients::Client;
use crate::grants::JsonText;
use crate::subjects::Subject;

/// The scopes that are granted on request alone. With [`DELEGATED`], `users` decides what was delegated to the person.
pub(super) const PRIVILEGED_SCOPES: PrivilegedScopes<'static> = PrivilegedScopes {
    of_administrators: &[
        "admin",
        "users:read",
        "users:write",
        "groups:read",
        "groups:write",
        "events:read",
    ],
    of_users: &[DELEGATED],
};

/// The authorization that a signed-in subject grants to a client.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The subject.
    pub subject: Uuid,
    /// The granted scope: see [`subject_scope`].
    pub scope: Scope,
    /// The audiences of the tokens: see [`Tokens::audiences`].
    pub audiences: Vec<Resource>,
    /// The session. The grant ends with it unless it has `offline_access`.
    pub session_id: Option<Uuid>,
    /// The time of the authentication (`auth_time`).
    pub auth_time: Timestamp,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// The `nonce` of the authorization request, for the ID token.
    pub nonce: Option<String>,
    /// The details of the grant: all that it gives beside its scope.
    pub details: GrantDetails,
    /// The key that the holder of the tokens has to prove to have.
    pub confirmation: Confirmation,
}

/// The reason why no tokens are issued.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The error that the client gets.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// A token could not be signed.
    #[error("a token could not be signed")]
    Sign(#[from] SignError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// `invalid_grant` (RFC 6749 §5.2).
pub(super) fn invalid_grant() -> GrantError {
    grant::invalid_grant().into()
}

/// The details of a grant as they are stored: an ordinary grant has no row for them.
pub(super) fn stored_details(details: GrantDetails) -> Option<JsonText<GrantDetails>> {
    (!details.is_empty()).then_some(JsonText(details))
}

/// True if only administrators may grant `scope`.
pub(crate) fn is_privileged(scope: &str) -> bool {
    PRIVILEGED_SCOPES.contains(scope)
}

/// A subject as somebody who grants something, at a client that requires no assignment: see [`crate::assignments`].
pub(crate) fn user(subject: &Subject) -> User {
    User {
        administrator: subject.is_administrator(),
        assigned: true,
    }
}

/// The scope that a subject may grant to a client: see [`grant::user_scope`].
///
/// # Errors
/// `invalid_scope` when no scope is left.
pub fn subject_scope(client: &Client, subject: &Subject, asked: &Scope) -> Result<Scope, OAuthError> {
    grant::user_scope(client.registered(), PRIVILEGED_SCOPES, user(subject), asked)
}

/// The scope that a client may have for itself: see [`grant::client_scope`].
///
/// # Errors
/// `invalid_scope` when the client requests more than it is registered for, or when it requests no scope and
/// is registered for privileged ones alone.
pub fn client_scope(client: &Client, asked: Option<&Scope>) -> Result<Scope, OAuthError> {
    grant::client_scope(client.registered(), PRIVILEGED_SCOPES, asked)
}

impl Tokens {
    /// The audiences of a token: the requested resources, or all that the client is registered for (RFC 8707 §2).
    ///
    /// # Errors
    /// `invalid_target` for a resource that the client is not registered for.
    pub fn audiences(&self, client: &Client, asked: &[Resource]) -> Result<Vec<Resource>, OAuthError> {
        grant::audiences(client.registered(), self.issuer.audiences(), asked)
    }
}
