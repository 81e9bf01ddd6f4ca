//! The refresh token grant (RFC 6749 §6): narrowing, rotation and the detection of reuse (RFC 9700 §4.14.2).

use std::time::Duration;

use super::{User, invalid_grant, narrow_audiences, remaining_audiences, user_scope};
use crate::authorization_details::AuthorizationDetails;
use crate::client::RegisteredClient;
use crate::dpop::Confirmation;
use crate::error::{ErrorCode, OAuthError};
use crate::resource::Resource;
use crate::scope::Scope;
use crate::server::PrivilegedScopes;

/// The time for which a rotated token may be presented again, as long as its successor is unused. Two tabs
/// refresh at once, or a client loses the response.
const GRACE: Duration = Duration::from_secs(30);

/// A live grant as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct StoredGrant<'a> {
    /// The client that it was given to.
    pub client_id: &'a str,
    /// The granted scope.
    pub scope: &'a str,
    /// The granted audiences.
    pub audiences: &'a [Resource],
    /// The audiences of a client that is registered for none.
    pub default_audiences: &'a [Resource],
    /// The thumbprint of the key that its refresh tokens are bound to (RFC 9449 §5).
    pub dpop_jkt: Option<&'a str>,
    /// The user who granted it; `None` when they are not active.
    pub user: Option<User>,
}

/// The parameters of a refresh request (RFC 6749 §6, RFC 8707 §2.2).
#[derive(Clone, Copy, Debug)]
pub struct RefreshRequest<'a> {
    /// `scope`: a subset of what was granted.
    pub scope: Option<&'a Scope>,
    /// The proof that the sender of the request has given.
    pub confirmation: &'a Confirmation,
    /// `resource`: a subset of the granted audiences.
    pub resources: &'a [Resource],
    /// `authorization_details`: a subset of those of the grant (RFC 9396 §6).
    pub details: Option<&'a AuthorizationDetails>,
}

/// A refresh token that was rotated before and is presented again.
#[derive(Clone, Copy, Debug)]
pub struct RotatedToken {
    /// The time since it was rotated.
    pub rotated_ago: Duration,
    /// True if its successor is the one that would be issued now, and was not used.
    pub successor_unused: bool,
}

/// The decision on a refresh token that was rotated before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReuseDecision {
    /// The client gets the same successor again.
    RepeatSuccessor,
    /// It or its successor was stolen: the grant is revoked and the client gets [`invalid_grant`].
    RevokeGrant,
}

/// The scope and the audiences of the new access token. The scope and the audiences of the grant are narrowed to
/// what the client is registered for and the user may grant now (SB-47).
///
/// # Errors
/// `invalid_grant` for another client's grant, another key, a user who is not active or not assigned to the client any more, or if the
/// client has lost all audiences of the grant; `invalid_scope` and `invalid_target` when more is
/// requested than was granted.
pub fn narrow_grant(
    grant: &StoredGrant<'_>,
    client: RegisteredClient<'_>,
    privileged: PrivilegedScopes<'_>,
    request: &RefreshRequest<'_>,
) -> Result<(Scope, Vec<Resource>), OAuthError> {
    if grant.client_id != client.client_id {
        return Err(invalid_grant());
    }
    if grant.dpop_jkt.is_some() && grant.dpop_jkt != request.confirmation.jkt.as_deref() {
        return Err(invalid_grant());
    }
    let user = grant
        .user
        .filter(|user| user.assigned)
        .ok_or_else(invalid_grant)?;
    let granted: Scope = grant.scope.parse().map_err(|_| invalid_grant())?;
    // An empty scope stays empty. Otherwise it would become the default scope of the client.
    let granted = match granted.is_empty() {
        true => granted,
        false => user_scope(client, privileged, user, &granted)?,
    };
    let scope = match request.scope {
        None => granted,
        Some(requested) if granted.covers(requested) => requested.clone(),
        Some(_) => return Err(ErrorCode::InvalidScope.because("more is asked for than was granted")),
    };
    let granted = remaining_audiences(client, grant.default_audiences, grant.audiences)?;
    let audiences = narrow_audiences(&granted, request.resources)?;
    Ok((scope, audiences))
}

/// The key that the refresh tokens of a grant are bound to from a request with a proof on (RFC 9449 §5): that of a public client's
/// proof. A confidential client's are bound to its authentication.
pub fn refresh_token_key(client: RegisteredClient<'_>, confirmation: &Confirmation) -> Option<String> {
    confirmation.jkt.clone().filter(|_| client.metadata.is_public())
}

/// True if the refresh tokens of a grant are exchanged for a successor at each use. A token that is bound to a key is worth
/// nothing to a thief and stays (SB-24, RFC 9700 §2.2.2).
pub fn rotates_refresh_tokens(grant: &StoredGrant<'_>, client: RegisteredClient<'_>) -> bool {
    grant.dpop_jkt.is_none() && client.rotates_refresh_tokens()
}

/// Decides on a refresh token that was rotated before (RFC 9700 §4.14.2).
pub fn reuse_of_rotated_token(token: RotatedToken) -> ReuseDecision {
    if token.rotated_ago <= GRACE && token.successor_unused {
        ReuseDecision::RepeatSuccessor
    } else {
        ReuseDecision::RevokeGrant
    }
}
