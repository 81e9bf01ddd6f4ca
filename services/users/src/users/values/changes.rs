//! Changes of the set of indexed attributes: a mark in the configuration is new or gone, or another version indexes others.
//!
//! The rows of a new attribute are filled in page by page in the background, while users are changed and searched. A search uses
//! them when all are there. Ten minutes later they are filled in once more: until then a replica with the former configuration
//! may have written users without them. Rows of an attribute that is not indexed any more are deleted in the background.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::db::{DbError, Tx};
use chassis::shutdown::Shutdown;
use contract::UserId;

use super::store;
use super::store::changes::{self, Change, ChangeKind};
use crate::users::Users;

/// Users whose rows are filled in by one transaction.
const PAGE: i64 = 200;
/// The rows that are deleted by one transaction.
const ROWS: i64 = 1000;
/// The time in which every replica has the new configuration.
const ROLLOUT: Duration = Duration::from_secs(600);
/// The pause between two pages, in which others may write.
const PAUSE: Duration = Duration::from_millis(10);

impl Users {
    /// Notes the attributes that are to be indexed from now on, and those that are not any more: the configuration or the version has
    /// changed.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn note_indexed_attributes(&self) -> Result<(), DbError> {
        let names = self.indexed.written();
        let mut tx = self.db.begin("indexed_attributes").await?;
        let known = store::indexed(&mut tx).await?;
        let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
        // Before the first note nobody has rows of other attributes.
        if !known.is_empty() {
            let now = self.clock.now();
            for name in names.difference(&known) {
                changes::note(&mut tx, name, ChangeKind::Fill, now).await?;
                tracing::info!("{name} is indexed from now on: searches use the index when it is filled in");
            }
            for name in known.difference(&names) {
                changes::note(&mut tx, name, ChangeKind::Remove, now).await?;
                tracing::info!("{name} is not indexed any more");
            }
        }
        if known != names {
            store::set_indexed(&mut tx, &names).await?;
        }
        tx.commit().await?;
        self.read_changes().await
    }

    /// Fills in and deletes what the changes ask for that are due, page by page.
    pub(super) async fn change_index(&self, shutdown: &Shutdown) -> Result<(), DbError> {
        while !shutdown.is_cancelled() && self.change_page().await? {
            tokio::time::sleep(PAUSE).await;
        }
        self.read_changes().await
    }

    /// Reads which indexes are complete: another replica may have filled them in.
    async fn read_changes(&self) -> Result<(), DbError> {
        let filling = changes::filling(&mut self.db.reader().await?).await?;
        self.indexed.set_filling(filling.into_iter().collect());
        Ok(())
    }

    /// Makes one page of one change; `false` when nothing is due.
    async fn change_page(&self) -> Result<bool, DbError> {
        let (names, now) = (self.indexed.written(), self.clock.now());
        let any = changes::any_due(&mut self.db.reader().await?, &names, now).await?;
        if !any {
            return Ok(false);
        }
        let mut tx = self.db.begin("user_index").await?;
        let Some(change) = changes::claim(&mut tx, &names, now).await? else {
            return Ok(false);
        };
        let last = match change.kind() {
            ChangeKind::Remove => match store::delete_some(&mut tx, &change.name, ROWS).await? < ROWS {
                true => None,
                false => Some(change.after_id),
            },
            ChangeKind::Fill | ChangeKind::Repeat => self.fill_page(&mut tx, &change).await?,
        };
        match (last, change.kind()) {
            (Some(after), _) => changes::advance(&mut tx, &change.name, after).await?,
            (None, ChangeKind::Fill) => {
                changes::note(&mut tx, &change.name, ChangeKind::Repeat, now + ROLLOUT).await?;
                tracing::info!("the index of {} is complete", change.name);
            }
            (None, ChangeKind::Repeat | ChangeKind::Remove) => changes::delete(&mut tx, &change.name).await?,
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Fills in the rows of an attribute of the next users. The result is the last one, if others follow.
    async fn fill_page(&self, tx: &mut Tx, change: &Change) -> Result<Option<UserId>, DbError> {
        let states = changes::lock_after(tx, change.after_id, PAGE).await?;
        let ids: Vec<UserId> = states.iter().map(|state| state.id).collect();
        store::delete_of(tx, &change.name, &ids).await?;
        for state in &states {
            let rows = self.indexed.rows_of(state, self.registry.users());
            let rows: Vec<_> = rows.iter().filter(|(name, _)| *name == change.name).collect();
            store::insert(tx, state.id, &rows).await?;
        }
        let is_full = i64::try_from(ids.len()).is_ok_and(|count| count == PAGE);
        Ok(ids.last().copied().filter(|_| is_full))
    }
}
