//! The model of a grant: its scope, its audiences and its errors.

use chassis::clock::Timestamp;
use chassis::db::DbError;
use oidc::error::{ErrorCode, OAuthError};
use oidc::jose::SignError;
use oidc::resource::Resource;
use oidc::scope::Scope;
use uuid::Uuid;

use super::Tokens;
use crate::clients::{Client, GrantType};
use crate::subjects::Subject;

/// Scopes that only administrators may grant to a client, and that clients have for themselves only by
/// registration.
const PRIVILEGED_SCOPES: [&str; 6] = [
    "admin",
    "users:read",
    "users:write",
    "groups:read",
    "groups:write",
    "events:read",
];

/// Scopes that have no meaning without a subject.
const SUBJECT_ONLY_SCOPES: [&str; 2] = ["openid", "offline_access"];

/// What a signed-in subject grants to a client.
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
}

/// Why no tokens are issued.
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

/// `invalid_grant` (RFC 6749 §5.2). The description is the same for every reason, so that it reveals nothing.
pub(super) fn invalid_grant() -> GrantError {
    ErrorCode::InvalidGrant
        .because("the code or token is unknown, expired, used or not for this client")
        .into()
}

/// Whether only administrators may grant `scope`.
pub(crate) fn is_privileged(scope: &str) -> bool {
    PRIVILEGED_SCOPES.contains(&scope)
}

/// The scope of a request without `scope`: all of the registered scopes that are neither privileged nor
/// outlive the session. Those are never granted unless they are requested (SB-48).
fn default_scope(registered: &Scope) -> Result<Scope, OAuthError> {
    let modest = |token: &&str| !is_privileged(token) && *token != "offline_access";
    Ok(Scope::of(registered.iter().filter(modest))?)
}

/// The scope that a subject may grant to a client. A request without scope gets the default. Unknown scopes
/// are ignored (OpenID Connect Core §3.1.2.1).
///
/// # Errors
/// `invalid_scope` when no scope is left.
pub fn subject_scope(client: &Client, subject: &Subject, asked: &Scope) -> Result<Scope, OAuthError> {
    let registered = &client.metadata.scope;
    let default = default_scope(registered)?;
    let asked = if asked.is_empty() { &default } else { asked };
    let administrator = subject.is_administrator();
    let may_refresh = client.may_use(GrantType::RefreshToken);
    let granted = asked.iter().filter(|token| {
        registered.contains(token)
            && (administrator || !is_privileged(token))
            && (may_refresh || *token != "offline_access")
    });
    let granted = Scope::of(granted)?;
    if granted.is_empty() && !registered.is_empty() {
        return Err(ErrorCode::InvalidScope.because("the client may have none of these scopes"));
    }
    Ok(granted)
}

/// The scope that a client may have for itself (RFC 6749 §4.4.2). It has no scope that needs a subject, and
/// no privileged scope that was not requested.
///
/// # Errors
/// `invalid_scope` when the client requests more than it is registered for, or when it requests no scope and
/// is registered for privileged ones alone.
pub fn client_scope(client: &Client, asked: Option<&Scope>) -> Result<Scope, OAuthError> {
    let registered = &client.metadata.scope;
    let impersonal =
        |scope: &Scope| Scope::of(scope.iter().filter(|token| !SUBJECT_ONLY_SCOPES.contains(token)));
    if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
        if !registered.covers(asked) {
            return Err(ErrorCode::InvalidScope.because("the client is not registered for these scopes"));
        }
        return Ok(impersonal(asked)?);
    }
    let granted = impersonal(&default_scope(registered)?)?;
    if granted.is_empty() && registered.iter().any(is_privileged) {
        return Err(
            ErrorCode::InvalidScope.because("the parameter scope must name the scopes that are wanted")
        );
    }
    Ok(granted)
}

impl Tokens {
    /// The audiences of a token: the requested resources, or all that the client is registered for (RFC 8707 §2).
    ///
    /// # Errors
    /// `invalid_target` for a resource that the client is not registered for.
    pub fn audiences(&self, client: &Client, asked: &[Resource]) -> Result<Vec<Resource>, OAuthError> {
        let registered = &client.metadata.audiences;
        let reachable = if registered.is_empty() {
            self.issuer.audiences()
        } else {
            registered
        };
        narrow_audiences(reachable, asked)
    }
}

/// Returns `asked` when all of it is in `reachable`, and all of `reachable` when `asked` is empty.
pub(super) fn narrow_audiences(
    reachable: &[Resource],
    asked: &[Resource],
) -> Result<Vec<Resource>, OAuthError> {
    if asked.is_empty() {
        return Ok(reachable.to_vec());
    }
    if asked.iter().all(|resource| reachable.contains(resource)) {
        Ok(asked.to_vec())
    } else {
        Err(ErrorCode::InvalidTarget.because("the client may not ask for a token for this resource"))
    }
}
