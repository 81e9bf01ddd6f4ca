//! `/oauth2/logout`: logout request (OpenID Connect RP-Initiated Logout §2).

#[cfg(test)]
mod tests;

use crate::params::{Params, ParamsError};

/// A logout request of a client.
#[derive(Clone, Debug, Default)]
pub struct LogoutRequest {
    /// `id_token_hint`: an ID token of the session, expired or not.
    pub id_token_hint: Option<String>,
    /// `client_id`, in place of the hint or to check it.
    pub client_id: Option<String>,
    /// `post_logout_redirect_uri`: where to redirect the browser afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// `state`, returned to the client unchanged.
    pub state: Option<String>,
}

impl LogoutRequest {
    /// Parses a query or a form.
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
