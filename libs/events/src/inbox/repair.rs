//! Bringing aggregates up to date past the notes of the inbox: for the reconciler, which knows what is really held.

use std::collections::HashMap;

use chassis::db::DbError;
use uuid::Uuid;

use super::store::Together;
use super::{Applied, Handler, HandlerError, Inbox, store};
use contract::Envelope;

impl<H: Handler> Inbox<H> {
    /// The newest sequence applied of each of the aggregates, as the notes have it.
    pub(crate) async fn noted(&self, aggregates: &[Uuid]) -> Result<HashMap<Uuid, i64>, DbError> {
        let mut reader = self.db.reader().await?;
        store::sequences(&mut reader, self.consumer, aggregates.iter().copied()).await
    }

    /// Applies the current state of an aggregate, whatever the notes say of its sequence, unless a delivery has moved
    /// the note on from `noted`. Answers whether it was applied. Doing it twice is as good as once, and several
    /// replicas may at the same time.
    ///
    /// The note is set to the sequence of the state, even back: what is held is what counts, and the events after
    /// this state have to be let in. It is written last, as a delivery does, so that the two cannot lock each other out.
    pub(crate) async fn repair(&self, state: &Envelope, noted: Option<i64>) -> Result<bool, HandlerError> {
        self.repair_all(&[(state, noted)]).await
    }

    /// The same for several aggregates in one transaction: all of them, or none. An error is one of the first that has
    /// one.
    pub(crate) async fn repair_all(&self, states: &[(&Envelope, Option<i64>)]) -> Result<bool, HandlerError> {
        let mut tx = self.db.begin("inbox_repair").await?;
        store::enter(&mut tx, self.consumer, Together::Alone).await?;
        for (state, _) in states {
            let applying = self.handler.apply(&mut tx, state);
            let applied = self.traced(state, applying).await?;
            if applied == Applied::Ignored {
                return Ok(false);
            }
        }
        for (state, noted) in states {
            if !store::replace_sequence(&mut tx, self.consumer, state, *noted).await? {
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}
