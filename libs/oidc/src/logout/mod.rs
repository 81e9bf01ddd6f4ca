//! `/oauth2/logout`: logout request and decision (OpenID Connect RP-Initiated Logout §2, §3), and what other clients hear of
//! the end of a session (Back-Channel Logout, Front-Channel Logout).
//!
//! The caller parses the request, verifies its hint ([`LogoutRequest::verify_hint`]), reads the client that it names, checks
//! the destination ([`HintedLogout::check`]), reads the browser's session, and decides ([`CheckedLogout::decide`]).

#[cfg(test)]
mod tests;
mod token;

use url::form_urlencoded;

use crate::client::RegisteredClient;
use crate::id_token_hint::IdTokenHint;
use crate::params::{Params, ParamsError};
use crate::redirect_uri::RedirectUri;
use crate::server::AuthorizationServer;

pub use token::{LogoutEvents, LogoutTokenClaims, front_channel_url, logout_request_body};

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

/// The reason why a logout request fails. The user sees a page, and nothing is redirected (OpenID Connect
/// RP-Initiated Logout §4). The text has nothing of what was sent, not even the name of a parameter, because
/// an attacker may have written it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogoutError {
    /// A parameter is repeated.
    #[error("A parameter of the request is there more than once")]
    Duplicate,
    /// The parameters cannot be decoded.
    #[error(transparent)]
    Params(ParamsError),
    /// `id_token_hint` is not an ID token of this server.
    #[error("The request brings an ID token that is not one of ours")]
    Hint,
    /// `id_token_hint` is for another client than `client_id`.
    #[error("The request brings an ID token of another application")]
    HintOfAnotherClient,
    /// `post_logout_redirect_uri` is not registered for the client.
    #[error("The application asked to go on to an address that is not registered for it")]
    RedirectUri,
    /// `post_logout_redirect_uri` comes with a client that is not registered.
    #[error("The application that asked to go on to another address is not known here")]
    UnknownClient,
    /// `post_logout_redirect_uri` comes without a client.
    #[error(
        "The request asks to go on to another address and does not say which application it comes from. \
         The application has to send its client_id or an ID token along"
    )]
    NoClient,
}

/// A logout request whose hint is verified.
#[derive(Clone, Debug)]
pub struct HintedLogout<'r> {
    request: &'r LogoutRequest,
    client_id: Option<String>,
    session_id: Option<String>,
}

/// A logout request whose client and destination are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedLogout {
    destination: Option<String>,
    session_id: Option<String>,
}

/// The decision on a logout request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The browser has no session. It goes on to the destination.
    SignedOut,
    /// The user has to confirm first.
    Confirm,
    /// The session ends, and the browser goes on to the destination.
    EndSession,
}

impl LogoutRequest {
    /// Parses a query or a form.
    ///
    /// # Errors
    /// [`LogoutError`].
    pub fn parse(raw: &str) -> Result<Self, LogoutError> {
        let params = Params::parse(raw, &[])?;
        let get = |name| params.get(name).map(str::to_owned);
        Ok(Self {
            id_token_hint: get("id_token_hint"),
            client_id: get("client_id"),
            post_logout_redirect_uri: get("post_logout_redirect_uri"),
            state: get("state"),
        })
    }

    /// The parameters that were sent, by name.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("id_token_hint", &self.id_token_hint),
            ("client_id", &self.client_id),
            ("post_logout_redirect_uri", &self.post_logout_redirect_uri),
            ("state", &self.state),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// Verifies the `id_token_hint` and finds the client that the request names. `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`LogoutError::Hint`], [`LogoutError::HintOfAnotherClient`].
    pub fn verify_hint(
        &self,
        server: AuthorizationServer<'_>,
        now: i64,
    ) -> Result<HintedLogout<'_>, LogoutError> {
        let hint = self
            .id_token_hint
            .as_deref()
            .map(|token| IdTokenHint::verify(token, server, now));
        let (hinted, session_id) = match hint {
            None => (None, None),
            Some(IdTokenHint::Verified(claims)) => (Some(claims.aud), claims.sid),
            Some(IdTokenHint::UnknownKey { client_id }) => (Some(client_id), None),
            Some(IdTokenHint::Invalid) => return Err(LogoutError::Hint),
        };
        if let (Some(hinted), Some(named)) = (&hinted, &self.client_id)
            && hinted != named
        {
            return Err(LogoutError::HintOfAnotherClient);
        }
        Ok(HintedLogout {
            request: self,
            client_id: hinted.or_else(|| self.client_id.clone()),
            session_id,
        })
    }
}

impl HintedLogout<'_> {
    /// The client that the request names, by its hint or its `client_id`.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Checks `post_logout_redirect_uri` against the client that the request names. The comparison is exact: not even the port
    /// of a loopback address is free (OpenID Connect RP-Initiated Logout §3).
    ///
    /// # Errors
    /// [`LogoutError::RedirectUri`], [`LogoutError::UnknownClient`], [`LogoutError::NoClient`].
    pub fn check(self, client: Option<RegisteredClient<'_>>) -> Result<CheckedLogout, LogoutError> {
        let destination = match (&self.request.post_logout_redirect_uri, client) {
            (None, _) => None,
            (Some(uri), Some(client)) => {
                let registered = &client.metadata.post_logout_redirect_uris;
                if !registered.iter().any(|known| known.as_str() == uri) {
                    return Err(LogoutError::RedirectUri);
                }
                Some(with_state(uri, self.request.state.as_deref()))
            }
            (Some(_), None) if self.client_id.is_some() => return Err(LogoutError::UnknownClient),
            (Some(_), None) => return Err(LogoutError::NoClient),
        };
        Ok(CheckedLogout {
            destination,
            session_id: self.session_id,
        })
    }
}

impl CheckedLogout {
    /// The `post_logout_redirect_uri` with `state`, if there is one.
    pub fn destination(&self) -> Option<&str> {
        self.destination.as_deref()
    }

    /// Decides for the session of the browser, by its id. `confirmed` says whether the request is the confirmation form of the
    /// user, whose origin the caller checks. Without it a client may end only the session that its hint names (SB-30).
    pub fn decide(&self, session_id: Option<&str>, confirmed: bool) -> Decision {
        match session_id {
            None => Decision::SignedOut,
            Some(_) if confirmed => Decision::EndSession,
            Some(id) if self.session_id.as_deref() == Some(id) => Decision::EndSession,
            Some(_) => Decision::Confirm,
        }
    }
}

impl From<ParamsError> for LogoutError {
    fn from(error: ParamsError) -> Self {
        match error {
            ParamsError::Duplicate(_) => Self::Duplicate,
            error => Self::Params(error),
        }
    }
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    match state {
        None => uri.to_owned(),
        Some(state) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("state", state)
                .finish();
            RedirectUri::with_query(uri, &query)
        }
    }
}
