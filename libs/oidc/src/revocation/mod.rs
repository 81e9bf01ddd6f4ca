//! `POST /oauth2/revoke`: revocation request (RFC 7009 §2.1).

#[cfg(test)]
mod tests;

use secrecy::SecretString;

use crate::error::{ErrorCode, OAuthError};
use crate::params::Params;

/// The token that a client wants to revoke.
#[derive(Clone, Debug)]
pub enum RevocationRequest {
    /// An access token (RFC 9068): its grant is revoked, if it belongs to the client.
    AccessToken(SecretString),
    /// A refresh token: its grant is revoked, if it belongs to the client.
    RefreshToken(SecretString),
}

impl RevocationRequest {
    /// Parses the form. `token_type_hint` may be wrong, so it is ignored: only an access token has full stops (RFC 7009 §2.1,
    /// RFC 7515 §3.1).
    ///
    /// # Errors
    /// `invalid_request` without a token.
    pub fn parse(form: &Params) -> Result<Self, OAuthError> {
        let token = form
            .get("token")
            .ok_or_else(|| ErrorCode::InvalidRequest.because("the parameter token is missing"))?;
        let secret = SecretString::from(token.to_owned());
        Ok(if token.contains('.') {
            Self::AccessToken(secret)
        } else {
            Self::RefreshToken(secret)
        })
    }
}
