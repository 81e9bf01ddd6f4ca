//! The end of sessions: of one, of all of an account, and of those that are over.

use chassis::db::{DbError, Tx};
use contract::SessionEnded;
use uuid::Uuid;

use super::{Session, SessionEnd, Sessions, store};
use crate::{accounts, grants, logouts, registration};

impl Sessions {
    /// Ends one session and revokes its grants. Returns whether it existed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end(&self, tx: &mut Tx, id: Uuid, reason: SessionEnd) -> Result<bool, DbError> {
        Ok(self.end_one(tx, id, reason).await?.is_some())
    }

    /// Ends one session. Returns the clients with a logout URI that took part in it, or `None` when it did not exist.
    async fn end_one(
        &self,
        tx: &mut Tx,
        id: Uuid,
        reason: SessionEnd,
    ) -> Result<Option<Vec<String>>, DbError> {
        let Some(account) = store::account_of(tx, id).await? else {
            return Ok(None);
        };
        accounts::lock(tx, account).await?;
        if !store::delete(tx, id).await? {
            return Ok(None);
        }
        self.record_end(tx, account, id, reason).await.map(Some)
    }

    /// Ends a session, because the person signs out. Returns the clients with a logout URI that took part in it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sign_out(&self, session: &Session) -> Result<Vec<String>, DbError> {
        let mut tx = self.db.begin("sign_out").await?;
        let clients = self.end_one(&mut tx, session.id, SessionEnd::SignedOut).await?;
        tx.commit().await?;
        tracing::info!(event.action = "sign-out", event.outcome = "success", user.id = %session.account_id, "user signed out");
        Ok(clients.unwrap_or_default())
    }

    /// Ends every session of an account, revokes its grants, and deletes its known devices and its registration
    /// proof. Returns the number of sessions.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_all(&self, tx: &mut Tx, account: Uuid, reason: SessionEnd) -> Result<u64, DbError> {
        accounts::lock(tx, account).await?;
        grants::revoke_for_account(tx, account, self.clock.now()).await?;
        accounts::forget_devices(tx, account).await?;
        registration::clear_proof(tx, account).await?;
        let ids = store::delete_by_account(tx, account).await?;
        for &id in &ids {
            self.record_end(tx, account, id, reason).await?;
        }
        Ok(ids.len() as u64)
    }

    /// Ends every session of an account for an administrator: see [`Self::end_all`]. Returns the number of
    /// sessions, or `None` when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_all(&self, account: Uuid) -> Result<Option<u64>, DbError> {
        let mut tx = self.db.begin("admin_end_sessions").await?;
        if !accounts::exists(&mut tx, account).await? {
            return Ok(None);
        }
        let count = self.end_all(&mut tx, account, SessionEnd::Revoked).await?;
        tx.commit().await?;
        Ok(Some(count))
    }

    /// Ends a batch of expired sessions. Returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sweep(&self, tx: &mut Tx) -> Result<u64, DbError> {
        let now = self.clock.now();
        let mut gone = 0;
        for (account, id) in store::expired(tx, now).await? {
            accounts::lock(tx, account).await?;
            // The session may have been renewed meanwhile, or ended by another replica.
            if store::delete_expired(tx, id, now).await? {
                self.record_end(tx, account, id, SessionEnd::Expired).await?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    async fn record_end(
        &self,
        tx: &mut Tx,
        account: Uuid,
        id: Uuid,
        reason: SessionEnd,
    ) -> Result<Vec<String>, DbError> {
        let now = self.clock.now();
        grants::revoke_for_session(tx, id, now).await?;
        // A session that nobody used any more says nothing of the sessions at the applications.
        let notifies = reason != SessionEnd::Expired;
        let clients = logouts::end_session(tx, id, account, now, notifies).await?;
        let event = |version| SessionEnded {
            id,
            user_id: account,
            reason,
            version,
        };
        self.accounts.append_event(tx, account, event).await?;
        Ok(clients)
    }

    /// Ends every session, because the database was restored from a backup.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn after_restore(&self, tx: &mut Tx) -> Result<(), DbError> {
        for account in store::accounts(tx).await? {
            self.end_all(tx, account, SessionEnd::Revoked).await?;
        }
        Ok(())
    }
}
