//! Finding a user whose `user.created` may be on its way: the first request after a sign-up waits for it.

use std::pin::pin;

use chassis::db::DbError;
use contract::UserId;
use tokio::time::{Instant, timeout};

use super::{Stored, Users, deleted, store};

/// The result of the search for a user.
#[derive(Debug)]
pub(crate) enum Found {
    /// The user as they are now.
    Stored(Stored),
    /// The user was deleted.
    Deleted,
    /// The user is still being created.
    NotYet,
}

impl Users {
    /// Finds a user, and waits a moment for one who is not known yet.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn find_when_created(&self, id: UserId) -> Result<Found, DbError> {
        if let Some(stored) = self.find_stored(id).await? {
            return Ok(Found::Stored(stored));
        }
        let mut reader = self.db.reader().await?;
        let deleted =
            store::has_tombstone(&mut reader, id).await? || deleted::exists(&mut reader, id).await?;
        drop(reader);
        if deleted {
            return Ok(Found::Deleted);
        }
        let Some(_permit) = self.waiters.enter() else {
            return Ok(Found::NotYet);
        };
        let deadline = Instant::now() + self.waiters.patience;
        loop {
            let mut created = pin!(self.waiters.next());
            created.as_mut().enable();
            if let Some(stored) = self.find_stored(id).await? {
                return Ok(Found::Stored(stored));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Found::NotYet);
            }
            // Another replica may have created the user, so it is looked for again without a word too.
            let _ = timeout(left.min(self.waiters.look_again), created).await;
        }
    }

    async fn find_stored(&self, id: UserId) -> Result<Option<Stored>, DbError> {
        store::find_stored(&mut self.db.reader().await?, id).await
    }
}
