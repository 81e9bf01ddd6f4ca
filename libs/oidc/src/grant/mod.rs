//! Grants at the token endpoint: their scope, their audiences, and the checks of codes and refresh tokens (RFC 6749 §4.1.3,
//! §4.4, §6, RFC 8707 §2.2).
//!
//! Every decision is over plain data that the caller read from its store. What may happen once is guarded by the store.

mod code;
mod refresh;
mod scope;

#[cfg(test)]
mod tests;

pub use code::{CodeDecision, CodeRedemption, StoredCode, redeem_code};
pub use refresh::{
    RefreshRequest, ReuseDecision, RotatedToken, StoredGrant, narrow_grant, reuse_of_rotated_token,
};
pub use scope::{User, client_scope, user_scope};

use crate::client::RegisteredClient;
use crate::error::{ErrorCode, OAuthError};
use crate::resource::Resource;

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
    let registered = &client.metadata.audiences;
    let reachable = if registered.is_empty() {
        default
    } else {
        registered
    };
    narrow_audiences(reachable, requested)
}

/// Returns `requested` when all of it is in `reachable`, and all of `reachable` when `requested` is empty (RFC 8707 §2.2).
fn narrow_audiences(reachable: &[Resource], requested: &[Resource]) -> Result<Vec<Resource>, OAuthError> {
    if requested.is_empty() {
        return Ok(reachable.to_vec());
    }
    if requested.iter().all(|resource| reachable.contains(resource)) {
        Ok(requested.to_vec())
    } else {
        Err(ErrorCode::InvalidTarget.because("the client may not ask for a token for this resource"))
    }
}
