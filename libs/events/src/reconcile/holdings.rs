//! The holdings of a follower: the versions that it really has of the aggregates of the followed service.

use std::collections::HashSet;

use chassis::db::Reader;
use uuid::Uuid;

use crate::snapshot::{SnapshotFuture, Span};
use contract::Envelope;

/// An aggregate of which a follower holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Held {
    /// The aggregate.
    pub id: Uuid,
    /// The version that is held. Nothing where the effect keeps none, such as an id that was erased: then it is the one
    /// that the inbox noted.
    pub version: Option<i64>,
}

/// The versions that a service holds of another's aggregates. Read from the tables in which its
/// [`Handler`](crate::Handler) leaves its effects and not from the notes of the inbox, so that a row that was
/// changed by hand, or came from an older backup than the others, is found too.
pub trait Holdings: Send + Sync + 'static {
    /// The first `limit` of a span that are held, by id.
    ///
    /// # Errors
    /// When the database fails.
    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Held>>;

    /// The versions that are held of these aggregates.
    ///
    /// # Errors
    /// When the database fails.
    fn of<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<Held>>;

    /// Of the states that are not held, those that need nothing more: a question that is answered already, say.
    ///
    /// # Errors
    /// When the database fails.
    fn settled<'a>(
        &'a self,
        reader: &'a mut Reader,
        states: &'a [Envelope],
    ) -> SnapshotFuture<'a, HashSet<Uuid>> {
        let _ = (reader, states);
        Box::pin(async { Ok(HashSet::new()) })
    }
}
