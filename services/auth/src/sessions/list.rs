//! The sessions of an account: a list of those that are live, and the end of one.

use chassis::clock::Timestamp;
use chassis::db::DbError;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{SessionEnd, Sessions, store};
use crate::accounts;

/// A live session, as its owner and administrators see it.
#[derive(Clone, Debug, Serialize, JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct LiveSession {
    /// The id, which is `sid` in ID tokens.
    pub(crate) id: Uuid,
    /// The time of its start.
    pub(crate) started_at: Timestamp,
    /// The time of the last sign-in.
    pub(crate) auth_time: Timestamp,
    /// The time of the last use, within a minute.
    pub(crate) last_seen_at: Timestamp,
    /// The time at which it ends, used or not.
    pub(crate) expires_at: Timestamp,
    /// The address of the last sign-in.
    pub(crate) client_ip: Option<String>,
    /// The browser of the last sign-in.
    pub(crate) user_agent: Option<String>,
}

impl Sessions {
    /// The live sessions of an account, the last used first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn list(&self, account: Uuid) -> Result<Vec<LiveSession>, DbError> {
        store::list_live(&mut self.db.reader().await?, account, self.clock.now()).await
    }

    /// The live sessions of an account for an administrator, or `None` when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn of_account(&self, account: Uuid) -> Result<Option<Vec<LiveSession>>, DbError> {
        if !accounts::exists(&mut self.db.reader().await?, account).await? {
            return Ok(None);
        }
        self.list(account).await.map(Some)
    }

    /// Ends one session of an account from elsewhere, and revokes what hangs on it. Returns whether the account had it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn revoke(&self, account: Uuid, id: Uuid) -> Result<bool, DbError> {
        let mut tx = self.db.begin("revoke_session").await?;
        if store::account_of(&mut tx, id).await? != Some(account) {
            return Ok(false);
        }
        let ended = self.end(&mut tx, id, SessionEnd::Revoked).await?;
        tx.commit().await?;
        Ok(ended)
    }
}
