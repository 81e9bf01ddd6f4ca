//! Grants: what people have let clients do, with the codes and refresh tokens that stand for it, and their
//! revocation. Tokens are issued for them in [`crate::tokens`].

pub(crate) mod devices;
mod json_text;
mod revocations;
mod settings;
mod store;

use std::time::Duration;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Connection, Db, DbError, Tx};
use chassis::secret::Token;
use contract::TokenReuseDetected;
use oidc::grant::GrantDetails;
use oidc::resource::Resource;
use sqlx::types::Json;
use uuid::Uuid;

pub(crate) use json_text::JsonText;
pub use revocations::{DeletedClient, Revocations};
pub(crate) use settings::MAX_CODE_LIFETIME;
// What `crate::tokens` asks of the rows, in its transactions.
pub use settings::TokenSettings;
pub(crate) use store::{
    CodeConditions, CodeRow, GrantRow, RefreshRow, bind_grant, bound_key, consume_code, find_code, find_live,
    find_refresh_token, insert_code, insert_grant, insert_refresh_token, is_token_revoked, lock_grant,
    rotate,
};

use crate::accounts::{self, Accounts};
use crate::keys::KeyRing;

/// The time for which an ended grant is kept, to detect the reuse of its codes and tokens.
const GRANT_RETENTION: Duration = Duration::from_secs(86_400);

/// The number of revoked tokens of one client that have not expired. Each replica of `users` holds the list in memory, and a
/// client can have as many tokens as it likes, because nothing is stored for one.
pub(crate) const MAX_REVOKED_TOKENS: i64 = 10_000;

/// An access token that a client has for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientToken<'a> {
    /// The `gid` in it.
    pub(crate) id: Uuid,
    /// The client.
    pub(crate) client_id: &'a str,
    /// The `exp` in it.
    pub(crate) expires_at: Timestamp,
}

/// The reason why a token of a client cannot be revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevokeError {
    /// The client has revoked too many tokens that have not expired.
    #[error("too many revoked tokens of the client have not expired yet")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The grants of this installation.
#[derive(Clone)]
pub struct Grants {
    db: Db,
    clock: SharedClock,
    accounts: Accounts,
    keys: KeyRing,
    /// The lifetime of an access token.
    access_lifetime: Duration,
}

impl Grants {
    /// The grants that stand in `db`.
    pub fn new(
        db: Db,
        clock: SharedClock,
        accounts: Accounts,
        keys: KeyRing,
        settings: &TokenSettings,
    ) -> Self {
        Self {
            db,
            clock,
            accounts,
            keys,
            access_lifetime: Duration::from_secs(u64::from(settings.access_seconds)),
        }
    }

    /// Revokes a grant whose code or refresh token was reused, and appends the event. It needs its own
    /// transaction, which locks the account before the grant, in the same order as the end of a session. The
    /// transaction that detected the reuse holds the grant and must have ended.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn revoke_reused(
        &self,
        grant: Uuid,
        subject: Uuid,
        client: &str,
    ) -> Result<(), DbError> {
        let mut tx = self.db.begin("token_reuse").await?;
        accounts::lock(&mut tx, subject).await?;
        if !store::revoke(&mut tx, grant, self.clock.now()).await? {
            return Ok(());
        }
        tracing::warn!(
            event.action = "token-reuse",
            event.outcome = "failure",
            user.id = %subject,
            client.id = client,
            "authorization code or refresh token reused: grant revoked"
        );
        metrics::counter!("vestibule_token_reuse_total").increment(1);
        let event = |version| TokenReuseDetected {
            id: subject,
            client_id: client.to_owned(),
            family: grant,
            version,
        };
        self.accounts.append_event(&mut tx, subject, event).await?;
        tx.commit().await
    }

    /// Revokes the grant of a refresh token of `client` (RFC 7009 §2.1). Returns whether it was live.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_refresh_token(&self, client: &str, presented: &str) -> Result<bool, DbError> {
        let hash = Token::new(presented).hash();
        let Some(row) = store::find_refresh_token(&mut self.db.reader().await?, hash.as_bytes()).await?
        else {
            return Ok(false);
        };
        self.revoke_grant(client, row.grant_id).await
    }

    /// Revokes a grant of `client`. Returns whether it was live.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_grant(&self, client: &str, id: Uuid) -> Result<bool, DbError> {
        let now = self.clock.now();
        let mut tx = self.db.begin("revoke").await?;
        let theirs = store::lock_grant(&mut tx, id, now)
            .await?
            .is_some_and(|grant| grant.client_id == client);
        let revoked = theirs && store::revoke(&mut tx, id, now).await?;
        tx.commit().await?;
        Ok(revoked)
    }

    /// Revokes an access token that a client has for itself.
    ///
    /// # Errors
    /// [`RevokeError::TooMany`], and when the database fails.
    pub(crate) async fn revoke_client_token(&self, token: ClientToken<'_>) -> Result<(), RevokeError> {
        let now = self.clock.now();
        if token.expires_at + revocations::REVOKED_TOKEN_RETENTION <= now {
            return Ok(());
        }
        if store::is_token_revoked(&mut self.db.reader().await?, token.id).await? {
            return Ok(());
        }
        let mut tx = self.db.begin("revoke_client_token").await?;
        if !store::insert_revoked_token(&mut tx, &token, now, MAX_REVOKED_TOKENS).await? {
            // Another request may have revoked it meanwhile.
            return match store::is_token_revoked(&mut tx, token.id).await? {
                true => Ok(()),
                false => Err(RevokeError::TooMany),
            };
        }
        tx.commit().await?;
        tracing::info!(
            event.action = "client-token-revoked",
            event.outcome = "success",
            client.id = token.client_id,
            "client revoked an access token that it had for itself"
        );
        Ok(())
    }

    /// Deletes codes and grants that ended a day ago, device codes that have expired, and the revoked tokens of clients that have expired. Returns the number of
    /// the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<u64, DbError> {
        let now = self.clock.now();
        let mut tx = self.db.begin("sweep_grants").await?;
        store::sweep_revoked_tokens(&mut tx, now - revocations::REVOKED_TOKEN_RETENTION).await?;
        let gone = store::sweep(&mut tx, now - GRANT_RETENTION).await?;
        let devices = devices::sweep(&mut tx, now, now - GRANT_RETENTION).await?;
        tx.commit().await?;
        Ok(gone + devices)
    }
}

/// A grant that has not ended.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct LiveGrant {
    /// The client.
    pub(crate) client_id: String,
    /// The granted scope, separated by spaces.
    pub(crate) scope: String,
    /// The audiences of its tokens.
    pub(crate) audiences: Json<Vec<Resource>>,
    /// The time at which it was created.
    pub(crate) created_at: Timestamp,
}

/// The grants of a subject that have not ended, the earliest first.
///
/// # Errors
/// When the database fails.
pub(crate) async fn live_of_subject(
    db: &mut impl Connection,
    subject: Uuid,
    now: Timestamp,
) -> Result<Vec<LiveGrant>, DbError> {
    store::live_of_subject(db, subject, now).await
}

/// True if a grant is live, which means not revoked.
///
/// # Errors
/// When the database fails.
pub async fn is_live(db: &mut impl Connection, id: Uuid) -> Result<bool, DbError> {
    Ok(store::holder(db, id).await?.is_some())
}

/// The subject of a live grant, whatever the `sub` of its tokens is, and its session.
///
/// # Errors
/// When the database fails.
pub(crate) async fn holder(
    db: &mut impl Connection,
    id: Uuid,
) -> Result<Option<(Uuid, Option<Uuid>)>, DbError> {
    store::holder(db, id).await
}

/// The subject and the details of a grant, for a token of `client`. `None` if it was revoked.
///
/// # Errors
/// When the database fails.
pub(crate) async fn find_details(
    db: &mut impl Connection,
    id: Uuid,
    client: &str,
) -> Result<Option<(Uuid, GrantDetails)>, DbError> {
    let found = store::find_details(db, id, client).await?;
    Ok(found.map(|(subject, details)| (subject, details.map(|details| details.0).unwrap_or_default())))
}

/// Revokes the grants of a session, except those with `offline_access`. Returns their number.
///
/// # Errors
/// When the database fails.
pub async fn revoke_for_session(tx: &mut Tx, session: Uuid, now: Timestamp) -> Result<u64, DbError> {
    devices::delete_by_session(tx, session).await?;
    store::revoke_session(tx, session, now).await
}

/// Revokes all grants of a subject. Returns their number.
///
/// # Errors
/// When the database fails.
pub async fn revoke_for_account(tx: &mut Tx, account: Uuid, now: Timestamp) -> Result<u64, DbError> {
    devices::delete_by_subject(tx, account).await?;
    store::revoke_subject(tx, account, now).await
}

/// Revokes what a client has for a subject. Returns the number of codes, those of devices too, and grants.
///
/// # Errors
/// When the database fails.
pub(crate) async fn revoke_for_subject_of_client(
    tx: &mut Tx,
    subject: Uuid,
    client: &str,
    now: Timestamp,
) -> Result<u64, DbError> {
    let devices = devices::delete_by_subject_of_client(tx, subject, client, now).await?;
    Ok(devices + store::revoke_subject_of_client(tx, subject, client, now).await?)
}

/// Revokes all grants of a client that was deleted, or knows people by other identifiers from now on, and voids the access tokens that it was issued up to `void_until`. Returns the number
/// of grants.
///
/// # Errors
/// When the database fails.
pub async fn revoke_for_client(
    tx: &mut Tx,
    client: &str,
    now: Timestamp,
    void_until: Timestamp,
) -> Result<u64, DbError> {
    store::void_client_tokens(tx, client, void_until).await?;
    devices::delete_by_client(tx, client).await?;
    store::revoke_client(tx, client, now).await
}

/// Voids the access tokens that a client was issued up to `until`, because it may do less than before. Its grants live on.
///
/// # Errors
/// When the database fails.
pub async fn void_tokens_of_client(tx: &mut Tx, client: &str, until: Timestamp) -> Result<(), DbError> {
    store::void_client_tokens(tx, client, until).await
}

/// Revokes every grant and deletes every code, device codes too, because the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(crate) async fn revoke_all(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    devices::delete_all(tx).await?;
    store::revoke_all(tx, now).await
}
