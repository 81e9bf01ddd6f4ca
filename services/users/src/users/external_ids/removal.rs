//! The removal of the identifiers of a client that was deleted, page by page.

use std::collections::BTreeSet;

use chassis::db::{DbError, Tx};

use super::store;
use crate::users::{Users, lock_all};

/// Users whose identifier is removed in one transaction.
const PAGE: i64 = 100;

impl Users {
    /// Removes the identifiers that a client gave to the next users, and writes their next versions, with the events. True if the
    /// client has given others.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn remove_external_ids_of(&self, tx: &mut Tx, client: &str) -> Result<bool, DbError> {
        let ids = store::users_of(tx, client, PAGE).await?;
        let wanted: BTreeSet<_> = ids.iter().copied().collect();
        for (_, state) in lock_all(tx, &wanted).await? {
            let mut known = state.external_ids.clone();
            known.remove(client);
            self.restore_external_ids(tx, state, known).await?;
        }
        store::remove_of(tx, client, &ids).await?;
        Ok(i64::try_from(ids.len()).is_ok_and(|count| count == PAGE))
    }
}
