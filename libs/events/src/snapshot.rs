//! The state of a service now, for consumers that have missed its history.

use std::future::Future;
use std::pin::Pin;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Reader};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use contract::EventData;

/// One aggregate as it is now, told as the event that would bring a newcomer up to date.
#[derive(Clone, Debug)]
pub struct State {
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// Its version.
    pub sequence: i64,
    /// The type of the event: `vestibule.user.updated.v1`.
    pub kind: &'static str,
    /// Since when it is so.
    pub time: Timestamp,
    /// The data of the event.
    pub data: Box<RawValue>,
}

impl State {
    /// An aggregate at version `sequence` since `time`, told as a `T`.
    ///
    /// # Errors
    /// When the data cannot be written as JSON.
    pub fn new<T: EventData>(
        aggregate_id: Uuid,
        sequence: i64,
        time: Timestamp,
        data: &T,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            aggregate_id,
            sequence,
            kind: T::TYPE,
            time,
            data: serde_json::value::to_raw_value(data)?,
        })
    }
}

/// A part of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct SnapshotPage {
    /// The states, at most as many as were asked for.
    pub states: Vec<State>,
    /// The cursor of the next page: an opaque text of the service's own, without control characters. Nothing:
    /// this was the last.
    pub next: Option<String>,
}

/// An aggregate and its version. Travels as `["ID", 3]`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    sqlx_macros::FromRow,
    schemars::JsonSchema,
)]
#[serde(from = "(Uuid, i64)", into = "(Uuid, i64)")]
#[schemars(with = "(Uuid, i64)")]
pub struct Version {
    /// The aggregate.
    pub id: Uuid,
    /// Its version.
    pub version: i64,
}

impl From<(Uuid, i64)> for Version {
    fn from((id, version): (Uuid, i64)) -> Self {
        Self { id, version }
    }
}

impl From<Version> for (Uuid, i64) {
    fn from(version: Version) -> Self {
        (version.id, version.version)
    }
}

/// Ids in their order: those behind `after`, up to and with `through`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Not part of it.
    pub after: Uuid,
    /// Part of it.
    pub through: Uuid,
}

/// The result of a query for a snapshot, as a boxed future.
pub type SnapshotFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'a>>;

/// The snapshot of a service, for a consumer that starts from nothing.
///
/// A snapshot holds everything that a new consumer must know, **including what is gone**: a consumer that comes
/// back after its position was pruned learns of deletions only from here. So deleted people appear as
/// `user.deleted`.
pub trait Snapshot: Send + Sync + 'static {
    /// True if `text` is a place that the `next` of a page of this service can name. Others are refused.
    fn is_cursor(&self, text: &str) -> bool {
        !text.is_empty()
    }

    /// At most `limit` states, in an order that does not change when states do (by id, say), after the place that the
    /// page before named.
    ///
    /// # Errors
    /// When the database fails.
    fn page<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Option<&'a str>,
        limit: i64,
    ) -> SnapshotFuture<'a, SnapshotPage>;

    /// The first `limit` versions of a span, by id. All pages together tell of the same aggregates as
    /// [`Self::page`], in the same versions; nothing else is read, because the reconciler asks for all of them again
    /// and again.
    ///
    /// # Errors
    /// When the database fails.
    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Version>>;

    /// The states of those of the aggregates that the snapshot tells of.
    ///
    /// # Errors
    /// When the database fails.
    fn states<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>>;
}
