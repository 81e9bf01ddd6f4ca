//! Everybody as they are now, and everybody who is gone: for consumers that start from nothing.

use chassis::db::{DbError, Reader};
use contract::{EventData, UserDeactivated, UserDeleted, UserId, UserUpdated};
use events::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::store;

/// The snapshot of `GET /events/snapshot`: first the people, then the tombstones, each by id. Whoever is deleted
/// between two pages moves from the first part to the second, and so is not missed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PeopleSnapshot;

impl Snapshot for PeopleSnapshot {
    fn is_cursor(&self, text: &str) -> bool {
        Cursor::read(text).is_some()
    }

    fn page<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Option<&'a str>,
        limit: i64,
    ) -> SnapshotFuture<'a, SnapshotPage> {
        Box::pin(async move {
            let beginning = || Cursor::People(Uuid::nil());
            match after.and_then(Cursor::read).unwrap_or_else(beginning) {
                Cursor::People(id) => people(reader, id, limit).await,
                Cursor::Tombstones(id) => tombstones(reader, id, limit).await,
            }
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
            let people = store::stored_of(reader, ids).await?;
            let gone = store::buried_of(reader, ids).await?;
            let people = people.into_iter().map(state_of);
            people.chain(gone.iter().map(state_of_gone)).collect()
        })
    }
}

/// Where a page begins: after this id.
enum Cursor {
    People(UserId),
    Tombstones(UserId),
}

const PEOPLE: &str = "people:";
const TOMBSTONES: &str = "tombstones:";

impl Cursor {
    /// The place that the `next` of an earlier page named.
    fn read(text: &str) -> Option<Self> {
        let id = |prefix| text.strip_prefix(prefix)?.parse().ok();
        id(TOMBSTONES)
            .map(Self::Tombstones)
            .or_else(|| id(PEOPLE).map(Self::People))
    }
}

async fn people(reader: &mut Reader, after: UserId, limit: i64) -> Result<SnapshotPage, DbError> {
    let found = store::stored_after(reader, after, limit).await?;
    let full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit;
    let last = found.last().map(|person| person.id).filter(|_| full);
    let next = last.map_or_else(
        || format!("{TOMBSTONES}{}", Uuid::nil()),
        |id| format!("{PEOPLE}{id}"),
    );
    let states = found.into_iter().map(state_of).collect::<Result<_, _>>()?;
    Ok(SnapshotPage {
        states,
        next: Some(next),
    })
}

async fn tombstones(reader: &mut Reader, after: UserId, limit: i64) -> Result<SnapshotPage, DbError> {
    let found: Vec<UserDeleted> = store::buried_after(reader, after, limit).await?;
    let full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit;
    let next = found
        .last()
        .filter(|_| full)
        .map(|gone| format!("{TOMBSTONES}{}", gone.id));
    let states = found.iter().map(state_of_gone).collect::<Result<_, _>>()?;
    Ok(SnapshotPage { states, next })
}

fn state_of(person: store::Entry) -> Result<State, DbError> {
    Ok(State {
        aggregate_id: person.id,
        sequence: person.version,
        kind: if person.active {
            UserUpdated::TYPE
        } else {
            UserDeactivated::TYPE
        },
        time: person.updated_at,
        data: RawValue::from_string(person.document).map_err(unreadable)?,
    })
}

fn state_of_gone(gone: &UserDeleted) -> Result<State, DbError> {
    State::new(gone.id, gone.version, gone.deleted_at, gone).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> DbError {
    DbError::Other(sqlx::Error::Decode(Box::new(error)))
}
