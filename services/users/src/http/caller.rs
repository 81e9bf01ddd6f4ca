//! Who calls, and what they may do.

use axum::extract::FromRequestParts;
use chassis::access::{AccessToken, OpenId, Scope, Scoped};
use chassis::http::Problem;
use events::contract::UserId;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;

use crate::app::SharedApp;
use crate::people;

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
        person_of(&token).map(|id| Self { id }).ok_or_else(|| {
            Problem::forbidden("This needs the token of a person; the token is an application's.")
        })
    }
}

/// An application, or a person with the scope `S`, acting on the directory. A person who was deactivated or deleted
/// since the token was given is refused, though the token still verifies.
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
        // RFC 9068 §2.2: a client that acts for itself is its own subject.
        if !token.is_of_client() {
            let mut reader = app.db.reader().await?;
            let person = match person_of(&token) {
                Some(id) => people::find_stored(&mut reader, id).await?,
                None => None,
            };
            if !person.is_some_and(|person| person.active) {
                return Err(no_longer_valid());
            }
        }
        Ok(Self {
            scope: std::marker::PhantomData,
            client: token.is_of_client().then(|| token.client_id.clone()),
        })
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
