//! The feed over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{EventsRead, HasVerifier, Scoped};
use chassis::http::header::accepts;
use chassis::http::{Problem, Query, page_limit};
use chassis::routes::{Permission, Routes};
use contract::paths::events::{FEED, SNAPSHOT};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::guard::Guard;
use super::{Feed, MAX_LIMIT, MAX_WAIT, ReadError, sse};
use crate::snapshot::State as AggregateState;
use contract::{Envelope, EventContext};

const BATCH: &str = "application/cloudevents-batch+json";
/// The last position published, as far as the replica that answers knows: with it, a follower knows how far behind it is.
pub(super) const LAST_POSITION: &str = "vestibule-last-position";
const DEFAULT_LIMIT: i64 = 100;

/// A router's state that has a feed.
pub trait HasFeed {
    /// The feed.
    fn feed(&self) -> &Feed;
}

impl<T: HasFeed + ?Sized> HasFeed for Arc<T> {
    fn feed(&self) -> &Feed {
        (**self).feed()
    }
}

/// `GET /events` and `GET /events/snapshot`, for tokens with the scope `events:read`.
pub(crate) fn routes<S>() -> Routes<S>
where
    S: HasFeed + HasVerifier + Clone + Send + Sync + 'static,
{
    let read = Permission::scope::<EventsRead>();
    Routes::default()
        .get(FEED, read, events::<S>)
        .get(SNAPSHOT, read, snapshot::<S>)
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// Events after this position, or `end` for those that come from now on. Without it, from the oldest that is kept.
    after: Option<String>,
    /// The most events of one answer.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
    /// Seconds to wait for an event when no new one is there.
    #[schemars(range(max = MAX_WAIT.as_secs()))]
    wait: Option<u64>,
}

/// GET /events
async fn events<S>(
    token: Scoped<EventsRead>,
    State(state): State<S>,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Problem>
where
    S: HasFeed + HasVerifier + Clone + Send + Sync + 'static,
{
    let feed = state.feed();
    let limit = page_limit(query.limit.unwrap_or(DEFAULT_LIMIT), MAX_LIMIT)?;
    let wait = Duration::from_secs(query.wait.unwrap_or(0));
    if wait > MAX_WAIT {
        let most = MAX_WAIT.as_secs();
        return Err(Problem::invalid().field("wait", format!("Expected seconds, {most} at most.")));
    }
    // An event stream that was cut off goes on where it was (WHATWG HTML §9.2).
    let resumed = headers
        .get("last-event-id")
        .map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let after = match resumed.or(query.after).as_deref() {
        None => feed
            .beginning()
            .await
            .map_err(|error| Problem::internal(&error))?,
        Some("end") => feed.last().await.map_err(|error| Problem::internal(&error))?,
        Some(text) => position(text)?,
    };
    let mut guard = Guard::new(state.clone(), Arc::clone(&token.token), feed.recheck_every);
    if accepts(&headers, "text/event-stream") {
        // What is wrong is said before the stream begins.
        feed.read(after, 1, Duration::ZERO).await.map_err(refuse)?;
        let place = sse::Cursor::new(feed.clone(), after, token.expires_at, guard);
        let mut response = sse::stream(place).into_response();
        // nginx would hold small events back until its buffer is full.
        response
            .headers_mut()
            .insert("x-accel-buffering", HeaderValue::from_static("no"));
        return Ok(response);
    }
    let events = wait_for_news(feed, &mut guard, (after, limit), wait).await?;
    let mut response = json(BATCH, &events)?;
    response.headers_mut().insert(LAST_POSITION, feed.head().into());
    Ok(response)
}

/// At most `limit` events after `after`, as soon as there is one within `wait`. The token is checked again meanwhile.
async fn wait_for_news(
    feed: &Feed,
    guard: &mut Guard,
    (after, limit): (i64, i64),
    wait: Duration,
) -> Result<Vec<Envelope>, Problem> {
    let deadline = Instant::now() + wait;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let events = feed
            .read(after, limit, left.min(guard.patience()))
            .await
            .map_err(refuse)?;
        guard.check().await?;
        if !events.is_empty() || feed.is_closing() || Instant::now() >= deadline {
            return Ok(events);
        }
    }
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotQuery {
    /// The `next` of an earlier page.
    after: Option<String>,
    /// The most states of one page.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "SnapshotPage")]
pub(crate) struct SnapshotBody {
    /// The position of the feed to go on from.
    position: i64,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    events: Vec<Envelope>,
}

/// GET /events/snapshot
async fn snapshot<S: HasFeed>(
    _scope: Scoped<EventsRead>,
    State(state): State<S>,
    Query(query): Query<SnapshotQuery>,
) -> Result<Response, Problem> {
    let feed = state.feed();
    let limit = page_limit(query.limit.unwrap_or(DEFAULT_LIMIT), MAX_LIMIT)?;
    // To begin anew instead would tell a consumer the same page for ever.
    if query
        .after
        .as_deref()
        .is_some_and(|after| !feed.snapshot.is_cursor(after))
    {
        return Err(Problem::invalid().field("after", "Expected the `next` of an earlier page."));
    }
    let failed = |error| Problem::internal(&error);
    // Before the states: everything up to here is in them, and what comes after can be read from the feed.
    let position = feed.last().await.map_err(failed)?;
    let mut reader = feed.db.reader().await.map_err(failed)?;
    let page = feed
        .snapshot
        .page(&mut reader, query.after.as_deref(), limit)
        .await
        .map_err(failed)?;
    drop(reader);
    let body = SnapshotBody {
        position,
        next: page.next,
        events: page
            .states
            .into_iter()
            .map(|state| envelope(feed, state))
            .collect(),
    };
    json("application/json", &body)
}

pub(crate) fn envelope(feed: &Feed, state: AggregateState) -> Envelope {
    let context = EventContext {
        id: feed.outbox.random().uuid(&**feed.outbox.clock()),
        source: feed.outbox.source(),
        kind: state.kind,
        subject: state.aggregate_id,
        sequence: state.sequence,
        time: state.time,
    };
    Envelope::new(context, state.data)
}

fn position(text: &str) -> Result<i64, Problem> {
    text.parse()
        .ok()
        .filter(|position| *position >= 0)
        .ok_or_else(|| {
            Problem::invalid().field(
                "after",
                "Expected a position, which is a whole number from 0, or `end`.",
            )
        })
}

fn refuse(error: ReadError) -> Problem {
    match error {
        ReadError::Gone { oldest, last, .. } => Problem::new(
            StatusCode::GONE,
            "position-gone",
            "The feed does not reach back to this position",
        )
        .detail("Begin with GET /events/snapshot and go on from the position that it names.")
        .with("oldest", oldest)
        .with("last", last),
        ReadError::Db(error) => Problem::internal(&error),
    }
}

pub(crate) fn json(kind: &'static str, body: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], body).into_response())
}
