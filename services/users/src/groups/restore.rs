//! The steps for groups after the database of this service was restored from a backup.

use chassis::db::{DbError, Tx};
use contract::GroupDeleted;
use events::restore::Restoration;
use uuid::Uuid;

use super::{Groups, store};

/// Groups whose events are appended after one statement.
const PAGE: i64 = 500;

impl Groups {
    /// Raises every version above what was given out before, and appends an event of each group and tombstone.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn republish(&self, tx: &mut Tx, restoration: &Restoration) -> Result<(), DbError> {
        store::raise_versions(tx, restoration.raises_by()).await?;
        let mut after = Uuid::nil();
        loop {
            let page = store::lists::after(tx, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for group in &page {
                match group.deleted_at {
                    Some(deleted_at) => {
                        let deleted = GroupDeleted {
                            id: group.id,
                            version: group.version,
                            deleted_at,
                        };
                        self.append(tx, group.id, group.version, &deleted).await?;
                    }
                    None => self.append_state(tx, group).await?,
                }
            }
        }
    }
}
