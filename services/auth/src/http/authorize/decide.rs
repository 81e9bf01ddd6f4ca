//! Whether there is a code, or what has to happen before.

use chassis::clock::SKEW;
use chassis::http::Problem;
use chassis::secret::Token;
use http::HeaderMap;
use oidc::authorize::AuthorizeRequest;
use oidc::error::{ErrorCode, OAuthError};

use super::ValidatedRequest;
use crate::app::App;
use crate::clients::{Client, GrantType};
use crate::grants::{self, Grant, GrantError, NewCode};
use crate::pages;
use crate::sessions::{self, Session};
use crate::subjects;

/// Seconds that a browser may take from a sign-in back to the request that asked for it.
const REDIRECT_ALLOWANCE: i64 = 60;

/// Why a code is not given.
pub(super) enum AuthorizationOutcome {
    /// The client is told.
    Error(OAuthError),
    /// The person has to sign in first: `fresh`, when no session would do that the browser has already.
    SignInRequired {
        /// Whether a session would not be enough.
        fresh: bool,
    },
    /// It failed here.
    Failed(Problem),
}

impl From<OAuthError> for AuthorizationOutcome {
    fn from(error: OAuthError) -> Self {
        Self::Error(error)
    }
}

impl From<chassis::db::DbError> for AuthorizationOutcome {
    fn from(error: chassis::db::DbError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<GrantError> for AuthorizationOutcome {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::OAuth(error) => Self::Error(error),
            GrantError::Db(error) => error.into(),
            error @ GrantError::Sign(_) => Self::Failed(Problem::internal(&error)),
        }
    }
}

/// The code for a request.
///
/// # Errors
/// [`AuthorizationOutcome`].
pub(super) async fn decide(
    app: &App,
    headers: &HeaderMap,
    validated: &ValidatedRequest,
) -> Result<String, AuthorizationOutcome> {
    let client = &*validated.client;
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(ErrorCode::UnauthorizedClient
            .because("the client is not registered for this grant")
            .into());
    }
    let request = validated.unverified.request()?;
    if request.code_challenge.is_none() && (client.metadata.require_pkce || client.metadata.is_public()) {
        return Err(ErrorCode::InvalidRequest
            .because("PKCE is required: send code_challenge with code_challenge_method=S256")
            .into());
    }
    let audiences = grants::audiences(app, client, &request.resources)?;
    let session = sufficient_session(app, headers, validated, &request).await?;
    let mut reader = app.db.reader().await?;
    let subject = subjects::find(&mut reader, session.account_id).await?;
    drop(reader);
    let Some(subject) = subject.filter(|subject| subject.active) else {
        return Err(ErrorCode::AccessDenied
            .because("the person may not sign in")
            .into());
    };
    let grant = Grant {
        subject: subject.id,
        scope: grants::subject_scope(client, &subject, &request.scope)?,
        audiences,
        session_id: Some(session.id),
        auth_time: session.auth_time,
        amr: session.amr,
        nonce: request.nonce,
    };
    let new = NewCode {
        client,
        grant,
        redirect_uri: validated.redirect_uri.clone(),
        redirect_uri_sent: validated.unverified.redirect_uri.is_some(),
        challenge: request.code_challenge,
    };
    Ok(grants::issue_code(app, new).await?.expose().to_owned())
}

/// The person that `id_token_hint` names, as `sub`. An expired hint is good (OpenID Connect Core §3.1.2.1).
fn hinted_subject(
    app: &App,
    client: &Client,
    request: &AuthorizeRequest,
) -> Result<Option<String>, OAuthError> {
    let Some(hint) = &request.id_token_hint else {
        return Ok(None);
    };
    grants::id_token_hint(app, hint)
        .verified()
        .filter(|claims| claims.aud == client.id.as_str())
        .map(|claims| Some(claims.sub))
        .ok_or_else(|| {
            ErrorCode::InvalidRequest.because("id_token_hint is not an ID token that this client got here")
        })
}

/// The session of the browser, if it is enough for the request.
async fn sufficient_session(
    app: &App,
    headers: &HeaderMap,
    validated: &ValidatedRequest,
    request: &AuthorizeRequest,
) -> Result<Session, AuthorizationOutcome> {
    let hinted_subject = hinted_subject(app, &validated.client, request)?;
    if let Some(token) = pages::session_token(&app.pages, headers)
        && let Some(session) = sessions::find(app, &token).await?
        && is_sufficient(app, validated, request, &session, &token)
    {
        let other = hinted_subject.is_some_and(|subject| subject != session.account_id.to_string());
        if !other {
            return Ok(session);
        }
        // Whoever was asked to sign in as the person of the hint, and did as another, is not asked for ever.
        if signed_in_since_request(validated, &session, &token) {
            return Err(ErrorCode::LoginRequired
                .because("another person signed in than the one of id_token_hint")
                .into());
        }
    }
    if request.prompt.none {
        return Err(ErrorCode::LoginRequired
            .because("the person has to sign in")
            .into());
    }
    Err(AuthorizationOutcome::SignInRequired {
        fresh: requires_fresh_sign_in(request),
    })
}

/// Whether the request is for a sign-in that has not happened yet. `max_age=0` is (OpenID Connect Core §3.1.2.1), also
/// within the second of the last one.
fn requires_fresh_sign_in(request: &AuthorizeRequest) -> bool {
    request.prompt.login || request.prompt.select_account || request.max_age == Some(0)
}

/// Whether the person signed in lately enough. What counts is what stands in the database, never the address: a
/// request that asks for a new sign-in gets it, unless it waited for one that has come since.
fn is_sufficient(
    app: &App,
    validated: &ValidatedRequest,
    request: &AuthorizeRequest,
    session: &Session,
    token: &Token,
) -> bool {
    let signed_in_since_request = signed_in_since_request(validated, session, token);
    // In the whole seconds that the client reads as `auth_time`. The clock of the replica that signed the person in may be
    // ahead of this one; a sign-in from further in the future is of unknown age: the clock was turned back.
    let (now, at) = (app.clock.now(), session.auth_time);
    let age = match at > now && at <= now + SKEW {
        true => 0,
        false => now.as_secs() - at.as_secs(),
    };
    let recent = request.max_age.is_none_or(|most| {
        let most = i64::from(most);
        // Whoever has just signed in for this request is on the way back: asked again, they would never arrive.
        let most = if signed_in_since_request {
            most.max(REDIRECT_ALLOWANCE)
        } else {
            most
        };
        (0..=most).contains(&age)
    });
    recent && (signed_in_since_request || !requires_fresh_sign_in(request))
}

/// Whether the request waited, and the person has signed in since.
fn signed_in_since_request(validated: &ValidatedRequest, session: &Session, token: &Token) -> bool {
    let resumed = validated.resumed.as_ref();
    resumed.is_some_and(|resumed| resumed.request.is_answered_by(session, token))
}
