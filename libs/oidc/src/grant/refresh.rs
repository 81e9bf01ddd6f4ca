//! The refresh token grant (RFC 6749 §6): narrowing, rotation and the detection of reuse (RFC 9700 §4.14.2).

use std::time::Duration;

use super::{User, invalid_grant, narrow_audiences, user_scope};
use crate::client::RegisteredClient;
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
    /// The user who granted it; `None` when they are not active.
    pub user: Option<User>,
}

/// The parameters of a refresh request (RFC 6749 §6, RFC 8707 §2.2).
#[derive(Clone, Copy, Debug)]
pub struct RefreshRequest<'a> {
    /// `scope`: a subset of what was granted.
    pub scope: Option<&'a Scope>,
    /// `resource`: a subset of the granted audiences.
    pub resources: &'a [Resource],
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

/// The scope and the audiences of the new access token. The scope of the grant is narrowed to what the client is registered
/// for and the user may grant now.
///
/// # Errors
/// `invalid_grant` for another client's grant or a user who is not active; `invalid_scope` and `invalid_target` when more is
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
    let user = grant.user.ok_or_else(invalid_grant)?;
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
    let audiences = narrow_audiences(grant.audiences, request.resources)?;
    Ok((scope, audiences))
}

/// Decides on a refresh token that was rotated before (RFC 9700 §4.14.2).
pub fn reuse_of_rotated_token(token: RotatedToken) -> ReuseDecision {
    if token.rotated_ago <= GRACE && token.successor_unused {
        ReuseDecision::RepeatSuccessor
    } else {
        ReuseDecision::RevokeGrant
    }
}
