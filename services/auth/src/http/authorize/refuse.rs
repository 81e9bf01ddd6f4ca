//! The response to an authorization request with an error: a page, or the error response of the client (RFC 6749 §4.1.2.1).

use axum::response::{IntoResponse, Response};
use chassis::db::DbError;
use chassis::http::Problem;
use http::HeaderMap;
use oidc::authorize::{AuthorizationError, UnverifiedAuthorizationRequest};

use super::{AuthorizationEndpoint, Interaction, page_error, pending, send};
use crate::clients::{Client, Origin};
use crate::pages;

/// A request with an error that does not depend on the session.
pub(super) struct RefusedRequest<'a> {
    pub(super) endpoint: &'a AuthorizationEndpoint,
    pub(super) headers: &'a HeaderMap,
    pub(super) client: &'a Client,
    /// The request of the request object, if there is one that could be opened (RFC 9101 §6.3).
    pub(super) request: &'a UnverifiedAuthorizationRequest,
    pub(super) interaction: Interaction<'a>,
}

impl<'a> RefusedRequest<'a> {
    /// The same with the request of the request object, which was opened.
    pub(super) fn with_opened(self, request: &'a UnverifiedAuthorizationRequest) -> Self {
        Self { request, ..self }
    }

    /// Responds with the error. At a client that registered itself, somebody who has not signed in does so first (RFC 9700 §4.11.2): a link to
    /// this server would otherwise lead at once to whatever address its author registered (SB-20).
    pub(super) async fn respond(&self, error: AuthorizationError) -> Response {
        let error = match error {
            AuthorizationError::Page(error) => return page_error(self.endpoint, &error),
            AuthorizationError::Redirect(error) => error,
        };
        match self.query_before_sign_in().await {
            Ok(Some(query)) => pending::redirect_with_query(self.endpoint, query),
            Ok(None) => send(self.endpoint, self.client, error.response()),
            Err(error) => Problem::from(error).into_response(),
        }
    }

    /// The query of the request, if the person has to sign in before the client is answered. A silent request is answered always (OpenID Connect Core
    /// §3.1.2.1).
    async fn query_before_sign_in(&self) -> Result<Option<&str>, DbError> {
        let Interaction::None { query } = self.interaction else {
            return Ok(None);
        };
        if self.client.origin != Origin::Registration || self.request.is_silent() {
            return Ok(None);
        }
        let session = match pages::session_token(&self.endpoint.pages, self.headers) {
            Some(token) => self.endpoint.sessions.find(&token).await?,
            None => None,
        };
        Ok(session.is_none().then_some(query))
    }
}
