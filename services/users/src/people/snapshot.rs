//! Everybody as they are now, and everybody who is gone: for consumers that start from nothing.

use std::pin::Pin;

use chassis::db::{DbError, Reader};
use events::contract::{EventData, UserDeactivated, UserDeleted, UserId, UserUpdated};
use events::{Snapshot, SnapshotPage, State};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::store;

/// The snapshot of `GET /events/snapshot`: first the people, then the tombstones, each by id. Whoever is deleted
/// between two pages moves from the first part to the second, and so is not missed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PeopleSnapshot;

impl Snapshot for PeopleSnapshot {
    fn page<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Option<&'a str>,
        limit: i64,
    ) -> Pin<Box<dyn Future<Output = Result<SnapshotPage, DbError>> + Send + 'a>> {
        Box::pin(async move {
            match Place::read(after) {
                Place::People(id) => people(reader, id, limit).await,
                Place::Tombstones(id) => tombstones(reader, id, limit).await,
            }
        })
    }
}

/// Where a page begins: after this id.
enum Place {
    People(UserId),
    Tombstones(UserId),
}

const PEOPLE: &str = "people:";
const TOMBSTONES: &str = "tombstones:";

impl Place {
    /// An unreadable place is the beginning: telling twice does no harm.
    fn read(text: Option<&str>) -> Self {
        let id = |prefix| text.and_then(|text| text.strip_prefix(prefix)?.parse().ok());
        match (id(PEOPLE), id(TOMBSTONES)) {
            (_, Some(id)) => Self::Tombstones(id),
            (Some(id), _) => Self::People(id),
            _ => Self::People(Uuid::nil()),
        }
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
    let mut states = Vec::with_capacity(found.len());
    for person in found {
        states.push(State {
            aggregate_id: person.id,
            sequence: person.version,
            kind: if person.active {
                UserUpdated::TYPE
            } else {
                UserDeactivated::TYPE
            },
            time: person.updated_at,
            data: RawValue::from_string(person.document).map_err(unreadable)?,
        });
    }
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
    let states = found
        .iter()
        .map(|gone| State::new(gone.id, gone.version, gone.deleted_at, gone).map_err(unreadable))
        .collect::<Result<_, _>>()?;
    Ok(SnapshotPage { states, next })
}

fn unreadable(error: serde_json::Error) -> DbError {
    DbError::Other(sqlx::Error::Decode(Box::new(error)))
}
