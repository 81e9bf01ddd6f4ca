//! The snapshot of all people for the bootstrap, and the reconcilers' interfaces, which have nothing to compare.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Reader};
use chassis::on_engine;
use contract::{UserDeleted, UserUpdated};
use events::reconcile::{Held, Holdings};
use events::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use uuid::Uuid;

use super::people::{Change, EventVariant, moment, state};

/// All people in pages by id, deleted ones included.
pub(super) struct AllPeople;

impl Snapshot for AllPeople {
    fn page<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Option<&'a str>,
        limit: i64,
    ) -> SnapshotFuture<'a, SnapshotPage> {
        Box::pin(async move {
            let after: Uuid = after.and_then(|after| after.parse().ok()).unwrap_or_default();
            let rows: Vec<(Uuid, i64, Uuid, bool)> = on_engine!(reader, c => sqlx::query_as(
                    "SELECT id, version, nonce, deleted FROM people WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(after)
                .bind(limit)
                .fetch_all(c)
                .await?);
            let full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
            let mut page = SnapshotPage::default();
            for (person, version, nonce, deleted) in rows {
                let change = Change {
                    person,
                    version,
                    nonce,
                    deleted,
                };
                page.next = full.then(|| person.to_string());
                page.states.push(
                    as_state(change).map_err(|error| DbError::from(sqlx::Error::Decode(error.into())))?,
                );
            }
            Ok(page)
        })
    }

    // Nobody compares here: a reconciler would repair what the checker is to find.
    fn versions<'a>(&'a self, _: &'a mut Reader, _: Span, _: i64) -> SnapshotFuture<'a, Vec<Version>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn states<'a>(&'a self, _: &'a mut Reader, _: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// The follower's holdings, which are empty: these tests do not reconcile.
pub(super) struct NoHoldings;

impl Holdings for NoHoldings {
    fn versions<'a>(&'a self, _: &'a mut Reader, _: Span, _: i64) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn of<'a>(&'a self, _: &'a mut Reader, _: &'a [Uuid]) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

fn as_state(change: Change) -> Result<State, serde_json::Error> {
    let Change {
        person,
        version,
        nonce,
        deleted,
    } = change;
    let time = Timestamp::from_secs(version);
    if deleted {
        let deleted_at = moment(nonce);
        let data = UserDeleted {
            id: person,
            version,
            deleted_at,
        };
        return State::new(person, version, time, &data);
    }
    let manner = EventVariant {
        poison: false,
        newer: false,
        older: false,
    };
    State::new(person, version, time, &UserUpdated(state(change, manner)?))
}
