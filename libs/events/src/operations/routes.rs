//! Operations over HTTP, all for tokens with the scope `admin`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, HasVerifier, Scoped};
use chassis::http::{Problem, Query, page_limit};
use chassis::routes::{Permission, Routes};
use contract::paths::operations::{DEAD_LETTERS, RECONCILE, REPLAY, STATS, VERIFY};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Operations;
use super::stats::Stats;
use super::store::{self, Unreadable};
use super::verify::Check;
use crate::inbox::ParkedEvent;
use crate::outbox::DeadLetter;
use crate::reconcile::{ReconcileError, Report};
use crate::transport::TransportKind;

/// A router's state that has [`Operations`].
pub trait HasOperations {
    /// The operations.
    fn operations(&self) -> &Operations;
}

impl<T: HasOperations + ?Sized> HasOperations for Arc<T> {
    fn operations(&self) -> &Operations {
        (**self).operations()
    }
}

/// The routes below `/admin/v1/events`, all for tokens with the scope `admin`.
pub fn routes<S>() -> Routes<S>
where
    S: HasOperations + HasVerifier + Clone + Send + Sync + 'static,
{
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .post(RECONCILE, admin, reconcile::<S>)
        .get(STATS, admin, stats::<S>)
        .get(VERIFY, admin, verify::<S>)
        .get(DEAD_LETTERS, admin, dead_letters::<S>)
        .post(REPLAY, admin, replay::<S>)
}

/// GET /admin/v1/events/stats
async fn stats<S: HasOperations>(
    _scope: Scoped<Admin>,
    State(state): State<S>,
) -> Result<Json<Stats>, Problem> {
    Ok(Json(super::stats::stats(state.operations()).await?))
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyQuery {
    /// Seconds that an event may wait to be published.
    #[serde(default = "a_minute")]
    older: u64,
}

fn a_minute() -> u64 {
    60
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Verification")]
pub(crate) struct Verified {
    /// True if every check holds.
    ok: bool,
    checks: Vec<Check>,
}

/// GET /admin/v1/events/verify
async fn verify<S: HasOperations>(
    _scope: Scoped<Admin>,
    State(state): State<S>,
    Query(query): Query<VerifyQuery>,
) -> Result<Json<Verified>, Problem> {
    let checks = super::verify::verify(state.operations(), Duration::from_secs(query.older)).await?;
    let ok = checks.iter().all(Check::holds);
    Ok(Json(Verified { ok, checks }))
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitQuery {
    /// The most of each kind.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    #[serde(default = "a_hundred")]
    limit: i64,
}

fn a_hundred() -> i64 {
    100
}

/// The most that is told at once of each kind.
const MAX_LIMIT: i64 = 1000;
/// The most positions that one call has published again: one transaction writes them all down.
const LONGEST_RANGE: i64 = 100_000;

/// The parked events.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct DeadLettersResponse {
    /// Events that could not be published.
    outbox: Vec<DeadLetter>,
    /// Events that could not be applied, those given up and those that are tried again.
    inbox: Vec<ParkedEvent>,
    /// Messages that are no events.
    unreadable: Vec<Unreadable>,
}

/// GET /admin/v1/events/dead-letters
async fn dead_letters<S: HasOperations>(
    _scope: Scoped<Admin>,
    State(state): State<S>,
    Query(query): Query<LimitQuery>,
) -> Result<Json<DeadLettersResponse>, Problem> {
    let shared = &state.operations().shared;
    let limit = page_limit(query.limit, MAX_LIMIT)?;
    let mut reader = shared.db.reader().await?;
    Ok(Json(DeadLettersResponse {
        outbox: crate::outbox::dead_letters(&mut reader, limit).await?,
        inbox: crate::inbox::parked(&mut reader, shared.consumer, limit).await?,
        unreadable: store::unreadable(&mut reader, limit).await?,
    }))
}

/// The events to try again: one, all that were given up, or all published ones of a range.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schemars(rename = "ReplayRequest")]
pub(crate) enum Replay {
    /// The event with this id.
    One { id: Uuid },
    /// Everything that was dead-lettered.
    All {
        #[expect(dead_code, reason = "its presence says it")]
        all: True,
    },
    /// The published events of these positions.
    Range { from: i64, to: i64 },
}

/// `true` and nothing else.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "bool")]
#[schemars(extend("const" = true))]
pub(crate) struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        if value { Ok(Self) } else { Err("expected true") }
    }
}

/// The numbers of events that will be published or applied again.
#[derive(Debug, Default, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ReplayedEvents")]
pub(crate) struct Replayed {
    /// Events that will be published after all.
    outbox: u64,
    /// Events that will be applied after all.
    inbox: u64,
    /// Published events that will be published once more.
    republished: u64,
}

/// POST /admin/v1/events/replay
async fn replay<S: HasOperations>(
    _scope: Scoped<Admin>,
    State(state): State<S>,
    chassis::http::Json(what): chassis::http::Json<Replay>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let shared = &state.operations().shared;
    let mut tx = shared.db.begin("replay").await?;
    let mut done = Replayed::default();
    match what {
        Replay::One { id } => {
            done.outbox = u64::from(crate::outbox::replay(&mut tx, &shared.outbox, id).await?);
            done.inbox = u64::from(crate::inbox::replay_parked(&mut tx, shared.consumer, id).await?);
            if done.outbox + done.inbox == 0 {
                return Err(Problem::not_found().detail("No event with this id was given up here."));
            }
        }
        Replay::All { .. } => {
            done.outbox = crate::outbox::replay_all(&mut tx, &shared.outbox).await?;
            done.inbox = crate::inbox::replay_all_parked(&mut tx).await?;
        }
        Replay::Range { from, to } => {
            check_range(from, to)?;
            if shared.transport == TransportKind::Feed {
                return Err(Problem::conflict(
                    "Without a broker there is nothing to publish to: the feed serves these events already. A follower \
                     reads them again with GET /events?after=POSITION.",
                ));
            }
            done.republished = crate::relay::request_republish(&mut tx, from, to).await?;
        }
    }
    tx.commit().await?;
    let count = done.outbox + done.inbox + done.republished;
    tracing::info!(
        event.action = "events-replayed",
        event.outcome = "success",
        count,
        "administrator replayed events"
    );
    Ok((StatusCode::ACCEPTED, Json(done)))
}

fn check_range(from: i64, to: i64) -> Result<(), Problem> {
    let wrong = |detail: String| Err(Problem::invalid().field("to", detail));
    if from > to {
        return wrong("Expected a position that is not before `from`.".to_owned());
    }
    if to.checked_sub(from).is_none_or(|span| span >= LONGEST_RANGE) {
        return wrong(format!(
            "Expected {LONGEST_RANGE} positions at most. Replay a longer range in several calls."
        ));
    }
    Ok(())
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReconcileQuery {
    /// Only look.
    #[serde(default)]
    dry: bool,
}

/// POST /admin/v1/events/reconcile
async fn reconcile<S: HasOperations>(
    _scope: Scoped<Admin>,
    State(state): State<S>,
    Query(query): Query<ReconcileQuery>,
) -> Result<Json<Report>, Problem> {
    let report = state.operations().reconciliation().ask(!query.dry).await;
    if !query.dry && report.is_ok() {
        tracing::info!(
            event.action = "reconciliation-requested",
            event.outcome = "success",
            "administrator requested a reconciliation"
        );
    }
    report.map(Json).map_err(|error| match error {
        ReconcileError::Db(error) => Problem::internal(&error),
        ReconcileError::Busy => {
            Problem::unavailable(Duration::from_secs(5)).detail("Other comparisons wait already.")
        }
        error @ ReconcileError::Feed(_) => Problem::unavailable(Duration::from_secs(5))
            .detail(format!("The other service cannot be asked: {error}.")),
    })
}
