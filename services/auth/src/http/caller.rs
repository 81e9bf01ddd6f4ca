//! Whether the person behind an access token may still act.

use axum::extract::FromRequestParts;
use chassis::access::{AccessToken, Bearer};
use chassis::db::Reader;
use chassis::http::Problem;
use http::request::Parts;
use uuid::Uuid;

use crate::app::{App, SharedApp};
use crate::clients;
use crate::grants;
use crate::restore;
use crate::subjects::{self, Subject};

/// An access token of an application that is still registered, or of a person who may still act: whoever was
/// deactivated or deleted, administers no more, or had their grant revoked is refused though the token still verifies
/// (SB-15).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActiveCaller;

impl FromRequestParts<SharedApp> for ActiveCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Bearer::from_request_parts(parts, app).await?;
        check_active(app, &token).await.map(|()| Self)
    }
}

/// Whether the holder of a token that was verified may still act.
///
/// # Errors
/// 401 when not; 503 for people after a restoration, until it is known who may.
pub(crate) async fn check_active(app: &App, token: &AccessToken) -> Result<(), Problem> {
    let holds = if token.is_of_client() {
        clients::find(app, &token.client_id).await?.is_some()
    } else {
        restore::check_people_admitted(app)?;
        let subject = active_subject(&mut app.db.reader().await?, token).await?;
        subject.is_administrator() || !token.scopes.iter().any(|scope| grants::is_privileged(scope))
    };
    if holds { Ok(()) } else { Err(revoked()) }
}

/// The person whose token it is, if they are active and the grant lives.
pub(super) async fn active_subject(reader: &mut Reader, token: &AccessToken) -> Result<Subject, Problem> {
    let grant = token.grant.as_deref().and_then(|id| id.parse::<Uuid>().ok());
    if let Some(grant) = grant
        && !grants::is_live(reader, grant).await?
    {
        return Err(revoked());
    }
    let subject = match token.subject.parse::<Uuid>() {
        Ok(id) => subjects::find(reader, id).await?,
        Err(_) => None,
    };
    subject.filter(|subject| subject.active).ok_or_else(revoked)
}

fn revoked() -> Problem {
    Problem::unauthorized(r#"Bearer error="invalid_token""#).detail("The token was revoked.")
}
