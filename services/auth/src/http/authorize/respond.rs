//! The response to a checked authorization request: it reads the session of the browser, lets
//! [`CheckedRequest::decide`] decide, and carries the decision out.

use axum::response::Response;
use chassis::db::{DbError, Tx};
use chassis::http::Problem;
use chassis::secret::Token;
use http::StatusCode;
use oidc::assignment::Assignment;
use oidc::authorize::{
    AuthorizationResponse, CheckedRequest, CodeGrant, Decision, ResponseTarget, Session as DecisionSession,
};
use oidc::consent::{AllowedAccess, GivenConsent};
use oidc::dpop::Confirmation;
use oidc::error::{ErrorCode, OAuthError};
use oidc::grant::User;
use oidc::jose::SignError;
use oidc::scope::Scope;

use super::{BrowserRequest, Interaction, consent, pending};
use crate::assignments;
use crate::authorization_requests;
use crate::consents::{self, Allowance};
use crate::http::oauth_endpoint::unsigned;
use crate::pages::{self, not_assigned::not_assigned};
use crate::sessions::Session;
use crate::subjects;
use crate::tokens::{self, CodeConsent, Grant, GrantError, NewCode};

/// The outcome of a checked request.
pub(super) enum Outcome {
    /// The client gets a response, with a code or an error.
    Respond(AuthorizationResponse),
    /// The person has to sign in or to allow the access first.
    Interact(Response),
}

/// Responds to a checked request.
pub(super) async fn respond(browser: &BrowserRequest<'_>, checked: &CheckedRequest<'_>) -> Outcome {
    let target = checked.target();
    let refused = |error: OAuthError| Outcome::Respond(target.error(error).response());
    let failed = |problem: &Problem| refused(unavailable(problem));
    if matches!(browser.interaction, Interaction::Denied) {
        return refused(ErrorCode::AccessDenied.because("the person denied the access"));
    }
    let session = match find_session(browser, checked).await {
        Ok(session) => session,
        Err(error) => return failed(&error.into()),
    };
    let view = session.as_ref().map(|session| session.view(browser.interaction));
    let decision = checked.decide(view.as_ref(), browser.endpoint.clock.now().as_secs());
    match (decision, session) {
        (Decision::Error(error), _) => Outcome::Respond(error.response()),
        (Decision::IssueCode(grant), Some(session)) => {
            match issue_code(browser, target, *grant, session).await {
                Ok(code) => Outcome::Respond(target.code(code.expose())),
                Err(GrantError::OAuth(error)) => refused(error),
                Err(GrantError::Db(error)) => failed(&error.into()),
                Err(GrantError::Sign(error)) => failed(&unsigned(&error)),
            }
        }
        (Decision::AskConsent { scope }, Some(session)) => {
            match ask_consent(browser, checked, &session, &scope).await {
                Ok(response) => Outcome::Interact(response),
                Err(error) => failed(&error.into()),
            }
        }
        (Decision::NotAssigned, Some(session)) => {
            let page = not_assigned(browser.client, session.user_name());
            Outcome::Interact(pages::error_page(&browser.endpoint.pages, &page))
        }
        (decision, _) => {
            // Without a session no code is decided.
            let fresh = matches!(decision, Decision::SignIn { fresh: true });
            match pending::redirect_to_sign_in(browser, fresh).await {
                Ok(response) => Outcome::Interact(response),
                Err(error) => failed(&error.into()),
            }
        }
    }
}

/// Shows the consent page, or redirects the browser to it.
async fn ask_consent(
    browser: &BrowserRequest<'_>,
    checked: &CheckedRequest<'_>,
    session: &BrowserSession,
    scope: &Scope,
) -> Result<Response, DbError> {
    match browser.interaction {
        Interaction::ShowConsent => Ok(consent::page(browser, checked, session, scope).await),
        _ => consent::redirect_to_consent(browser).await,
    }
}

/// The session of the browser and its user.
pub(super) struct BrowserSession {
    session: Session,
    subject: String,
    user_name: String,
    user: Option<User>,
    /// The access that is stored as allowed to the client. It is read only when the decision depends on it.
    stored_consent: Option<AllowedAccess>,
    signed_in_for_request: bool,
}

impl BrowserSession {
    /// The name of its user.
    pub(super) fn user_name(&self) -> &str {
        &self.user_name
    }

    /// The session as the protocol sees it.
    fn view<'a>(&'a self, interaction: Interaction<'a>) -> DecisionSession<'a> {
        DecisionSession {
            subject: &self.subject,
            auth_time: self.session.auth_time.as_secs(),
            signed_in_for_request: self.signed_in_for_request,
            user: self.user,
            consent: GivenConsent {
                stored: self.stored_consent.as_ref(),
                for_request: match interaction {
                    Interaction::Allowed(shown) => Some(shown),
                    _ => None,
                },
            },
        }
    }
}

async fn find_session(
    browser: &BrowserRequest<'_>,
    checked: &CheckedRequest<'_>,
) -> Result<Option<BrowserSession>, DbError> {
    let endpoint = browser.endpoint;
    let Some(token) = pages::session_token(&endpoint.pages, browser.headers) else {
        return Ok(None);
    };
    let Some((session, state)) = endpoint.sessions.find_with_user(&token).await? else {
        return Ok(None);
    };
    let mut reader = endpoint.db.reader().await?;
    let subject = match state {
        Some(state) => Some(subjects::of_state(&mut reader, state).await?),
        None => None,
    };
    let stored_consent = match checked.reads_consent() {
        true => consents::find(&mut reader, session.account_id, browser.client.id.as_str()).await?,
        false => None,
    };
    let assignment = match &subject {
        Some(subject) => assignments::of_subject(&mut reader, browser.client.registered(), subject).await?,
        None => Assignment::default(),
    };
    drop(reader);
    let resumed = browser.resumed;
    Ok(Some(BrowserSession {
        // As `sub` of an `id_token_hint` has it.
        subject: endpoint
            .keys
            .subject(browser.client.registered(), session.account_id),
        user_name: subject
            .as_ref()
            .map(|subject| subject.user_name.clone())
            .unwrap_or_default(),
        stored_consent,
        user: subject
            .filter(|subject| subject.active)
            .as_ref()
            .map(|subject| User {
                assigned: assignment.assigned,
                ..tokens::user(subject)
            }),
        signed_in_for_request: resumed
            .is_some_and(|resumed| resumed.request.is_answered_by(&session, &token)),
        session,
    }))
}

async fn issue_code(
    browser: &BrowserRequest<'_>,
    target: &ResponseTarget,
    code: CodeGrant,
    found: BrowserSession,
) -> Result<Token, GrantError> {
    let algorithm = browser.client.metadata.authorization_signed_response_alg;
    if target.is_signed() && browser.endpoint.keys.current().signing_key(algorithm).is_none() {
        return Err(SignError::NoKey(algorithm).into());
    }
    let session = found.session;
    let endpoint = browser.endpoint;
    let account = session.account_id;
    let needed = code.consent_scope;
    let allowed = matches!(browser.interaction, Interaction::Allowed(_)).then(|| needed.clone());
    let mut new = NewCode {
        client: browser.client,
        grant: Grant {
            subject: account,
            scope: code.scope,
            audiences: code.audiences,
            session_id: Some(session.id),
            auth_time: session.auth_time,
            amr: session.amr,
            nonce: code.nonce,
            details: code.details,
            confirmation: Confirmation::default(),
        },
        redirect_uri: code.redirect_uri,
        redirect_uri_sent: code.redirect_uri_sent,
        challenge: code.code_challenge,
        dpop_jkt: code.dpop_jkt,
        consent: code.requires_stored_consent.then(|| CodeConsent {
            stored: found.stored_consent.unwrap_or_default().scope,
            needed,
        }),
    };
    let mut tx = endpoint.db.begin_shared("issue_code").await?;
    let issued = async {
        // A failure from here on leaves the pushed request unused.
        use_pushed_request(&mut tx, browser).await?;
        if let Some(scope) = &allowed {
            let allowance = Allowance {
                client: (browser.client.id.as_str(), browser.client.aggregate_id),
                audiences: &browser.client.metadata.audiences,
                scope,
                details: &new.grant.details.authorization_details,
            };
            let stored = endpoint.consents.grant(&mut tx, account, allowance).await?;
            if let Some(consent) = &mut new.consent {
                consent.stored = stored.unwrap_or_default();
            }
        }
        endpoint.tokens.issue_code(&mut tx, new).await
    }
    .await;
    tx.finish(issued).await
}

/// Uses up the pushed request of a browser, if it has one (RFC 9126 §2.2).
async fn use_pushed_request(tx: &mut Tx, browser: &BrowserRequest<'_>) -> Result<(), GrantError> {
    let Some(pushed) = browser.pushed else {
        return Ok(());
    };
    let handle = browser.resumed.map(|resumed| &resumed.handle);
    if authorization_requests::use_pushed(tx, pushed, handle).await? {
        return Ok(());
    }
    Err(ErrorCode::InvalidRequestUri
        .because("the pushed request was used before")
        .into())
}

/// The error response of a failure of this service (RFC 6749 §4.1.2.1).
pub(super) fn unavailable(problem: &Problem) -> OAuthError {
    if problem.status() == StatusCode::INTERNAL_SERVER_ERROR {
        ErrorCode::ServerError.because("something went wrong")
    } else {
        ErrorCode::TemporarilyUnavailable.because("try again in a moment")
    }
}
