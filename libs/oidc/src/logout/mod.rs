//! The request to sign out (OpenID Connect RP-Initiated Logout §2).

#[cfg(test)]
mod tests;

use crate::params::{Params, ParamsError};

/// What an application asks for when a person leaves it.
#[derive(Clone, Debug, Default)]
pub struct LogoutRequest {
    /// An ID token of the session, expired or not.
    pub id_token_hint: Option<String>,
    /// The client, where there is no hint or to check it.
    pub client_id: Option<String>,
    /// Where to go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// For the client, returned as it came.
    pub state: Option<String>,
}

impl LogoutRequest {
    /// Reads a query or a form.
    ///
    /// # Errors
    /// [`ParamsError`].
    pub fn parse(raw: &str) -> Result<Self, ParamsError> {
        let params = Params::parse(raw, &[])?;
        let get = |name| params.get(name).map(str::to_owned);
        Ok(Self {
            id_token_hint: get("id_token_hint"),
            client_id: get("client_id"),
            post_logout_redirect_uri: get("post_logout_redirect_uri"),
            state: get("state"),
        })
    }
}
