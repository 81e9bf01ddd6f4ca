//! What a new follower of this service's events has to know: registrations that wait, and who was erased.

use std::future::Future;
use std::pin::Pin;

use chassis::db::{DbError, Reader};
use events::contract::SubjectErased;
use events::{Snapshot, SnapshotPage, State};
use uuid::Uuid;

use super::store;

/// The snapshot of this service.
#[derive(Clone, Copy, Debug)]
pub struct AccountsSnapshot;

impl Snapshot for AccountsSnapshot {
    fn page<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Option<&'a str>,
        limit: i64,
    ) -> Pin<Box<dyn Future<Output = Result<SnapshotPage, DbError>> + Send + 'a>> {
        Box::pin(async move {
            // A place that is none of ours starts anew; what comes twice is applied once.
            let after = after.and_then(|after| after.parse().ok()).unwrap_or(Uuid::nil());
            let rows = store::snapshot(reader, after, limit).await?;
            let full = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
            let next = rows.last().filter(|_| full).map(|row| row.id.to_string());
            let states = rows.into_iter().map(state).collect::<Result<_, _>>();
            let states = states.map_err(|error| DbError::Other(sqlx::Error::Encode(error.into())))?;
            Ok(SnapshotPage { states, next })
        })
    }
}

fn state(row: store::SnapshotRow) -> Result<State, serde_json::Error> {
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
