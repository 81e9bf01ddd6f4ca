//! The scope of a grant (RFC 6749 §3.3): what a client may have of what it requested.

use crate::client::{GrantType, RegisteredClient};
use crate::error::{ErrorCode, OAuthError};
use crate::scope::Scope;
use crate::server::PrivilegedScopes;

/// The scope that outlives the session (OpenID Connect Core §11).
const OFFLINE_ACCESS: &str = "offline_access";

/// Scopes that have no meaning without a user.
const USER_ONLY_SCOPES: [&str; 2] = ["openid", OFFLINE_ACCESS];

/// An active user who grants something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// True if the user administers, and so may grant privileged scopes.
    pub administrator: bool,
    /// True if the user may use the client (see [`crate::assignment::Assignment`]).
    pub assigned: bool,
}

/// The scope of a request without `scope`: all of the registered scopes that are neither privileged nor outlive the session.
/// Those are never granted unless they are requested (SB-48).
fn default_scope(registered: &Scope, privileged: PrivilegedScopes<'_>) -> Result<Scope, OAuthError> {
    let modest = |token: &&str| {
        !privileged.contains(token) && !privileged.is_of_users(token) && *token != OFFLINE_ACCESS
    };
    Ok(Scope::of(registered.iter().filter(modest))?)
}

/// The scope that a user may grant to a client. A request without scope gets the default. Unknown scopes are ignored (OpenID
/// Connect Core §3.1.2.1).
///
/// # Errors
/// `invalid_scope` when no scope is left; `access_denied` when the user is not assigned to the client.
pub fn user_scope(
    client: RegisteredClient<'_>,
    privileged: PrivilegedScopes<'_>,
    user: User,
    requested: &Scope,
) -> Result<Scope, OAuthError> {
    if !user.assigned {
        return Err(ErrorCode::AccessDenied.because("the person is not assigned to this client"));
    }
    let registered = &client.metadata.scope;
    let default = default_scope(registered, privileged)?;
    let requested = if requested.is_empty() { &default } else { requested };
    let may_refresh = client.may_use(GrantType::RefreshToken);
    let granted = requested.iter().filter(|token| {
        registered.contains(token)
            && (user.administrator || !privileged.contains(token))
            && (may_refresh || *token != OFFLINE_ACCESS)
    });
    let granted = Scope::of(granted)?;
    if granted.is_empty() && !registered.is_empty() {
        return Err(ErrorCode::InvalidScope.because("the client may have none of these scopes"));
    }
    Ok(granted)
}

/// The scope that a client may have for itself (RFC 6749 §4.4.2). It has no scope that needs a user, and no privileged scope
/// that was not requested.
///
/// # Errors
/// `invalid_scope` when the client requests more than it is registered for, or when it requests no scope and is registered for
/// privileged ones alone.
pub fn client_scope(
    client: RegisteredClient<'_>,
    privileged: PrivilegedScopes<'_>,
    requested: Option<&Scope>,
) -> Result<Scope, OAuthError> {
    let registered = &client.metadata.scope;
    let needs_user = |token: &str| USER_ONLY_SCOPES.contains(&token) || privileged.is_of_users(token);
    let impersonal = |scope: &Scope| Scope::of(scope.iter().filter(|token| !needs_user(token)));
    if let Some(requested) = requested.filter(|requested| !requested.is_empty()) {
        if !registered.covers(requested) {
            return Err(ErrorCode::InvalidScope.because("the client is not registered for these scopes"));
        }
        return Ok(impersonal(requested)?);
    }
    let granted = impersonal(&default_scope(registered, privileged)?)?;
    if granted.is_empty() && registered.iter().any(|token| privileged.contains(token)) {
        return Err(
            ErrorCode::InvalidScope.because("the parameter scope must name the scopes that are wanted")
        );
    }
    Ok(granted)
}
