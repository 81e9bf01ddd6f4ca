//! `GET /admin/v1/events/verify`: checks of the invariants of events.

use std::time::Duration;

use chassis::db::{DbError, Reader};
use serde::Serialize;
use uuid::Uuid;

use super::{Operations, store};
use crate::reconcile::{Kind, Report};

/// One thing that must hold.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Check {
    /// The name of the check: one word or two.
    name: &'static str,
    /// True if it holds.
    ok: bool,
    /// The finding.
    detail: String,
}

impl Check {
    pub(super) fn holds(&self) -> bool {
        self.ok
    }
}

/// Everything that must hold for the events of a service. `older`: how long an event may wait to be published.
pub(super) async fn verify(operations: &Operations, older: Duration) -> Result<Vec<Check>, DbError> {
    let shared = &operations.shared;
    let mut reader = shared.db.reader().await?;
    let mut checks = vec![
        positions(&mut reader).await?,
        unsent(&mut reader, shared.outbox.clock().now(), older).await?,
        aggregates(
            "sequences",
            "no event is missing between those that are kept of an aggregate",
            &store::with_gaps(&mut reader).await?,
        ),
        aggregates(
            "order",
            "events of an aggregate were published in its order",
            &store::out_of_order(&mut reader).await?,
        ),
        leases(&mut reader).await?,
        unapplied(&mut reader).await?,
    ];
    drop(reader);
    checks.push(drift(shared.reconciliation.ask(false).await));
    Ok(checks)
}

async fn positions(reader: &mut Reader) -> Result<Check, DbError> {
    let (kept, last, pruned) = store::positions(reader).await?;
    let expected = last - pruned;
    Ok(Check {
        name: "positions",
        ok: kept == expected,
        detail: if kept == expected {
            format!("{kept} from {} to {last}, without a gap", pruned + 1)
        } else {
            format!("{kept} events between {pruned} and {last}, where {expected} should be")
        },
    })
}

async fn unsent(
    reader: &mut Reader,
    now: chassis::clock::Timestamp,
    older: Duration,
) -> Result<Check, DbError> {
    let state = store::outbox(reader).await?;
    let age = state.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
    Ok(Check {
        name: "unsent",
        ok: age <= older,
        detail: match state.depth {
            0 => "everything is published".to_owned(),
            depth => format!("{depth} events wait, the oldest for {} s", age.as_secs()),
        },
    })
}

fn aggregates(name: &'static str, holds: &str, wrong: &[Uuid]) -> Check {
    let ids: Vec<String> = wrong.iter().map(Uuid::to_string).collect();
    Check {
        name,
        ok: wrong.is_empty(),
        detail: if wrong.is_empty() {
            holds.to_owned()
        } else {
            format!("not of {}", ids.join(", "))
        },
    }
}

async fn leases(reader: &mut Reader) -> Result<Check, DbError> {
    let unheld = store::unheld(reader).await?;
    Ok(Check {
        name: "leases",
        ok: unheld == 0,
        detail: match unheld {
            0 => "every partition has a relay".to_owned(),
            count => format!("{count} partitions have no relay"),
        },
    })
}

async fn unapplied(reader: &mut Reader) -> Result<Check, DbError> {
    let (outbox, inbox) = (
        store::outbox(reader).await?,
        store::unapplied_events(reader).await?,
    );
    let counts = [
        outbox.dead_letters,
        inbox.parked,
        inbox.dead_letters,
        inbox.unreadable,
    ];
    let [dead, parked, given_up, unreadable] = counts;
    let ok = counts.iter().all(|count| *count == 0);
    Ok(Check {
        name: "unapplied events",
        ok,
        detail: if ok {
            "nothing".to_owned()
        } else {
            format!(
                "{dead} not published, {parked} tried again, {given_up} given up, {unreadable} unreadable: \
                 see `vestibule events dead-letters`"
            )
        },
    })
}

fn drift<E: std::fmt::Display>(compared: Result<Report, E>) -> Check {
    let (ok, detail) = match compared {
        Err(error) => (false, format!("the services cannot be compared: {error}")),
        Ok(report) if !report.caught_up => (false, "the consumer has not caught up".to_owned()),
        Ok(report) => {
            let found: Vec<String> = Kind::ALL
                .into_iter()
                .filter(|kind| report.left(*kind) > 0)
                .map(|kind| format!("{} {}", report.left(kind), kind.as_str()))
                .collect();
            let detail = if found.is_empty() {
                format!("none among {} of the other service", report.compared)
            } else {
                let first = report.differences.first();
                let first =
                    first.map_or_else(String::new, |difference| format!(", such as {}", difference.id));
                format!("{}{first}", found.join(", "))
            };
            (found.is_empty(), detail)
        }
    };
    Check {
        name: "drift",
        ok,
        detail,
    }
}
