//! The response to a checked authorization request: it reads the session of the browser, lets
//! [`CheckedRequest::decide`] decide, and carries the decision out.

use axum::response::Response;
use chassis::db::DbError;
use chassis::http::Problem;
use chassis::secret::Token;
use http::StatusCode;
use oidc::authorize::{CheckedRequest, CodeGrant, Decision, Session as DecisionSession};
use oidc::error::{ErrorCode, OAuthError};
use oidc::grant::User;

use super::{BrowserRequest, pending};
use crate::pages;
use crate::sessions::Session;
use crate::subjects;
use crate::tokens::{self, Grant, GrantError, NewCode};

/// The response to a checked request.
pub(super) enum AuthorizationResponse {
    /// The browser goes to this URL of the client, with a code or an error.
    Redirect(String),
    /// The person has to sign in first.
    SignIn(Response),
}

/// Responds to a checked request.
pub(super) async fn respond(
    browser: &BrowserRequest<'_>,
    checked: &CheckedRequest<'_>,
) -> AuthorizationResponse {
    let target = checked.target();
    let failed =
        |problem: &Problem| AuthorizationResponse::Redirect(target.error(unavailable(problem)).url());
    let session = match find_session(browser).await {
        Ok(session) => session,
        Err(error) => return failed(&error.into()),
    };
    let view = session.as_ref().map(BrowserSession::view);
    let decision = checked.decide(view.as_ref(), browser.endpoint.clock.now().as_secs());
    let fresh = match (decision, session) {
        (Decision::Error(error), _) => return AuthorizationResponse::Redirect(error.url()),
        (Decision::IssueCode(grant), Some(session)) => {
            return match issue_code(browser, *grant, session).await {
                Ok(code) => AuthorizationResponse::Redirect(target.code_url(code.expose())),
                Err(GrantError::OAuth(error)) => AuthorizationResponse::Redirect(target.error(error).url()),
                Err(GrantError::Db(error)) => failed(&error.into()),
                Err(error @ GrantError::Sign(_)) => failed(&Problem::internal(&error)),
            };
        }
        (Decision::SignIn { fresh }, _) => fresh,
        // Without a session no code is decided.
        (Decision::IssueCode(_), None) => false,
    };
    match pending::redirect_to_sign_in(browser, fresh).await {
        Ok(response) => AuthorizationResponse::SignIn(response),
        Err(error) => failed(&error.into()),
    }
}

/// The session of the browser and its user.
struct BrowserSession {
    session: Session,
    subject: String,
    user: Option<User>,
    signed_in_for_request: bool,
}

impl BrowserSession {
    /// The session as the protocol sees it.
    fn view(&self) -> DecisionSession<'_> {
        DecisionSession {
            subject: &self.subject,
            auth_time: self.session.auth_time.as_secs(),
            signed_in_for_request: self.signed_in_for_request,
            user: self.user,
        }
    }
}

async fn find_session(browser: &BrowserRequest<'_>) -> Result<Option<BrowserSession>, DbError> {
    let endpoint = browser.endpoint;
    let Some(token) = pages::session_token(&endpoint.pages, browser.headers) else {
        return Ok(None);
    };
    let Some(session) = endpoint.sessions.find(&token).await? else {
        return Ok(None);
    };
    let subject = subjects::find(&mut endpoint.db.reader().await?, session.account_id).await?;
    let resumed = browser.resumed;
    Ok(Some(BrowserSession {
        subject: session.account_id.to_string(),
        user: subject
            .filter(|subject| subject.active)
            .as_ref()
            .map(tokens::user),
        signed_in_for_request: resumed
            .is_some_and(|resumed| resumed.request.is_answered_by(&session, &token)),
        session,
    }))
}

async fn issue_code(
    browser: &BrowserRequest<'_>,
    code: CodeGrant,
    found: BrowserSession,
) -> Result<Token, GrantError> {
    let session = found.session;
    let new = NewCode {
        client: browser.client,
        grant: Grant {
            subject: session.account_id,
            scope: code.scope,
            audiences: code.audiences,
            session_id: Some(session.id),
            auth_time: session.auth_time,
            amr: session.amr,
            nonce: code.nonce,
        },
        redirect_uri: code.redirect_uri,
        redirect_uri_sent: code.redirect_uri_sent,
        challenge: code.code_challenge,
    };
    browser.endpoint.tokens.issue_code(new).await
}

/// The error response of a failure of this service (RFC 6749 §4.1.2.1).
fn unavailable(problem: &Problem) -> OAuthError {
    if problem.status() == StatusCode::INTERNAL_SERVER_ERROR {
        ErrorCode::ServerError.because("something went wrong")
    } else {
        ErrorCode::TemporarilyUnavailable.because("try again in a moment")
    }
}
