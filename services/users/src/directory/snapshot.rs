//! The snapshot of all users and groups, for consumers that begin (`GET /events/snapshot`).

use chassis::db::Reader;
use contract::GroupId;
use events::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use uuid::Uuid;

use crate::groups;
use crate::users::UsersSnapshot;

/// The snapshot of `GET /events/snapshot`: the groups with their tombstones, then the users, then theirs, each by id. So the
/// groups of a user are known before the user.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DirectorySnapshot;

/// The beginning of the cursor of a page of groups.
const GROUPS: &str = "groups:";

/// The group after which a page begins; `None` for a page of users.
fn after_group(cursor: Option<&str>) -> Option<GroupId> {
    cursor.map_or(Some(Uuid::nil()), |text| text.strip_prefix(GROUPS)?.parse().ok())
}

impl Snapshot for DirectorySnapshot {
    fn is_cursor(&self, text: &str) -> bool {
        after_group(Some(text)).is_some() || UsersSnapshot.is_cursor(text)
    }

    fn page<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Option<&'a str>,
        limit: i64,
    ) -> SnapshotFuture<'a, SnapshotPage> {
        Box::pin(async move {
            let Some(group) = after_group(after) else {
                return UsersSnapshot.page(reader, after, limit).await;
            };
            let (states, next) = groups::snapshot_page(reader, group, limit).await?;
            let next = next.map_or_else(UsersSnapshot::first_cursor, |last| format!("{GROUPS}{last}"));
            Ok(SnapshotPage {
                states,
                next: Some(next),
            })
        })
    }

    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Version>> {
        Box::pin(async move {
            let mut all = UsersSnapshot.versions(reader, span, limit).await?;
            all.extend(groups::versions(reader, span, limit).await?);
            all.sort_unstable_by_key(|version| version.id);
            all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(all)
        })
    }

    fn states<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>> {
        Box::pin(async move {
            let mut states = UsersSnapshot.states(reader, ids).await?;
            states.extend(groups::states(reader, ids).await?);
            Ok(states)
        })
    }
}
