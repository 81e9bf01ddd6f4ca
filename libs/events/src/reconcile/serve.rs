//! The routes of a followed service for reconcilers: digests, versions and states.

use std::collections::HashSet;
use std::str::FromStr;

use axum::extract::State;
use axum::response::Response;
use chassis::access::{EventsRead, HasVerifier, Scoped};
use chassis::db::{DbError, next_cursor};
use chassis::http::{Problem, Query};
use chassis::routes::{Permission, Routes};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::digest::{PER_RANGE, Range, ranges};
use super::store;
use crate::feed::{HasFeed, envelope, json};
use crate::snapshot::{Span, Version};
use contract::Envelope;
use contract::paths::events::{DIGEST, STATES, VERSIONS};

/// Ranges in one answer.
const RANGES: u32 = 64;
/// The most ids of one request for states.
pub const MAX_IDS: usize = 100;
/// Versions in one answer.
pub(crate) const MAX_VERSIONS: i64 = 4 * PER_RANGE;

/// `GET /events/digest`, `GET /events/versions` and `GET /events/states`, all for tokens with the scope `events:read`.
pub(crate) fn routes<S>() -> Routes<S>
where
    S: HasFeed + HasVerifier + Clone + Send + Sync + 'static,
{
    let read = Permission::scope::<EventsRead>();
    Routes::default()
        .get(DIGEST, read, digest::<S>)
        .get(VERSIONS, read, versions::<S>)
        .get(STATES, read, states::<S>)
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DigestQuery {
    /// The `next` of an earlier answer.
    #[schemars(with = "Option<Uuid>")]
    after: Option<String>,
}

/// The body of `GET /events/digest`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Digests {
    /// The last position published before the digests were made.
    pub(crate) position: i64,
    pub(crate) ranges: Vec<Range>,
    /// The cursor of the next ranges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Uuid>,
}

/// GET /events/digest
async fn digest<S: HasFeed>(
    _scope: Scoped<EventsRead>,
    State(state): State<S>,
    Query(query): Query<DigestQuery>,
) -> Result<Response, Problem> {
    let (feed, after) = (state.feed(), id("after", query.after.as_deref(), Uuid::nil())?);
    let position = feed.last().await.map_err(failed)?;
    let mut reader = feed.db().reader().await.map_err(failed)?;
    let (ranges, next) = ranges(feed.snapshot(), &mut reader, after, RANGES)
        .await
        .map_err(failed)?;
    json(
        "application/json",
        &Digests {
            position,
            ranges,
            next,
        },
    )
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionsQuery {
    /// Aggregates after this one.
    #[schemars(with = "Option<Uuid>")]
    after: Option<String>,
    /// Aggregates through this one.
    #[schemars(with = "Option<Uuid>")]
    through: Option<String>,
}

/// The body of `GET /events/versions`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Versions {
    pub(crate) versions: Vec<Version>,
    /// The cursor of the next versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Uuid>,
}

/// GET /events/versions
async fn versions<S: HasFeed>(
    _scope: Scoped<EventsRead>,
    State(state): State<S>,
    Query(query): Query<VersionsQuery>,
) -> Result<Response, Problem> {
    let feed = state.feed();
    let span = Span {
        after: id("after", query.after.as_deref(), Uuid::nil())?,
        through: id("through", query.through.as_deref(), Uuid::max())?,
    };
    let mut reader = feed.db().reader().await.map_err(failed)?;
    let versions = feed
        .snapshot()
        .versions(&mut reader, span, MAX_VERSIONS)
        .await
        .map_err(failed)?;
    let next = next_cursor(&versions, MAX_VERSIONS, |last| last.id);
    json("application/json", &Versions { versions, next })
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatesQuery {
    /// Up to 100 ids with commas between them.
    ids: String,
}

/// The body of `GET /events/states`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct States {
    /// Those of the aggregates of which an event waits to be published.
    pub(crate) unsent: HashSet<Uuid>,
    /// Their states; nothing for those that there are not.
    pub(crate) events: Vec<Envelope>,
}

/// GET /events/states
async fn states<S: HasFeed>(
    _scope: Scoped<EventsRead>,
    State(state): State<S>,
    Query(query): Query<StatesQuery>,
) -> Result<Response, Problem> {
    let feed = state.feed();
    let ids: Vec<Uuid> = query
        .ids
        .split(',')
        .map(Uuid::from_str)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong_ids())?;
    if ids.len() > MAX_IDS {
        return Err(wrong_ids());
    }
    let mut reader = feed.db().reader().await.map_err(failed)?;
    // Before the states: what is published meanwhile is in them, and asked for again at the next comparison.
    let unsent = store::unsent(&mut reader, &ids).await.map_err(failed)?;
    let states = feed.snapshot().states(&mut reader, &ids).await.map_err(failed)?;
    drop(reader);
    let events = states.into_iter().map(|state| envelope(feed, state)).collect();
    json("application/json", &States { unsent, events })
}

fn wrong_ids() -> Problem {
    Problem::invalid().field(
        "ids",
        format!("Expected up to {MAX_IDS} ids with commas between them."),
    )
}

fn id(field: &'static str, text: Option<&str>, default: Uuid) -> Result<Uuid, Problem> {
    match text {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| Problem::invalid().field(field, "Expected the id of an aggregate.")),
    }
}

fn failed(error: DbError) -> Problem {
    Problem::internal(&error)
}
