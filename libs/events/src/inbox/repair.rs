//! Bringing aggregates up to date past the notes of the inbox: for the reconciler, which knows what is really held.

use std::collections::HashMap;

use chassis::db::{DbError, Tx};
use chassis::on_engine;
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
            if !note(&mut tx, self.consumer, state, *noted).await? {
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Notes the sequence of `state`, if the note is still what it was.
async fn note(tx: &mut Tx, consumer: &str, state: &Envelope, noted: Option<i64>) -> Result<bool, DbError> {
    // Without a note there is none to compare: one that appears meanwhile is left alone.
    let statement = match noted {
        Some(_) => {
            "UPDATE inbox_aggregates SET sequence = $3 WHERE consumer = $1 AND aggregate_id = $2 AND sequence = $4"
        }
        None => {
            "INSERT INTO inbox_aggregates (consumer, aggregate_id, sequence)
             SELECT $1, $2, $3 WHERE $4 IS NULL ON CONFLICT DO NOTHING"
        }
    };
    let rows = on_engine!(tx, c => sqlx::query(statement)
        .bind(consumer)
        .bind(state.subject)
        .bind(state.sequence)
        .bind(noted)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}
