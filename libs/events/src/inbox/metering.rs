//! The log lines and metrics of a delivery.

use chassis::telemetry::TraceContext;

use super::apply::Origin;
use super::{Delivery, Handler, Inbox};
use contract::Envelope;

impl<H: Handler> Inbox<H> {
    /// Logs one line an event, in the span that applied it, so that it can be followed from service to
    /// service.
    pub(super) async fn log_applied(&self, applied: &[(&Envelope, Option<TraceContext>)]) {
        for (event, place) in applied {
            let line = async {
                tracing::debug!(
                    event.action = "event-applied",
                    event.outcome = "success",
                    consumer = self.consumer,
                    event.id = %event.id,
                    vestibule.event.type = event.kind,
                    "event applied"
                );
            };
            match place {
                Some(place) => place.scope(line).await,
                None => line.await,
            }
        }
    }

    pub(super) fn meter(&self, delivery: &Delivery, origin: Origin, times: &[chassis::clock::Timestamp]) {
        self.status.count(*delivery);
        let counts = [
            ("applied", delivery.applied),
            ("ignored", delivery.ignored),
            ("duplicate", delivery.duplicates),
            ("stale", delivery.stale),
            ("parked", delivery.parked),
        ];
        for (outcome, count) in counts {
            metrics::counter!("vestibule_inbox_events_total", "consumer" => self.consumer, "outcome" => outcome)
                .increment(count);
        }
        metrics::counter!("vestibule_inbox_gaps_total", "consumer" => self.consumer).increment(delivery.gaps);
        if origin == Origin::Stream {
            let now = self.clock.now();
            let delay = metrics::histogram!("vestibule_event_delay_seconds", "consumer" => self.consumer);
            times
                .iter()
                .for_each(|time| delay.record(now.since(*time).as_secs_f64()));
        }
    }
}

impl Delivery {
    /// Adds what became of another part of the delivery.
    pub(super) fn add(&mut self, other: Self) {
        self.applied += other.applied;
        self.ignored += other.ignored;
        self.duplicates += other.duplicates;
        self.stale += other.stale;
        self.gaps += other.gaps;
        self.parked += other.parked;
    }
}
