//! Checks that the holder of an access token is still active (SB-15).

use axum::extract::FromRequestParts;
use chassis::access::{AccessToken, Bearer, BoxFuture, HasVerifier, Verifier};
use chassis::db::Reader;
use chassis::http::Problem;
use http::request::Parts;
use uuid::Uuid;

use super::sign_in_gate::check_people_admitted;
use crate::app::{App, SharedApp};
use crate::grants;
use crate::subjects::{self, Subject};
use crate::tokens;

/// Extracts an access token whose holder is still active: a registered client, or an active subject with a
/// live grant. A privileged token needs a subject who still administers. Other tokens are rejected although
/// they verify (SB-15).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActiveCaller;

impl FromRequestParts<SharedApp> for ActiveCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Problem> {
        let token = Bearer::from_request_parts(parts, app).await?;
        check_active(app, &token).await.map(|()| Self)
    }
}

impl HasVerifier for SharedApp {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn recheck<'a>(&'a self, token: &'a AccessToken) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(check_active(self, token))
    }
}

/// Checks that the holder of a verified access token is still active.
///
/// # Errors
/// 401 when it is not. 503 for subjects while sign-in is closed after a restoration.
async fn check_active(app: &App, token: &AccessToken) -> Result<(), Problem> {
    let holds = if token.is_of_client() {
        app.clients.find(&token.client_id).await?.is_some()
    } else {
        check_people_admitted(&app.sign_in_gate)?;
        let subject = active_subject(&mut app.db.reader().await?, token).await?;
        subject.is_administrator() || !token.scopes.iter().any(|scope| tokens::is_privileged(scope))
    };
    if holds { Ok(()) } else { Err(revoked()) }
}

/// The subject of an access token, when the subject is active and the grant is live.
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
