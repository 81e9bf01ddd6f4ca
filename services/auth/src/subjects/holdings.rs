//! What this service holds of what the user service tells: the people, and the ids of the erased.

use chassis::db::Reader;
use events::reconcile::{Held, Holdings};
use events::{SnapshotFuture, Span};
use uuid::Uuid;

use super::store;

/// What came of the events of the user service.
#[derive(Clone, Copy, Debug)]
pub struct SubjectHoldings;

impl Holdings for SubjectHoldings {
    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(store::held(reader, span, limit))
    }

    fn of<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(store::held_of(reader, ids))
    }
}
