//! Grants: what people have let clients do, with the codes and refresh tokens that stand for it, and their
//! revocation. Tokens are issued for them in [`crate::tokens`].

mod revocations;
mod settings;
mod store;

use std::time::Duration;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Connection, Db, DbError, Tx};
use chassis::secret::Token;
use contract::TokenReuseDetected;
use uuid::Uuid;

pub use revocations::{DeletedClient, Revocations};
pub(crate) use settings::MAX_CODE_LIFETIME;
// What `crate::tokens` asks of the rows, in its transactions.
pub use settings::TokenSettings;
pub(crate) use store::{
    CodeRow, GrantRow, RefreshRow, consume_code, find_code, find_refresh_token, insert_code, insert_grant,
    insert_refresh_token, lock_grant, rotate,
};

use crate::accounts::{self, Accounts};
use crate::keys::KeyRing;

/// The time for which an ended grant is kept, to detect the reuse of its codes and tokens.
const GRANT_RETENTION: Duration = Duration::from_secs(86_400);

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

    /// Deletes codes and grants that ended a day ago. Returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<u64, DbError> {
        let mut tx = self.db.begin("sweep_grants").await?;
        let gone = store::sweep(&mut tx, self.clock.now() - GRANT_RETENTION).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// True if a grant is live, which means not revoked.
///
/// # Errors
/// When the database fails.
pub async fn is_live(db: &mut impl Connection, id: Uuid) -> Result<bool, DbError> {
    store::is_live(db, id).await
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

/// Revokes every grant and deletes every code, because the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(crate) async fn revoke_all(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    store::revoke_all(tx, now).await
}
