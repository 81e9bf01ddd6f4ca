//! Authorization response: where it goes and what it says (RFC 6749 §4.1.2, RFC 9207).
//!
//! The types keep errors apart: an error can be sent to a redirect URI only through a [`ResponseTarget`], which exists only
//! after the redirect URI was found among those of the client.

use url::form_urlencoded;

use super::UnverifiedAuthorizationRequest;
use crate::client::RegisteredClient;
use crate::error::OAuthError;
use crate::params::ParamsError;
use crate::redirect_uri::RedirectUri;

/// The failure of an authorization request, shown to the user or sent to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationError {
    /// The user sees a page.
    Page(PageError),
    /// The client gets an error response.
    Redirect(ErrorRedirect),
}

/// An authorization request without a verified client and redirect URI. The error is shown to the user on a page and never
/// redirected (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The parameters cannot be decoded.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// `client_id` is missing.
    #[error("the parameter client_id is missing")]
    NoClient,
    /// `client_id` names no client.
    #[error("The application is not known here")]
    UnknownClient,
    /// `redirect_uri` is not registered for the client, or is missing and cannot be chosen (RFC 6749 §3.1.2.3).
    #[error("The application asked to be answered at an address that is not registered for it")]
    RedirectUri,
}

/// The target of the response to an authorization request: a redirect URI that is registered for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseTarget {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) issuer: String,
}

/// An error response for the client (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRedirect {
    target: ResponseTarget,
    error: OAuthError,
}

impl ResponseTarget {
    /// Chooses the redirect URI of `request` among those of its client (RFC 6749 §3.1.2.3, RFC 9700 §2.1).
    pub(super) fn choose(
        request: &UnverifiedAuthorizationRequest,
        client: &RegisteredClient<'_>,
        issuer: &str,
    ) -> Result<Self, PageError> {
        let registered = &client.metadata.redirect_uris;
        let redirect_uri = match (&request.redirect_uri, registered.as_slice()) {
            (Some(uri), _) if registered.iter().any(|known| known.matches(uri)) => uri.clone(),
            // It may be left out when exactly one is registered.
            (None, [only]) => only.to_string(),
            _ => return Err(PageError::RedirectUri),
        };
        Ok(Self {
            redirect_uri,
            state: request.state().map(str::to_owned),
            issuer: issuer.to_owned(),
        })
    }

    /// The redirect URI, as requested.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The URL that redirects the browser to the client with a code (RFC 6749 §4.1.2).
    pub fn code_url(&self, code: &str) -> String {
        self.url(&[("code", code)])
    }

    /// An error response to this target.
    pub fn error(&self, error: OAuthError) -> ErrorRedirect {
        ErrorRedirect {
            target: self.clone(),
            error,
        }
    }

    /// The URL of a response. It has `iss`, so that a client of several servers cannot be confused (RFC 9207 §2).
    fn url(&self, parts: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parts);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &self.issuer);
        RedirectUri::with_query(&self.redirect_uri, &query.finish())
    }
}

impl ErrorRedirect {
    /// The error.
    pub fn error(&self) -> &OAuthError {
        &self.error
    }

    /// The URL that redirects the browser to the client with the error.
    pub fn url(&self) -> String {
        self.target.url(&[
            ("error", self.error.error.name()),
            ("error_description", &self.error.error_description),
        ])
    }
}

impl From<PageError> for AuthorizationError {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<ErrorRedirect> for AuthorizationError {
    fn from(error: ErrorRedirect) -> Self {
        Self::Redirect(error)
    }
}
