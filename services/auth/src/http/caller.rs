//! Whether the person behind an access token may still act.

use axum::extract::FromRequestParts;
use chassis::access::{AccessToken, Bearer};
use chassis::db::Reader;
use chassis::http::Problem;
use http::request::Parts;
use uuid::Uuid;

use crate::app::SharedApp;
use crate::grants;
use crate::subjects::{self, Subject};

/// An access token of an application, or of a person who may still act: whoever was deactivated or deleted, and whose
/// grant was revoked, is refused though the token still verifies (SB-15).
#[derive(Clone, Copy, Debug)]
pub(crate) struct StillGood;

impl FromRequestParts<SharedApp> for StillGood {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Bearer::from_request_parts(parts, app).await?;
        if !token.is_of_client() {
            person(&mut app.db.reader().await?, &token).await?;
        }
        Ok(Self)
    }
}

/// The person whose token it is, if they are active and the grant lives.
pub(super) async fn person(reader: &mut Reader, token: &AccessToken) -> Result<Subject, Problem> {
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
