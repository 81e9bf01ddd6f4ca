//! The snapshot of all users and tombstones, a part of that of the directory.

use chassis::db::{DbError, Reader, next_cursor};
use contract::{EventData, UserDeactivated, UserDeleted, UserId, UserUpdated};
use events::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{deleted, store};

/// The users' part of `GET /events/snapshot`: first the users, with those who are deleted and can be restored, then the tombstones,
/// each by id. A user who is erased between two pages moves from the first part to the second, and so is not missed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UsersSnapshot;

impl UsersSnapshot {
    /// The cursor of the first page.
    pub(crate) fn first_cursor() -> String {
        format!("{USERS}{}", Uuid::nil())
    }
}

impl Snapshot for UsersSnapshot {
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
            let beginning = || Cursor::Users(Uuid::nil());
            match after.and_then(Cursor::read).unwrap_or_else(beginning) {
                Cursor::Users(id) => users(reader, id, limit).await,
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
        Box::pin(async move {
            let mut all = store::versions(reader, span, limit).await?;
            all.extend(deleted::versions(reader, span, limit).await?);
            all.sort_unstable_by_key(|version| version.id);
            all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(all)
        })
    }

    fn states<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>> {
        Box::pin(async move {
            let mut users = store::stored_of(reader, ids).await?;
            users.extend(deleted::entries_of(reader, ids).await?);
            let gone = store::tombstones_of(reader, ids).await?;
            let users = users.into_iter().map(state_of);
            users.chain(gone.iter().map(state_of_gone)).collect()
        })
    }
}

/// The position at which a page begins: after this id.
enum Cursor {
    Users(UserId),
    Tombstones(UserId),
}

const USERS: &str = "people:";
const TOMBSTONES: &str = "tombstones:";

impl Cursor {
    /// The place that the `next` of an earlier page named.
    fn read(text: &str) -> Option<Self> {
        let id = |prefix| text.strip_prefix(prefix)?.parse().ok();
        id(TOMBSTONES)
            .map(Self::Tombstones)
            .or_else(|| id(USERS).map(Self::Users))
    }
}

async fn users(reader: &mut Reader, after: UserId, limit: i64) -> Result<SnapshotPage, DbError> {
    let found = deleted::entries_after(reader, after, limit).await?;
    let next = next_cursor(&found, limit, |user| format!("{USERS}{}", user.id));
    let next = next.unwrap_or_else(|| format!("{TOMBSTONES}{}", Uuid::nil()));
    let states = found.into_iter().map(state_of).collect::<Result<_, _>>()?;
    Ok(SnapshotPage {
        states,
        next: Some(next),
    })
}

async fn tombstones(reader: &mut Reader, after: UserId, limit: i64) -> Result<SnapshotPage, DbError> {
    let found: Vec<UserDeleted> = store::tombstones_after(reader, after, limit).await?;
    let next = next_cursor(&found, limit, |gone| format!("{TOMBSTONES}{}", gone.id));
    let states = found.iter().map(state_of_gone).collect::<Result<_, _>>()?;
    Ok(SnapshotPage { states, next })
}

fn state_of(user: store::Entry) -> Result<State, DbError> {
    Ok(State {
        aggregate_id: user.id,
        sequence: user.version,
        kind: if user.active {
            UserUpdated::TYPE
        } else {
            UserDeactivated::TYPE
        },
        time: user.updated_at,
        data: RawValue::from_string(user.document).map_err(unreadable)?,
    })
}

fn state_of_gone(gone: &UserDeleted) -> Result<State, DbError> {
    State::new(gone.id, gone.version, gone.deleted_at, gone).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> DbError {
    DbError::Other(sqlx::Error::Decode(Box::new(error)))
}
