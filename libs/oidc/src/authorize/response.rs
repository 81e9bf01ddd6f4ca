//! Authorization response: its target, its parameters and their encoding (RFC 6749 §4.1.2, RFC 9207, JARM §2).
//!
//! The types keep errors apart: an error can be sent to a redirect URI only through a [`ResponseTarget`], which exists only
//! after the redirect URI was found among those of the client.

use std::collections::BTreeMap;

use serde::Serialize;
use url::form_urlencoded;

use super::{ResponseMode, UnverifiedAuthorizationRequest};
use crate::client::RegisteredClient;
use crate::error::OAuthError;
use crate::params::ParamsError;
use crate::redirect_uri::RedirectUri;

/// The lifetime of a signed response in seconds; ten minutes are recommended at most (JARM §2.1).
const SIGNED_RESPONSE_SECONDS: i64 = 300;

/// The failure of an authorization request, shown to the user or sent to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationError {
    /// The user sees a page.
    Page(PageError),
    /// The client gets an error response.
    Redirect(Box<ErrorRedirect>),
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
    /// `redirect_uri` is missing, and the client has registered several or none (RFC 6749 §3.1.2.3).
    #[error(
        "The application did not say at which of its addresses it wants to be answered: redirect_uri is missing"
    )]
    NoRedirectUri,
    /// `redirect_uri` is not registered for the client.
    #[error("The application asked to be answered at an address that is not registered for it")]
    RedirectUri,
}

/// The target of the response to an authorization request: a redirect URI that is registered for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseTarget {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) mode: ResponseMode,
}

/// An error response for the client (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRedirect {
    target: ResponseTarget,
    error: OAuthError,
}

/// A response for the client, before it is encoded for its response mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationResponse {
    target: ResponseTarget,
    parameters: Vec<(&'static str, String)>,
}

/// The claims of a signed response (JARM §2.1): the parameters, and what binds them to issuer, client and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResponseClaims {
    iss: String,
    aud: String,
    exp: i64,
    #[serde(flatten)]
    parameters: BTreeMap<&'static str, String>,
}

/// An encoded response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodedResponse {
    /// The browser is redirected to this URL.
    Redirect(String),
    /// The browser posts a form (OAuth 2.0 Form Post Response Mode §2).
    FormPost {
        /// The redirect URI.
        action: String,
        /// The fields.
        fields: Vec<(&'static str, String)>,
    },
}

impl ResponseTarget {
    /// True if the response is a signed JWT (JARM §2.1).
    pub const fn is_signed(&self) -> bool {
        self.mode.is_signed()
    }

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
            (None, _) => return Err(PageError::NoRedirectUri),
            (Some(_), _) => return Err(PageError::RedirectUri),
        };
        Ok(Self {
            redirect_uri,
            state: request.state().map(str::to_owned),
            issuer: issuer.to_owned(),
            client_id: client.client_id.to_owned(),
            mode: request.response_mode(),
        })
    }

    /// The redirect URI, as requested.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The response with a code (RFC 6749 §4.1.2).
    pub fn code(&self, code: &str) -> AuthorizationResponse {
        self.respond(vec![("code", code.to_owned())])
    }

    /// An error response to this target.
    pub fn error(&self, error: OAuthError) -> ErrorRedirect {
        ErrorRedirect {
            target: self.clone(),
            error,
        }
    }

    fn respond(&self, parameters: Vec<(&'static str, String)>) -> AuthorizationResponse {
        AuthorizationResponse {
            target: self.clone(),
            parameters,
        }
    }
}

impl ErrorRedirect {
    /// The error.
    pub fn error(&self) -> &OAuthError {
        &self.error
    }

    /// The response with the error.
    pub fn response(&self) -> AuthorizationResponse {
        self.target.respond(vec![
            ("error", self.error.error.name().to_owned()),
            (
                "error_description",
                self.error.error_description.clone().into_owned(),
            ),
        ])
    }
}

impl AuthorizationResponse {
    /// Encodes the response for its response mode. A mode of JARM has it signed by `sign`; `now` is in seconds since the Unix
    /// epoch. An unsigned response has `iss`, so that a client of several servers cannot be confused (RFC 9207 §2); a signed
    /// one has it among its claims (RFC 9207 §2.4).
    ///
    /// # Errors
    /// The error of `sign`.
    pub fn encode<E>(
        self,
        now: i64,
        sign: impl FnOnce(&ResponseClaims) -> Result<String, E>,
    ) -> Result<EncodedResponse, E> {
        let Self {
            target,
            mut parameters,
        } = self;
        parameters.extend(target.state.map(|state| ("state", state)));
        let fields = if target.mode.is_signed() {
            let claims = ResponseClaims {
                iss: target.issuer,
                aud: target.client_id,
                exp: now.saturating_add(SIGNED_RESPONSE_SECONDS),
                parameters: parameters.into_iter().collect(),
            };
            vec![("response", sign(&claims)?)]
        } else {
            parameters.push(("iss", target.issuer));
            parameters
        };
        if target.mode.is_posted() {
            return Ok(EncodedResponse::FormPost {
                action: target.redirect_uri,
                fields,
            });
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let url = RedirectUri::with_query(&target.redirect_uri, &query);
        Ok(EncodedResponse::Redirect(url))
    }

    /// The same response without a signature, to report that it could not be signed.
    #[must_use]
    pub fn unsigned(self, error: OAuthError) -> Self {
        let mode = if self.target.mode.is_posted() {
            ResponseMode::FormPost
        } else {
            ResponseMode::Query
        };
        let target = ResponseTarget { mode, ..self.target };
        target.error(error).response()
    }
}

impl From<PageError> for AuthorizationError {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<ErrorRedirect> for AuthorizationError {
    fn from(error: ErrorRedirect) -> Self {
        Self::Redirect(Box::new(error))
    }
}
