//! Grants at the token endpoint: their scope, their audiences, and the checks of codes and refresh tokens (RFC 6749 §4.1.3,
//! §4.4, §6, RFC 8628 §3.4, RFC 8707 §2.2).
//!
//! Every decision is over plain data that the caller read from its store. What may happen once is guarded by the store.

mod code;
mod details;
mod device;
mod refresh;
mod scope;

#[cfg(test)]
mod tests;

pub use code::{CodeDecision, CodeRedemption, StoredCode, redeem_code};
pub use details::GrantDetails;
pub use device::{DeviceAnswer, DeviceDecision, StoredDeviceCode, redeem_device_code};
pub use refresh::{
    RefreshRequest, ReuseDecision, RotatedToken, StoredGrant, narrow_grant, refresh_token_key,
    reuse_of_rotated_token, rotates_refresh_tokens,
};
pub use scope::{User, client_scope, user_scope};

use crate::client::RegisteredClient;
use crate::error::{ErrorCode, OAuthError};
use crate::resource::Resource;
use crate::scope::Scope;

/// `invalid_grant` (RFC 6749 §5.2). The description is the same for every reason, so that it reveals nothing.
pub fn invalid_grant() -> OAuthError {
    ErrorCode::InvalidGrant.because("the code or token is unknown, expired, used or not for this client")
}

/// The audiences of a token: the requested resources, or all that the client is registered for (RFC 8707 §2). A client that is
/// registered for none may have those of `default`.
///
/// # Errors
/// `invalid_target` for a resource that the client is not registered for.
pub fn audiences(
    client: RegisteredClient<'_>,
    default: &[Resource],
    requested: &[Resource],
) -> Result<Vec<Resource>, OAuthError> {
    narrow_audiences(registered_audiences(client, default), requested)
}

/// The audiences that a client is registered for, or those of `default` if it is registered for none. The first of these is this
/// server, and the only one for a client with pairwise subjects: the others know people by their ids.
pub(crate) fn registered_audiences<'a>(
    client: RegisteredClient<'a>,
    default: &'a [Resource],
) -> &'a [Resource] {
    match client.metadata.audiences.as_slice() {
        [] if client.metadata.is_pairwise() => default.get(..1).unwrap_or_default(),
        [] => default,
        registered => registered,
    }
}

/// Those of the granted audiences that the client is still registered for, as they are registered now. It may have lost some since
/// (SB-47).
///
/// # Errors
/// `invalid_grant` if none is left.
fn remaining_audiences(
    client: RegisteredClient<'_>,
    default: &[Resource],
    granted: &[Resource],
) -> Result<Vec<Resource>, OAuthError> {
    let registered = registered_audiences(client, default);
    let mut remaining: Vec<Resource> = Vec::new();
    for audience in granted.iter().filter_map(|audience| audience.find_in(registered)) {
        // The client may have been registered for both forms of one, with a slash at its end and without.
        if !remaining.contains(audience) {
            remaining.push(audience.clone());
        }
    }
    match remaining.is_empty() && !granted.is_empty() {
        true => Err(invalid_grant()),
        false => Ok(remaining),
    }
}

/// The part of a grant that is stored with a code.
#[derive(Clone, Copy)]
struct Granted<'a> {
    scope: &'a str,
    audiences: &'a [Resource],
    /// The audiences of a client that is registered for none.
    default_audiences: &'a [Resource],
}

impl Granted<'_> {
    /// The scope and the audiences of tokens for it: what the client is still registered for (SB-47), and of the audiences those
    /// that it requests.
    ///
    /// # Errors
    /// `invalid_grant` if nothing is left; `invalid_target` if more is requested.
    fn narrowed(
        self,
        client: RegisteredClient<'_>,
        requested: &[Resource],
    ) -> Result<(Scope, Vec<Resource>), OAuthError> {
        let granted: Scope = self.scope.parse().map_err(|_| invalid_grant())?;
        let scope = granted.intersection(&client.metadata.scope);
        if scope.is_empty() && !granted.is_empty() {
            return Err(invalid_grant());
        }
        let audiences = remaining_audiences(client, self.default_audiences, self.audiences)?;
        Ok((scope, narrow_audiences(&audiences, requested)?))
    }
}

/// Returns those of `reachable` that are `requested`, each once, when all of that is in `reachable`, and all of `reachable` when
/// `requested` is empty (RFC 8707 §2.2).
pub(crate) fn narrow_audiences(
    reachable: &[Resource],
    requested: &[Resource],
) -> Result<Vec<Resource>, OAuthError> {
    if requested.is_empty() {
        return Ok(reachable.to_vec());
    }
    let mut audiences = Vec::new();
    for resource in requested {
        let Some(audience) = resource.find_in(reachable) else {
            return Err(
                ErrorCode::InvalidTarget.because("the client may not ask for a token for this resource")
            );
        };
        if !audiences.contains(audience) {
            audiences.push(audience.clone());
        }
    }
    Ok(audiences)
}
