//! Events that could not be applied, and those of their aggregate that wait behind them.

use chassis::backoff::exponential_pause;
use chassis::db::DbError;
use chassis::telemetry::error_text;

use super::apply::Origin;
use super::store::Together;
use super::store::parked::{self, FailedAttempt, ParkedEvent};
use super::{Applied, Delivery, Handler, HandlerError, Inbox, store};
use contract::Envelope;

impl<H: Handler> Inbox<H> {
    /// Tries the events again that are due. Answers whether any was settled, so that those behind it may be due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_parked(&self) -> Result<bool, DbError> {
        let (now, longest) = (self.clock.now(), self.options.longest_backoff);
        let due = parked::due(&mut self.db.reader().await?, self.consumer, now, longest).await?;
        let mut settled = false;
        for event in due {
            match self.retry(&event).await {
                Ok(()) => settled = true,
                Err(HandlerError::Db(error)) if error.is_transient() => return Err(error),
                Err(error) => settled |= self.postpone(&event, &error).await?,
            }
        }
        Ok(settled)
    }

    async fn retry(&self, event: &ParkedEvent) -> Result<(), HandlerError> {
        let id = event.event_id;
        let event: Envelope = serde_json::from_str(&event.envelope).map_err(HandlerError::other)?;
        let mut tx = self.db.begin("inbox_retry").await?;
        store::enter(&mut tx, self.consumer, Together::Alone).await?;
        let taken = parked::delete(&mut tx, self.consumer, id).await?;
        if !taken {
            return Ok(());
        }
        let known = store::sequences(&mut tx, self.consumer, std::iter::once(event.subject)).await?;
        let mut delivery = Delivery::default();
        if known
            .get(&event.subject)
            .is_some_and(|last| event.sequence <= *last)
        {
            delivery.stale = 1;
        } else {
            let applying = self.handler.apply(&mut tx, &event);
            match self.traced(&event, applying).await? {
                Applied::Yes => delivery.applied = 1,
                Applied::Ignored => delivery.ignored = 1,
            }
            let newest = [(event.subject, event.sequence)].into();
            store::note_sequences(&mut tx, self.consumer, &newest).await?;
        }
        tx.commit().await?;
        self.meter(&delivery, Origin::Stream, &[]);
        Ok(())
    }

    /// Records another failure. Returns whether the event was dead-lettered with it.
    async fn postpone(&self, event: &ParkedEvent, error: &HandlerError) -> Result<bool, DbError> {
        let now = self.clock.now();
        let attempts = event.attempts.saturating_add(1);
        let dead = attempts >= self.options.max_attempts;
        let pause = exponential_pause(
            self.options.first_backoff,
            self.options.longest_backoff,
            event.attempts.max(0).unsigned_abs(),
        );
        let mut tx = self.db.begin("inbox_postpone").await?;
        let failure = FailedAttempt {
            attempts,
            next_attempt_at: now + pause,
            error: error_text(error),
            dead_lettered_at: dead.then_some(now),
        };
        parked::record_failure(&mut tx, self.consumer, event.event_id, &failure).await?;
        tx.commit().await?;
        if dead {
            metrics::counter!("vestibule_inbox_dead_lettered_total", "consumer" => self.consumer)
                .increment(1);
            tracing::error!(
                event.action = "event-dead-lettered",
                event.outcome = "failure",
                consumer = self.consumer,
                event.id = %event.event_id,
                error = error_text(error),
                "inbox event dead-lettered after {attempts} attempts: it can be replayed",
            );
        }
        Ok(dead)
    }
}
