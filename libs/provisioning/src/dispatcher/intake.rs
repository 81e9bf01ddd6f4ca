//! From the feed to the resources of each target that are to be pushed.

use std::collections::BTreeSet;

use chassis::db::{DbError, Reader, Tx};
use contract::Envelope;
use events::feed;
use uuid::Uuid;

use super::super::Provisioning;
use super::super::directory::DirectoryUser;
use super::super::remote::Kind;
use super::super::rules::{PeopleRule, Rules};
use super::super::store::{self, Target, marks, sweeps};

/// Takes in what was published since each target was moved on, `batch` events each at most. Returns true if there is more.
pub(super) async fn take_in(provisioning: &Provisioning, batch: i64) -> Result<bool, DbError> {
    let behind = sweeps::behind(&mut provisioning.shared.db.reader().await?).await?;
    let mut more = false;
    for target in behind {
        more |= take_in_for(provisioning, target, batch).await?;
    }
    Ok(more)
}

/// The same for one target.
async fn take_in_for(provisioning: &Provisioning, id: Uuid, batch: i64) -> Result<bool, DbError> {
    let now = provisioning.now();
    let mut reader = provisioning.shared.db.reader().await?;
    let Some(target) = store::find(&mut reader, id).await? else {
        return Ok(false);
    };
    let source = provisioning.shared.outbox.source();
    let events = feed::events_after(&mut reader, target.position, batch, source).await?;
    let (_, last) = feed::bounds(&mut reader).await?;
    let position_of = |event: Option<&Envelope>| event.and_then(|event| event.position);
    // Events are missing: they were deleted before this target read them, or the database was restored from a backup.
    let gap = position_of(events.first()).map_or(last > target.position, |first| first > target.position + 1);
    let changes = Changes::of(&events, &target.rules);
    let followed = new_users(provisioning, &mut reader, &target, &changes.users).await?;
    drop(reader);
    let end = position_of(events.last()).unwrap_or(last);
    let mut tx = provisioning.shared.db.begin("provisioning_intake").await?;
    if !sweeps::move_on(&mut tx, &target, end).await? {
        // Another replica did it, or the target was changed: its rules may be others now.
        return Ok(false);
    }
    if gap {
        sweeps::begin_all(&mut tx, id, true, now).await?;
    }
    changes.mark(&mut tx, &target, &followed, now).await?;
    tx.commit().await?;
    if gap {
        tracing::warn!(
            provisioning.target.id = %id,
            "provisioning target missed events: it is compared with the whole directory"
        );
    }
    Ok(i64::try_from(events.len()).unwrap_or(i64::MAX) >= batch)
}

/// The resources that events are about.
#[derive(Debug, Default)]
struct Changes {
    users: BTreeSet<Uuid>,
    groups: BTreeSet<Uuid>,
    /// Groups whose parents may have changed.
    moved: BTreeSet<Uuid>,
}

impl Changes {
    fn of(events: &[Envelope], rules: &Rules) -> Self {
        let mut changes = Self::default();
        let groups_matter = !rules.groups.is_none() || rules.people != PeopleRule::Everybody;
        for event in events {
            if event.kind.starts_with("vestibule.user.") {
                changes.users.insert(event.subject);
            } else if event.kind.starts_with("vestibule.group.") {
                changes.groups.insert(event.subject);
                if groups_matter && event.kind.starts_with("vestibule.group.updated.") {
                    changes.moved.insert(event.subject);
                }
            }
        }
        changes
    }

    async fn mark(
        &self,
        tx: &mut Tx,
        target: &Target,
        followed: &BTreeSet<Uuid>,
        now: chassis::clock::Timestamp,
    ) -> Result<(), DbError> {
        let all: Vec<Uuid> = self.users.union(&self.groups).copied().collect();
        if all.is_empty() {
            return Ok(());
        }
        let marked: BTreeSet<Uuid> = marks::mark(tx, target.id, &all, now).await?.into_iter().collect();
        let pushed = self.groups.iter().filter(|id| target.rules.groups.has(**id));
        let groups = pushed.map(|id| (*id, Kind::Group));
        let users = followed.iter().map(|id| (*id, Kind::User));
        let unknown: BTreeSet<(Uuid, bool)> = groups
            .chain(users)
            .filter(|(id, _)| !marked.contains(id))
            .map(|(id, kind)| (id, kind == Kind::Group))
            .collect();
        for (id, is_group) in unknown {
            let kind = if is_group { Kind::Group } else { Kind::User };
            marks::track(tx, target.id, (kind, id), now).await?;
        }
        for group in &self.moved {
            sweeps::begin(tx, target.id, (sweeps::MEMBERS, *group), now).await?;
        }
        Ok(())
    }
}

/// Those of the users who are pushed to the target as they are now.
async fn new_users(
    provisioning: &Provisioning,
    reader: &mut Reader,
    target: &Target,
    ids: &BTreeSet<Uuid>,
) -> Result<BTreeSet<Uuid>, DbError> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    let users = provisioning.shared.directory.users(reader, &ids).await?;
    let scope = Scope::load(provisioning, reader, &target.rules).await?;
    let pushed = users.into_iter().filter(|user| scope.has(user));
    Ok(pushed.map(|user| user.id).collect())
}

/// The people who are pushed to a target.
#[derive(Debug)]
pub(crate) enum Scope {
    Everybody,
    /// The direct members of these groups.
    Members(BTreeSet<Uuid>),
}

impl Scope {
    pub(crate) async fn load(
        provisioning: &Provisioning,
        reader: &mut Reader,
        rules: &Rules,
    ) -> Result<Self, DbError> {
        match &rules.people {
            PeopleRule::Everybody => Ok(Self::Everybody),
            PeopleRule::Members { groups } => {
                let groups: Vec<Uuid> = groups.iter().copied().collect();
                let below = provisioning
                    .shared
                    .directory
                    .groups_below(reader, &groups)
                    .await?;
                Ok(Self::Members(below))
            }
        }
    }

    /// True if a user is to have an account at the target.
    pub(crate) fn has(&self, user: &DirectoryUser) -> bool {
        let in_scope = match self {
            Self::Everybody => true,
            Self::Members(groups) => user.groups.iter().any(|group| groups.contains(group)),
        };
        in_scope && user.active && !user.deleted
    }
}
