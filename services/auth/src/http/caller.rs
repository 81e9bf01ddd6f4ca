//! Checks that the holder of an access token is still active (SB-15).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use chassis::access::{AccessToken, Bearer, BoxFuture, HasVerifier, Verifier, revoked_token};
use chassis::db::Reader;
use chassis::http::Problem;
use http::request::Parts;
use oidc::grant::GrantDetails;
use uuid::Uuid;

use super::sign_in_gate::check_people_admitted;
use crate::app::{App, SharedApp};
use crate::clients::{Client, Clients};
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
    check_client(&app.clients, token).await?;
    let holds = if token.is_of_client() {
        !is_token_revoked(app, token).await?
    } else {
        check_people_admitted(&app.sign_in_gate)?;
        let subject = active_subject(&mut app.db.reader().await?, token).await?;
        // Who acts is recorded by their id, so that a token with a pairwise `sub` is for userinfo alone.
        if subject.id.to_string() != token.subject {
            return Err(revoked_token(token));
        }
        subject.is_administrator() || !token.scopes.iter().any(|scope| tokens::is_privileged(scope))
    };
    if holds { Ok(()) } else { Err(revoked_token(token)) }
}

/// Checks that the client of an access token still exists, and that nothing was taken from it since the token was issued, nor from the
/// clients before it, if the token was exchanged (SB-47).
///
/// # Errors
/// 401 otherwise.
pub(super) async fn check_client(clients: &Clients, token: &AccessToken) -> Result<Arc<Client>, Problem> {
    for id in &token.client_chain {
        find_client(clients, token, id).await?;
    }
    find_client(clients, token, &token.client_id).await
}

/// One of the clients of an access token.
async fn find_client(clients: &Clients, token: &AccessToken, id: &str) -> Result<Arc<Client>, Problem> {
    let client = clients.find(id).await?;
    client
        .filter(|client| !client.has_voided(token.issued_at))
        .ok_or_else(|| revoked_token(token))
}

/// True if a client has revoked a token that it has for itself (RFC 7009, SB-47).
async fn is_token_revoked(app: &App, token: &AccessToken) -> Result<bool, Problem> {
    match token.grant.as_deref().and_then(|id| id.parse::<Uuid>().ok()) {
        Some(id) => Ok(grants::is_token_revoked(&mut app.db.reader().await?, id).await?),
        None => Ok(false),
    }
}

/// The subject of an access token, when the subject is active and the grant is live. A pairwise `sub` is known by the grant.
pub(super) async fn active_subject(reader: &mut Reader, token: &AccessToken) -> Result<Subject, Problem> {
    Ok(active_grant(reader, token).await?.0)
}

/// The subject of an access token and what its grant gives beside the scope, when the subject is active and the grant is live.
pub(super) async fn active_grant(
    reader: &mut Reader,
    token: &AccessToken,
) -> Result<(Subject, GrantDetails), Problem> {
    let grant = token.grant.as_deref().and_then(|id| id.parse::<Uuid>().ok());
    let (id, details) = match grant {
        Some(grant) => {
            let found = grants::find_details(reader, grant, &token.client_id).await?;
            let (id, details) = found.ok_or_else(|| revoked_token(token))?;
            (Some(id), details)
        }
        None => (token.subject.parse().ok(), GrantDetails::default()),
    };
    let subject = match id {
        Some(id) => subjects::find(reader, id).await?,
        None => None,
    };
    subject
        .filter(|subject| subject.active)
        .map(|subject| (subject, details))
        .ok_or_else(|| revoked_token(token))
}
