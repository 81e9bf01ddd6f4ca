//! The snapshot of this service's events for new consumers: pending registrations and tombstones of erased
//! accounts.

use chassis::db::{DbError, Reader, next_cursor};
use contract::SubjectErased;
use events::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use uuid::Uuid;

use super::store;

/// The snapshot of this service.
#[derive(Clone, Copy, Debug)]
pub struct AccountsSnapshot;

impl Snapshot for AccountsSnapshot {
    fn is_cursor(&self, text: &str) -> bool {
        text.parse::<Uuid>().is_ok()
    }

    fn page<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Option<&'a str>,
        limit: i64,
    ) -> SnapshotFuture<'a, SnapshotPage> {
        Box::pin(async move {
            let after = after.and_then(|after| after.parse().ok()).unwrap_or(Uuid::nil());
            let rows = store::snapshot(reader, after, limit).await?;
            let next = next_cursor(&rows, limit, |row| row.id.to_string());
            let states = rows.into_iter().map(snapshot_state).collect::<Result<_, _>>();
            let states = states.map_err(encode_error)?;
            Ok(SnapshotPage { states, next })
        })
    }

    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Version>> {
        Box::pin(store::versions(reader, span, limit))
    }

    fn states<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>> {
        Box::pin(async move {
            let rows = store::snapshot_by_ids(reader, ids).await?;
            let states: Result<_, _> = rows.into_iter().map(snapshot_state).collect();
            states.map_err(encode_error)
        })
    }
}

fn snapshot_state(row: store::SnapshotRow) -> Result<State, serde_json::Error> {
    match row.request {
        Some(request) => State::new(row.id, row.version, row.at, &request.0),
        None => {
            let erased = SubjectErased {
                id: row.id,
                version: row.version,
                erased_at: row.at,
            };
            State::new(row.id, row.version, row.at, &erased)
        }
    }
}

fn encode_error(error: serde_json::Error) -> DbError {
    DbError::Other(sqlx::Error::Encode(error.into()))
}
