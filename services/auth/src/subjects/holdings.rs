//! The subjects, groups and tombstones for the reconciliation with the user service.

use chassis::db::Reader;
use events::reconcile::{Held, Holdings};
use events::{SnapshotFuture, Span};
use uuid::Uuid;

use super::store;
use crate::groups;

/// The ids and versions of users and groups that this service has.
#[derive(Clone, Copy, Debug)]
pub struct SubjectHoldings;

impl Holdings for SubjectHoldings {
    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(async move {
            let mut held = store::versions(reader, span, limit).await?;
            held.extend(groups::versions(reader, span, limit).await?);
            held.sort_unstable_by_key(|held| held.id);
            held.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(held)
        })
    }

    fn of<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(async move {
            let mut held = store::versions_by_ids(reader, ids).await?;
            held.extend(groups::versions_by_ids(reader, ids).await?);
            Ok(held)
        })
    }
}
