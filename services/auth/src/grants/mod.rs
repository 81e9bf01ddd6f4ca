//! Grants: authorization codes, refresh tokens and access tokens, and their revocation.

mod codes;
mod id_token_hint;
mod issuer;
mod model;
mod refresh;
mod revocations;
mod settings;
mod store;
mod tokens;

#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::Token;
use contract::TokenReuseDetected;
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use sqlx::types::Json;
use uuid::Uuid;

pub use codes::{CodeRedemption, NewCode, issue_code, redeem_code};
pub use id_token_hint::{IdTokenHint, id_token_hint};
pub use issuer::{Issuer, IssuerError};
pub(crate) use model::is_privileged;
pub use model::{Grant, GrantError, audiences, client_scope, subject_scope};
pub use refresh::refresh;
pub use revocations::{DeletedClient, Revocations, revocations};
pub use settings::TokenSettings;
use store::GrantRow;
use tokens::TokenInput;

use crate::accounts;
use crate::app::App;
use crate::clients::{Client, GrantType};
use crate::subjects;

/// How long an ended grant is kept, to detect the reuse of its codes and tokens.
const GRANT_RETENTION: Duration = Duration::from_secs(86_400);

/// The tokens of a grant before they are signed. They are signed after the commit, so that a signature holds
/// no transaction.
struct PendingTokens {
    grant: GrantRow,
    scope: Scope,
    groups: Vec<String>,
    nonce: Option<String>,
    refresh_token: Option<Token>,
    now: Timestamp,
}

impl PendingTokens {
    fn sign(self, app: &App, client: &Client, audiences: &[Resource]) -> Result<TokenResponse, GrantError> {
        tokens::sign_subject_tokens(
            app,
            TokenInput {
                grant: &self.grant,
                client,
                scope: self.scope,
                audiences,
                groups: self.groups,
                nonce: self.nonce,
                refresh_token: self.refresh_token.map(|token| token.expose().to_owned()),
                now: self.now,
            },
        )
    }
}

/// Issues tokens to `client` for a signed-in subject without a code.
///
/// # Errors
/// `invalid_grant` when the subject may not sign in.
pub async fn issue(
    app: &App,
    tx: &mut Tx,
    client: &Client,
    grant: Grant,
) -> Result<TokenResponse, GrantError> {
    let id = app.random.uuid(&*app.clock);
    let audiences = grant.audiences.clone();
    create_grant(app, tx, client, id, grant)
        .await?
        .sign(app, client, &audiences)
}

/// Issues an access token to a client for itself (RFC 6749 §4.4).
///
/// # Errors
/// `invalid_scope`, `invalid_target`.
pub fn issue_client_token(
    app: &App,
    client: &Client,
    asked: Option<&Scope>,
    resources: &[Resource],
) -> Result<TokenResponse, GrantError> {
    let scope = client_scope(client, asked)?;
    tokens::sign_client_token(app, client, scope, &audiences(app, client, resources)?)
}

async fn create_grant(
    app: &App,
    tx: &mut Tx,
    client: &Client,
    id: Uuid,
    grant: Grant,
) -> Result<PendingTokens, GrantError> {
    let subject = subjects::find(tx, grant.subject)
        .await?
        .filter(|subject| subject.active)
        .ok_or_else(model::invalid_grant)?;
    let now = app.clock.now();
    let refreshes = client.may_use(GrantType::RefreshToken);
    let tokens = &app.settings.tokens;
    let life = if refreshes {
        Duration::from_secs(u64::from(tokens.refresh_days) * 86_400)
    } else {
        Duration::from_secs(u64::from(tokens.access_seconds))
    };
    let mut rotation_secret = vec![0; 32];
    app.random.fill(&mut rotation_secret);
    let row = GrantRow {
        id,
        client_id: client.id.to_string(),
        subject: grant.subject,
        session_id: grant.session_id,
        scope: grant.scope.to_string(),
        audiences: Json(grant.audiences),
        auth_time: grant.auth_time,
        amr: Json(grant.amr),
        offline: grant.scope.contains("offline_access"),
        rotation_secret,
        created_at: now,
        expires_at: now + life,
    };
    store::insert_grant(tx, &row).await?;
    let refresh_token = if refreshes {
        let token = app.random.token();
        store::insert_refresh_token(tx, &token.hash(), id, now).await?;
        Some(token)
    } else {
        None
    };
    Ok(PendingTokens {
        grant: row,
        scope: grant.scope,
        groups: subject.groups,
        nonce: grant.nonce,
        refresh_token,
        now,
    })
}

/// Revokes a grant whose code or refresh token was reused, and appends the event. It needs its own
/// transaction, which locks the account before the grant, in the same order as the end of a session. The
/// transaction that detected the reuse holds the grant and must have ended.
async fn revoke_reused(app: &App, grant: Uuid, subject: Uuid, client: &Client) -> Result<(), DbError> {
    let mut tx = app.db.begin("token_reuse").await?;
    accounts::store::lock(&mut tx, subject).await?;
    if !store::revoke(&mut tx, grant, app.clock.now()).await? {
        return Ok(());
    }
    tracing::warn!(
        event.action = "token-reuse",
        event.outcome = "failure",
        user.id = %subject,
        client.id = client.id.as_str(),
        "a code or a refresh token came a second time; what it gave is revoked"
    );
    metrics::counter!("vestibule_token_reuse_total").increment(1);
    let event = |version| TokenReuseDetected {
        id: subject,
        client_id: client.id.to_string(),
        family: grant,
        version,
    };
    accounts::append_event(app, &mut tx, subject, event).await?;
    tx.commit().await
}

/// Whether a grant is live, which means not revoked.
///
/// # Errors
/// When the database fails.
pub async fn is_live(db: &mut impl Connection, id: Uuid) -> Result<bool, DbError> {
    store::is_live(db, id).await
}

/// Revokes the grant of a refresh token of `client` (RFC 7009 §2.1). Returns whether it was live.
///
/// # Errors
/// When the database fails.
pub async fn revoke_refresh_token(app: &App, client: &Client, presented: &str) -> Result<bool, DbError> {
    let hash = Token::new(presented).hash();
    let Some(row) = store::find_refresh_token(&mut app.db.reader().await?, hash.as_bytes()).await? else {
        return Ok(false);
    };
    revoke_grant(app, client, row.grant_id).await
}

/// Revokes a grant of `client`. Returns whether it was live.
///
/// # Errors
/// When the database fails.
pub async fn revoke_grant(app: &App, client: &Client, id: Uuid) -> Result<bool, DbError> {
    let now = app.clock.now();
    let mut tx = app.db.begin("revoke").await?;
    let theirs = store::lock_grant(&mut tx, id, now)
        .await?
        .is_some_and(|grant| grant.client_id == client.id.as_str());
    let revoked = theirs && store::revoke(&mut tx, id, now).await?;
    tx.commit().await?;
    Ok(revoked)
}

/// Revokes the grants of a session, except those with `offline_access`. Returns their number.
///
/// # Errors
/// When the database fails.
pub async fn revoke_for_session(tx: &mut Tx, session: Uuid, now: Timestamp) -> Result<u64, DbError> {
    store::revoke_session(tx, session, now).await
}

/// Revokes all grants of a subject. Returns their number.
///
/// # Errors
/// When the database fails.
pub async fn revoke_for_account(tx: &mut Tx, account: Uuid, now: Timestamp) -> Result<u64, DbError> {
    store::revoke_subject(tx, account, now).await
}

/// Revokes all grants of a deleted client and records that its own tokens are void. Returns the number of
/// grants.
///
/// # Errors
/// When the database fails.
pub async fn revoke_for_client(tx: &mut Tx, client: &str, now: Timestamp) -> Result<u64, DbError> {
    store::insert_deleted_client(tx, client, now).await?;
    store::revoke_client(tx, client, now).await
}

/// Deletes codes and grants that ended a day ago. Returns their number.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App) -> Result<u64, DbError> {
    let mut tx = app.db.begin("sweep_grants").await?;
    let gone = store::sweep(&mut tx, app.clock.now() - GRANT_RETENTION).await?;
    tx.commit().await?;
    Ok(gone)
}

/// Revokes every grant and deletes every code, because the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(crate) async fn revoke_all(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    store::revoke_all(tx, now).await
}
