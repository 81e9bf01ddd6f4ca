//! Sessions at protected hosts. The session of a host hangs on the sign-in session: it ends with it. It begins with a ticket, which a
//! browser that is signed in carries from this service to the host.
//!
//! See `docs/decisions/0064-forward-auth.md`.

mod cache;
mod store;
#[cfg(test)]
mod tests;
mod tickets;

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::random::SharedRandom;
use chassis::secret::Token;
use forward_auth::Origin;
use uuid::Uuid;

use cache::UserCache;
pub(crate) use store::sweep;
pub use tickets::{HostSignIn, NewTicket, RedeemedTicket};

use crate::groups;
use crate::sessions::Sessions;
use crate::subjects::Subject;

/// A person who is signed in at a protected host.
#[derive(Clone, Debug)]
pub struct HostUser {
    /// The sign-in session.
    pub session_id: Uuid,
    /// The person, who may sign in.
    pub subject: Arc<Subject>,
}

/// The sessions at protected hosts.
#[derive(Clone)]
pub struct HostSessions {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    sessions: Sessions,
    /// The lifetime of a session at a host.
    lifetime: Duration,
    cache: UserCache,
}

impl HostSessions {
    /// The sessions that stand in `db`. Each lives for `lifetime` at most, and no longer than its sign-in session.
    pub fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        sessions: Sessions,
        lifetime: Duration,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            sessions,
            lifetime,
            cache: UserCache::default(),
        }
    }

    /// The person of a live session at a host. What is found may be two seconds old (SB-47). The sign-in session is in use by it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, token: &Token, origin: &Origin) -> Result<Option<HostUser>, DbError> {
        let (now, hash) = (self.clock.now(), token.hash());
        if let Some(user) = self.cache.get(&hash, origin, now) {
            return Ok(Some(user));
        }
        let mut reader = self.db.reader().await?;
        let found = store::find(&mut reader, &hash, origin, now, now.latest(self.lifetime)).await?;
        let Some(row) = found else {
            return Ok(None);
        };
        let groups = groups::effective_names(&mut reader, &row.claims).await?;
        drop(reader);
        self.sessions
            .touch(row.session_id, row.last_seen_at, row.session_expires_at)
            .await?;
        let user = HostUser {
            session_id: row.session_id,
            subject: Arc::new(Subject::new(row.claims.0, groups)),
        };
        self.cache.put(hash, origin.clone(), user.clone(), now);
        Ok(Some(user))
    }

    /// Ends the session of a host alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end(&self, token: &Token, origin: &Origin) -> Result<(), DbError> {
        let hash = token.hash();
        let mut tx = self.db.begin("host_sign_out").await?;
        store::delete(&mut tx, &hash, origin).await?;
        tx.commit().await?;
        self.cache.remove(&hash);
        Ok(())
    }
}
