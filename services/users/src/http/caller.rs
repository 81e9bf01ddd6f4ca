//! Who calls, and what they may do.

use std::time::Duration;

use axum::extract::FromRequestParts;
use chassis::access::{AccessToken, OpenId, Scope, Scoped};
use chassis::http::Problem;
use contract::UserId;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;

use crate::app::{App, SharedApp};
use crate::groups;
use crate::users;

/// A person with a token of their own (scope `openid`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    /// Who it is: the `sub` of the token, nothing that the request says.
    pub(crate) id: UserId,
}

impl FromRequestParts<SharedApp> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Scoped::<OpenId>::from_request_parts(parts, app).await?.token;
        // Not when `auth` is away: a person's own data is served until the token expires.
        if app.revocations.contains(&token) {
            return Err(no_longer_valid());
        }
        person_of(&token).map(|id| Self { id }).ok_or_else(|| {
            Problem::forbidden("This needs the token of a person; the token is an application's.")
        })
    }
}

/// An application, or an administrator, with the scope `S`, which is a privileged one. A token whose grant or client is
/// gone, and that of a person who was deactivated or deleted or administers no more, is refused though it verifies
/// (SB-47); all are refused with 503 while nobody can tell.
#[derive(Clone, Debug)]
pub(crate) struct Directory<S> {
    scope: std::marker::PhantomData<S>,
    /// The `client_id` of an application that acts for itself; nothing when a person is behind it.
    pub(crate) client: Option<String>,
}

impl<S: Scope> FromRequestParts<SharedApp> for Directory<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Scoped::<S>::from_request_parts(parts, app).await?.token;
        still_honoured(app, &token).await?;
        Ok(Self {
            scope: std::marker::PhantomData,
            client: token.is_of_client().then(|| token.client_id.clone()),
        })
    }
}

/// Whether a token with a privileged scope, which was verified, may still be used.
///
/// # Errors
/// 401 when not; 503 when `auth` was not heard for five seconds.
pub(crate) async fn still_honoured(app: &App, token: &AccessToken) -> Result<(), Problem> {
    // `auth` itself: nobody revokes its tokens, and that it asks shows that it is there.
    if token.is_of_client() && token.client_id == app.registrar {
        return Ok(());
    }
    if app.revocations.contains(token) {
        return Err(no_longer_valid());
    }
    if !app.revocations.becomes_fresh().await {
        return Err(Problem::unavailable(Duration::from_secs(1)).detail(
            "The authentication service is not heard; whether this token was revoked cannot be told.",
        ));
    }
    // RFC 9068 §2.2: a client that acts for itself is its own subject.
    if token.is_of_client() {
        return Ok(());
    }
    let id = person_of(token).ok_or_else(no_longer_valid)?;
    let mut reader = app.db.reader().await?;
    let active = users::find_stored(&mut reader, id)
        .await?
        .is_some_and(|person| person.active);
    if active && groups::is_administrator(&mut reader, id).await? {
        Ok(())
    } else {
        Err(no_longer_valid())
    }
}

fn person_of(token: &AccessToken) -> Option<UserId> {
    if token.is_of_client() {
        return None;
    }
    token.subject.parse().ok()
}

/// The answer to the token of a person who may no longer do anything (RFC 6750 §3.1: `invalid_token` is also for a
/// token that was revoked).
pub(crate) fn no_longer_valid() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "Authentication is needed",
    )
    .detail("This token is no longer valid.")
    .header(
        WWW_AUTHENTICATE,
        "Bearer error=\"invalid_token\", error_description=\"the token is no longer valid\"",
    )
}
