//! The subjects and tombstones for the reconciliation with the user service.

use chassis::db::Reader;
use events::reconcile::{Held, Holdings};
use events::{SnapshotFuture, Span};
use uuid::Uuid;

use super::store;

/// The ids and versions of users that this service has.
#[derive(Clone, Copy, Debug)]
pub struct SubjectHoldings;

impl Holdings for SubjectHoldings {
    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(store::versions(reader, span, limit))
    }

    fn of<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(store::versions_by_ids(reader, ids))
    }
}
