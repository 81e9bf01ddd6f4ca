//! The start after the database of this service was restored from a backup.

use chassis::db::{Db, DbError};
use events::restore::claim_pending;

use crate::groups::Groups;
use crate::users::Users;

/// The restoration of users and groups. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Restore {
    db: Db,
    users: Users,
    groups: Groups,
}

impl Restore {
    pub(crate) fn new(db: Db, users: Users, groups: Groups) -> Self {
        Self { db, users, groups }
    }

    /// Raises every version above what was given out before, and appends an event of everybody and every group: all
    /// followers, over whatever transport, then know what this service knows. Once, by one replica.
    ///
    /// # Errors
    /// When the database fails; nothing is changed then.
    pub(crate) async fn after_restore(&self) -> Result<(), DbError> {
        let mut tx = self.db.begin("restored").await?;
        let Some(restoration) = claim_pending(&mut tx).await? else {
            return Ok(());
        };
        self.groups.republish(&mut tx, &restoration).await?;
        self.users.republish(&mut tx, &restoration).await?;
        tx.commit().await?;
        tracing::warn!(
            "the database was restored from a backup of {}; events of all users and groups are published again",
            restoration.taken_at
        );
        Ok(())
    }
}
