//! Sign-in sessions. A browser has an opaque session token, of which only the hash is stored.

mod end;
mod list;
mod settings;
mod start;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::clock::{SKEW, SharedClock, Timestamp};
use chassis::db::{Db, DbError};
use chassis::random::SharedRandom;

use chassis::secret::Token;
pub use contract::SessionEnd;
use contract::UserState;
pub(crate) use list::LiveSession;
pub use settings::SessionSettings;
use uuid::Uuid;

use crate::accounts::{Accounts, SignedIn};

/// The shortest interval between two writes of a session in use.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// A live session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The id of the session in events, tokens (`sid`) and lists. It is not secret.
    pub id: Uuid,
    /// The account of the session.
    pub account_id: Uuid,
    /// The time of the authentication (OpenID Connect Core §2, `auth_time`).
    pub auth_time: Timestamp,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// The time at which it ends at the latest.
    pub expires_at: Timestamp,
}

impl Session {
    fn of(who: &SignedIn, id: Uuid, expires_at: Timestamp) -> Self {
        Self {
            id,
            account_id: who.account_id,
            auth_time: who.auth_time,
            amr: who.amr.clone(),
            expires_at,
        }
    }
}

/// A session that was just started, with its token.
#[derive(Debug)]
pub struct StartedSession {
    /// The session.
    pub session: Session,
    /// The session token for the browser. Only its hash is stored.
    pub token: Token,
}

/// The reason why a session did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The account was disabled or its password was changed while the password was verified. The response has
    /// to be the same as for invalid credentials.
    #[error("the account may not sign in now")]
    Refused,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The lifetimes of a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetime {
    /// The lifetime without use.
    pub idle: Duration,
    /// The lifetime, used or not.
    pub absolute: Duration,
}

/// The sessions of this installation.
#[derive(Clone)]
pub struct Sessions {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    accounts: Accounts,
    settings: SessionSettings,
}

impl Sessions {
    /// The sessions that stand in `db`.
    pub fn new(
        db: Db,
        clock: SharedClock,
        random: SharedRandom,
        accounts: Accounts,
        settings: SessionSettings,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            accounts,
            settings,
        }
    }

    /// The lifetime of a browser's session.
    fn browser_lifetime(&self) -> SessionLifetime {
        SessionLifetime {
            idle: self.settings.idle(),
            absolute: self.settings.absolute(),
        }
    }

    /// The live session of `token`. A session in use is touched once a minute at most, so that it does not become
    /// idle.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, token: &Token) -> Result<Option<Session>, DbError> {
        let now = self.clock.now();
        let mut reader = self.db.reader().await?;
        let Some(row) = store::find(&mut reader, &token.hash(), now).await? else {
            return Ok(None);
        };
        drop(reader);
        self.keep_alive(row, now).await.map(Some)
    }

    /// As [`Self::find`], with the state of the user, by the same statement. `None` for the state of a user who is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn find_with_user(
        &self,
        token: &Token,
    ) -> Result<Option<(Session, Option<UserState>)>, DbError> {
        let now = self.clock.now();
        let mut reader = self.db.reader().await?;
        let Some(row) = store::find_with_user(&mut reader, &token.hash(), now).await? else {
            return Ok(None);
        };
        drop(reader);
        let session = self.keep_alive(row.session, now).await?;
        Ok(Some((session, row.state.map(|state| state.0))))
    }

    /// Records the use of a session that was just read.
    async fn keep_alive(&self, row: store::SessionRow, now: Timestamp) -> Result<Session, DbError> {
        if row.last_seen_at > now + SKEW {
            return self.correct_clock_skew(row, now).await;
        }
        self.touch(row.id, row.last_seen_at, row.expires_at).await?;
        Ok(row.into())
    }

    /// Records the use of a live session, once a minute at most.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn touch(
        &self,
        id: Uuid,
        last_seen_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), DbError> {
        let now = self.clock.now();
        if now.since(last_seen_at) < TOUCH_EVERY {
            return Ok(());
        }
        let mut tx = self.db.begin_shared("session_touch").await?;
        let idle_until = (now + self.settings.idle()).min(expires_at);
        store::touch(&mut tx, id, now, idle_until, now - TOUCH_EVERY).await?;
        tx.commit().await
    }

    /// Corrects a session that was written before the clock was set back. It stays live and does not end later. A
    /// sign-in of unknown age counts as an old one, so that a request for a recent sign-in gets one.
    async fn correct_clock_skew(
        &self,
        mut row: store::SessionRow,
        now: Timestamp,
    ) -> Result<Session, DbError> {
        let lifetime = &self.settings;
        row.expires_at = row.expires_at.min(now + lifetime.absolute());
        if row.auth_time > now {
            row.auth_time = now - lifetime.absolute();
        }
        let idle_until = (now + lifetime.idle()).min(row.expires_at);
        let mut tx = self.db.begin("session_touch").await?;
        store::correct_times(&mut tx, &row, now, idle_until).await?;
        tx.commit().await?;
        Ok(row.into())
    }
}
