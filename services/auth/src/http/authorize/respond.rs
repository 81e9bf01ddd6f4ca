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
use crate::authorization_requests::{self, RequestCode};
use crate::consents::{self, Allowance};
use crate::http::oauth_endpoint::unsigned;
use crate::pages::{self, not_assigned::not_assigned};
use crate::sessions::Session;
use crate::subjects;
use crate::tokens::{self, CodeConsent, Grant, GrantError, NewCode, RequestedDetails};

/// The outcome of a checked request.
pub(super) enum Outcome {
    /// The client gets a response with a code. If the request was saved, it is marked as answered.
    Code(AuthorizationResponse),
    /// The client gets an error response.
    Refuse(AuthorizationResponse),
    /// The person has to sign in or to allow the access first.
    Interact(Response),
}

/// The reason why there is no code.
enum IssueError {
    /// The error that the client gets.
    Grant(GrantError),
    /// The saved request has expired, or its code was used.
    RequestOver,
}

impl From<GrantError> for IssueError {
    fn from(error: GrantError) -> Self {
        Self::Grant(error)
    }
}

impl From<DbError> for IssueError {
    fn from(error: DbError) -> Self {
        Self::Grant(error.into())
    }
}

/// Responds to a checked request.
pub(super) async fn respond(browser: &BrowserRequest<'_>, checked: &CheckedRequest<'_>) -> Outcome {
    let target = checked.target();
    let refused = |error: OAuthError| Outcome::Refuse(target.error(error).response());
    let failed = |problem: &Problem| refused(unavailable(problem));
    let not_granted = |error: GrantError| match error {
        GrantError::OAuth(error) => refused(error),
        GrantError::Db(error) => failed(&error.into()),
        GrantError::Sign(error) => failed(&unsigned(&error)),
    };
    if matches!(browser.interaction, Interaction::Denied) {
        return refused(ErrorCode::AccessDenied.because("the person denied the access"));
    }
    let session = match find_session(browser, checked).await {
        Ok(session) => session,
        Err(error) => return failed(&error.into()),
    };
    let view = session.as_ref().map(|session| session.view(browser.interaction));
    let decision = checked.decide(view.as_ref(), browser.endpoint.clock.now().as_secs());
    let scope = match &decision {
        Decision::IssueCode(grant) => Some(&grant.scope),
        Decision::AskConsent { scope } => Some(scope),
        _ => None,
    };
    if let (Some(scope), Some(session)) = (scope, &session)
        && let Err(error) = session.check_length(browser, checked, scope)
    {
        return not_granted(error);
    }
    match (decision, session) {
        (Decision::Error(error), _) => Outcome::Refuse(error.response()),
        (Decision::IssueCode(grant), Some(session)) => {
            match issue_code(browser, target, *grant, session).await {
                Ok(code) => Outcome::Code(target.code(code.expose())),
                Err(IssueError::Grant(error)) => not_granted(error),
                Err(IssueError::RequestOver) => Outcome::Interact(pending::expired_page(browser.endpoint)),
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
    groups: Vec<String>,
    /// The roles of the user at the client.
    roles: Vec<String>,
    /// The access that is stored as allowed to the client. It is read only when the decision depends on it.
    stored_consent: Option<AllowedAccess>,
    signed_in_for_request: bool,
}

impl BrowserSession {
    /// The name of its user.
    pub(super) fn user_name(&self) -> &str {
        &self.user_name
    }

    /// Checks that the tokens of the grant that is asked for can be issued: see [`tokens::Tokens::check_length`].
    fn check_length(
        &self,
        browser: &BrowserRequest<'_>,
        checked: &CheckedRequest<'_>,
        scope: &Scope,
    ) -> Result<(), GrantError> {
        let requested = RequestedDetails {
            details: checked.authorization_details(),
            scope,
            audiences: checked.audiences(),
            groups: &self.groups,
            roles: &self.roles,
            amr: &self.session.amr,
        };
        browser.endpoint.tokens.check_length(browser.client, &requested)
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
        groups: subject
            .as_ref()
            .map(|subject| subject.groups.clone())
            .unwrap_or_default(),
        user: subject
            .filter(|subject| subject.active)
            .as_ref()
            .map(|subject| User {
                assigned: assignment.assigned,
                ..tokens::user(subject)
            }),
        roles: assignment.roles,
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
) -> Result<Token, IssueError> {
    let algorithm = browser.client.metadata.authorization_signed_response_alg;
    if target.is_signed() && browser.endpoint.keys.current().signing_key(algorithm).is_none() {
        return Err(GrantError::from(SignError::NoKey(algorithm)).into());
    }
    let session = found.session;
    let needed = code.asked;
    let allowed = matches!(browser.interaction, Interaction::Allowed(_)).then(|| needed.scope.clone());
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
            details: code.details,
            confirmation: Confirmation::default(),
        },
        redirect_uri: code.redirect_uri,
        redirect_uri_sent: code.redirect_uri_sent,
        challenge: code.code_challenge,
        dpop_jkt: code.dpop_jkt,
        consent: code.requires_stored_consent.then(|| CodeConsent {
            stored: found.stored_consent.unwrap_or_default(),
            needed,
        }),
        code: None,
    };
    let mut tx = browser.endpoint.db.begin_shared("issue_code").await?;
    let issued = insert_code(&mut tx, browser, new, allowed.as_ref()).await;
    tx.finish(issued).await
}

/// Uses up what the request came of, stores the consent that was given for it, and inserts its code.
async fn insert_code(
    tx: &mut Tx,
    browser: &BrowserRequest<'_>,
    mut new: NewCode<'_>,
    allowed: Option<&Scope>,
) -> Result<Token, IssueError> {
    let endpoint = browser.endpoint;
    if let Some(resumed) = browser.resumed {
        let requests = &endpoint.authorization_requests;
        let granted = (browser.client.id.as_str(), &new.grant);
        match requests.claim_code(tx, &resumed.handle, granted).await? {
            RequestCode::Unissued(unissued) => new.code = Some(unissued),
            // A double click: the browser shows this response and not the first one.
            RequestCode::Issued(issued) => return Ok(issued),
            RequestCode::Over => return Err(IssueError::RequestOver),
        }
    }
    // A failure from here on leaves the pushed request unused.
    use_pushed_request(tx, browser).await?;
    if let Some(scope) = allowed {
        let allowance = Allowance {
            client: (browser.client.id.as_str(), browser.client.aggregate_id),
            audiences: &browser.client.metadata.audiences,
            scope,
            details: &new.grant.details.authorization_details,
        };
        let stored = endpoint.consents.grant(tx, new.grant.subject, allowance).await?;
        if let Some(consent) = &mut new.consent {
            consent.stored = stored.unwrap_or_default();
        }
    }
    Ok(endpoint.tokens.issue_code(tx, new).await?)
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
