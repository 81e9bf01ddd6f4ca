//! What every consumer does between deliveries: another try at what was set aside, and forgetting.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;

use super::{Handler, Inbox, parked, store};

const FORGET_EVERY: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(super) struct Housekeeping {
    forgotten: Option<Timestamp>,
}

impl Housekeeping {
    /// Tries events again that were set aside and are due, and forgets the ids of old ones.
    pub(super) async fn run<H: Handler>(&mut self, inbox: &Inbox<H>) -> Result<(), DbError> {
        while inbox.retry_parked().await? {}
        let now = inbox.clock.now();
        if self.forgotten.is_some_and(|at| now.since(at) < FORGET_EVERY) {
            return Ok(());
        }
        let mut tx = inbox.db.begin("inbox_forget").await?;
        store::forget(&mut tx, inbox.consumer, now - inbox.options.remember).await?;
        tx.commit().await?;
        self.forgotten = Some(now);
        Ok(())
    }

    /// How long to wait for news: until the next event that was set aside is due.
    pub(super) async fn wait<H: Handler>(&self, inbox: &Inbox<H>) -> Result<Duration, DbError> {
        let wait = inbox.options.wait;
        let due = parked::next_due(&mut inbox.db.reader().await?, inbox.consumer).await?;
        Ok(due.map_or(wait, |due| due.since(inbox.clock.now()).min(wait)))
    }
}
