//! The decision of the authorization endpoint: a code, an error for the client, or a sign-in first (OpenID
//! Connect Core §3.1.2).

use chassis::clock::SKEW;
use chassis::http::Problem;
use chassis::secret::Token;
use http::HeaderMap;
use oidc::authorize::AuthorizationRequest;
use oidc::error::{ErrorCode, OAuthError};

use super::ValidatedRequest;
use crate::app::App;
use crate::clients::{Client, GrantType};

use crate::pages;
use crate::sessions::Session;
use crate::subjects;
use crate::tokens::{self, Grant, GrantError, NewCode};

/// The seconds that a browser may take from the sign-in back to the authorization request.
const REDIRECT_ALLOWANCE: i64 = 60;

/// The outcome of an authorization request that gets no code.
pub(super) enum AuthorizationOutcome {
    /// The client gets an error response (RFC 6749 §4.1.2.1).
    Error(OAuthError),
    /// The person has to sign in first.
    SignInRequired {
        /// Whether the request requires a new sign-in, so that an existing session is not sufficient.
        fresh: bool,
    },
    /// The service failed.
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

/// Decides an authorization request and issues its code.
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
    let request = validated.unverified.validate()?;
    if request.code_challenge.is_none() && (client.metadata.require_pkce || client.metadata.is_public()) {
        return Err(ErrorCode::InvalidRequest
            .because("PKCE is required: send code_challenge with code_challenge_method=S256")
            .into());
    }
    let audiences = app.tokens.audiences(client, &request.resources)?;
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
        scope: tokens::subject_scope(client, &subject, &request.scope)?,
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
    Ok(app.tokens.issue_code(new).await?.expose().to_owned())
}

/// The `sub` of the `id_token_hint`. An expired hint is valid (OpenID Connect Core §3.1.2.1).
fn hinted_subject(
    app: &App,
    client: &Client,
    request: &AuthorizationRequest,
) -> Result<Option<String>, OAuthError> {
    let Some(hint) = &request.id_token_hint else {
        return Ok(None);
    };
    app.tokens
        .id_token_hint(hint)
        .verified()
        .filter(|claims| claims.aud == client.id.as_str())
        .map(|claims| Some(claims.sub))
        .ok_or_else(|| {
            ErrorCode::InvalidRequest.because("id_token_hint is not an ID token that this client got here")
        })
}

/// The session of the browser, when it is sufficient for the request.
async fn sufficient_session(
    app: &App,
    headers: &HeaderMap,
    validated: &ValidatedRequest,
    request: &AuthorizationRequest,
) -> Result<Session, AuthorizationOutcome> {
    let hinted_subject = hinted_subject(app, &validated.client, request)?;
    if let Some(token) = pages::session_token(&app.pages, headers)
        && let Some(session) = app.sessions.find(&token).await?
        && is_sufficient(app, validated, request, &session, &token)
    {
        let other = hinted_subject.is_some_and(|subject| subject != session.account_id.to_string());
        if !other {
            return Ok(session);
        }
        // A person who was asked to sign in as the subject of the hint and signed in as another is not asked
        // again.
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

/// Whether the request requires a new sign-in. `max_age=0` does, also within the second of the last one
/// (OpenID Connect Core §3.1.2.1).
fn requires_fresh_sign_in(request: &AuthorizationRequest) -> bool {
    request.prompt.login || request.prompt.select_account || request.max_age == Some(0)
}

/// Whether the session is recent enough for `max_age` and `prompt`. The database decides and never the
/// address: a request that requires a new sign-in gets it, unless the person has signed in since the request
/// was saved.
fn is_sufficient(
    app: &App,
    validated: &ValidatedRequest,
    request: &AuthorizationRequest,
    session: &Session,
    token: &Token,
) -> bool {
    let signed_in_since_request = signed_in_since_request(validated, session, token);
    // The age is in whole seconds, as the client reads `auth_time`. The clock of the replica that signed the
    // person in may be a little ahead. A sign-in from further in the future has an unknown age, because the
    // clock was set back.
    let (now, at) = (app.clock.now(), session.auth_time);
    let age = match at > now && at <= now + SKEW {
        true => 0,
        false => now.as_secs() - at.as_secs(),
    };
    let recent = request.max_age.is_none_or(|most| {
        let most = i64::from(most);
        // A browser that returns from the sign-in for this request gets an allowance. Otherwise it would
        // never arrive.
        let most = if signed_in_since_request {
            most.max(REDIRECT_ALLOWANCE)
        } else {
            most
        };
        (0..=most).contains(&age)
    });
    recent && (signed_in_since_request || !requires_fresh_sign_in(request))
}

/// Whether the request was saved and the person has signed in since.
fn signed_in_since_request(validated: &ValidatedRequest, session: &Session, token: &Token) -> bool {
    let resumed = validated.resumed.as_ref();
    resumed.is_some_and(|resumed| resumed.request.is_answered_by(session, token))
}
