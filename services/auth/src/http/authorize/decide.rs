//! Whether there is a code, or what has to happen before.

use chassis::clock::SKEW;
use chassis::http::Problem;
use chassis::secret::Token;
use http::HeaderMap;
use oidc::authorize::AuthorizeRequest;
use oidc::error::{ErrorCode, OAuthError};

use super::Checked;
use crate::app::App;
use crate::clients::{Client, GrantType};
use crate::grants::{self, Grant, GrantError, NewCode};
use crate::pages;
use crate::sessions::{self, Session};
use crate::subjects;

/// Seconds that a browser may take from a sign-in back to the request that asked for it.
const WAY_BACK: i64 = 60;

/// Why a code is not given.
pub(super) enum Stop {
    /// The client is told.
    Tell(OAuthError),
    /// The person has to sign in first: `anew`, when no session would do that the browser has already.
    SignIn {
        /// Whether a session would not be enough.
        anew: bool,
    },
    /// It failed here.
    Fail(Problem),
}

impl From<OAuthError> for Stop {
    fn from(error: OAuthError) -> Self {
        Self::Tell(error)
    }
}

impl From<chassis::db::DbError> for Stop {
    fn from(error: chassis::db::DbError) -> Self {
        Self::Fail(error.into())
    }
}

impl From<GrantError> for Stop {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::OAuth(error) => Self::Tell(error),
            GrantError::Db(error) => error.into(),
            error @ GrantError::Sign(_) => Self::Fail(Problem::internal(&error)),
        }
    }
}

/// The code for a request.
///
/// # Errors
/// [`Stop`].
pub(super) async fn decide(app: &App, headers: &HeaderMap, checked: &Checked) -> Result<String, Stop> {
    let client = &*checked.client;
    if !client.may(GrantType::AuthorizationCode) {
        return Err(ErrorCode::UnauthorizedClient
            .because("the client is not registered for this grant")
            .into());
    }
    let request = checked.asked.request()?;
    if request.code_challenge.is_none()
        && (client.registration.require_pkce || client.registration.is_public())
    {
        return Err(ErrorCode::InvalidRequest
            .because("PKCE is required: send code_challenge with code_challenge_method=S256")
            .into());
    }
    let audiences = grants::audiences(app, client, &request.resources)?;
    let session = session(app, headers, checked, &request).await?;
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
        scope: grants::person_scope(client, &subject, &request.scope)?,
        audiences,
        session_id: Some(session.id),
        auth_time: session.auth_time,
        amr: session.amr,
        nonce: request.nonce,
    };
    let new = NewCode {
        client,
        grant,
        redirect_uri: checked.redirect_uri.clone(),
        redirect_uri_sent: checked.asked.redirect_uri.is_some(),
        challenge: request.code_challenge,
    };
    Ok(grants::issue_code(app, new).await?.expose().to_owned())
}

/// The person that `id_token_hint` names, as `sub`. An expired hint is good (OpenID Connect Core §3.1.2.1).
fn hinted(app: &App, client: &Client, request: &AuthorizeRequest) -> Result<Option<String>, OAuthError> {
    let Some(hint) = &request.id_token_hint else {
        return Ok(None);
    };
    grants::id_token_hint(app, hint)
        .proven()
        .filter(|claims| claims.aud == client.id.as_str())
        .map(|claims| Some(claims.sub))
        .ok_or_else(|| {
            ErrorCode::InvalidRequest.because("id_token_hint is not an ID token that this client got here")
        })
}

/// The session of the browser, if it is enough for the request.
async fn session(
    app: &App,
    headers: &HeaderMap,
    checked: &Checked,
    request: &AuthorizeRequest,
) -> Result<Session, Stop> {
    let hinted = hinted(app, &checked.client, request)?;
    if let Some(token) = pages::session_token(&app.pages, headers)
        && let Some(session) = sessions::find(app, &token).await?
        && is_enough(app, checked, request, &session, &token)
    {
        let other = hinted.is_some_and(|subject| subject != session.account_id.to_string());
        if !other {
            return Ok(session);
        }
        // Whoever was asked to sign in as the person of the hint, and did as another, is not asked for ever.
        if followed(checked, &session, &token) {
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
    Err(Stop::SignIn {
        anew: asks_anew(request),
    })
}

/// Whether the request is for a sign-in that has not happened yet. `max_age=0` is (OpenID Connect Core §3.1.2.1), also
/// within the second of the last one.
fn asks_anew(request: &AuthorizeRequest) -> bool {
    request.prompt.login || request.prompt.select_account || request.max_age == Some(0)
}

/// Whether the person signed in lately enough. What counts is what stands in the database, never the address: a
/// request that asks for a new sign-in gets it, unless it waited for one that has come since.
fn is_enough(
    app: &App,
    checked: &Checked,
    request: &AuthorizeRequest,
    session: &Session,
    token: &Token,
) -> bool {
    let followed = followed(checked, session, token);
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
        let most = if followed { most.max(WAY_BACK) } else { most };
        (0..=most).contains(&age)
    });
    recent && (followed || !asks_anew(request))
}

/// Whether the request waited, and the person has signed in since.
fn followed(checked: &Checked, session: &Session, token: &Token) -> bool {
    let waited = checked.waited.as_ref();
    waited.is_some_and(|waited| waited.request.is_followed_by(session, token))
}
