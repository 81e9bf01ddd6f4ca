//! Sweeps: walks over many resources that mark them, one page at a time, and no further ahead than the target follows.

use std::collections::BTreeSet;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Reader, Tx, next_cursor};
use uuid::Uuid;

use super::super::Provisioning;
use super::super::remote::Kind;
use super::super::rules::PeopleRule;
use super::super::store::sweeps::{GROUPS, MEMBERS, Sweep, TRACKED, USERS, VERIFY};
use super::super::store::{self, Target, figures, marks, resources, sweeps};
use super::intake::Scope;

/// While so many resources of a target wait, its sweeps do.
const BACKLOG: i64 = 1_000;

/// A page of a sweep.
#[derive(Debug, Default)]
struct Page {
    /// Resources to mark, of those that are followed.
    known: Vec<Uuid>,
    /// Resources to mark, and to follow from now on.
    followed: Vec<(Kind, Uuid)>,
    scanned: usize,
    /// The last one of a full page.
    next: Option<Uuid>,
}

/// Moves the sweeps of all targets on by a page each. Returns true if one has more to do at once.
pub(super) async fn advance_all(provisioning: &Provisioning, batch: i64) -> Result<bool, DbError> {
    let all = sweeps::next(&mut provisioning.shared.db.reader().await?).await?;
    let mut more = false;
    for sweep in all {
        more |= advance(provisioning, &sweep, batch).await?;
    }
    Ok(more)
}

async fn advance(provisioning: &Provisioning, sweep: &Sweep, batch: i64) -> Result<bool, DbError> {
    let now = provisioning.now();
    let mut reader = provisioning.shared.db.reader().await?;
    if figures::has_backlog(&mut reader, sweep.target_id, BACKLOG).await? {
        return Ok(false);
    }
    let Some(target) = store::find(&mut reader, sweep.target_id).await? else {
        return Ok(false);
    };
    let page = read(provisioning, &mut reader, &target, sweep, batch).await?;
    drop(reader);
    let mut tx = provisioning.shared.db.begin("provisioning_sweep").await?;
    // One transaction at a time marks many resources of a target.
    let unchanged = store::lock(&mut tx, target.id)
        .await?
        .is_some_and(|locked| locked.version == target.version);
    let scanned = i64::try_from(page.scanned).unwrap_or(i64::MAX);
    let moved = unchanged
        && match page.next {
            Some(next) => sweeps::advance(&mut tx, sweep, next, scanned).await?,
            None => sweeps::end(&mut tx, sweep).await?,
        };
    if !moved {
        return Ok(false);
    }
    mark(&mut tx, sweep, &page, now).await?;
    tx.commit().await?;
    Ok(true)
}

async fn mark(tx: &mut Tx, sweep: &Sweep, page: &Page, now: Timestamp) -> Result<(), DbError> {
    let target = sweep.target_id;
    let followed = page.followed.iter().map(|(_, id)| *id);
    let all: BTreeSet<Uuid> = page.known.iter().copied().chain(followed).collect();
    let all: Vec<Uuid> = all.into_iter().collect();
    if all.is_empty() {
        return Ok(());
    }
    if sweep.kind == VERIFY {
        return marks::distrust(tx, target, &all, now).await;
    }
    let marked: BTreeSet<Uuid> = marks::mark(tx, target, &all, now).await?.into_iter().collect();
    for (kind, id) in &page.followed {
        if !marked.contains(id) {
            marks::track(tx, target, (*kind, *id), now).await?;
        }
    }
    Ok(())
}

async fn read(
    provisioning: &Provisioning,
    reader: &mut Reader,
    target: &Target,
    sweep: &Sweep,
    batch: i64,
) -> Result<Page, DbError> {
    let directory = &provisioning.shared.directory;
    let (after, rules) = (sweep.after_id, &target.rules);
    let of_ids = |ids: Vec<Uuid>| Page {
        scanned: ids.len(),
        next: next_cursor(&ids, batch, |id| *id),
        known: ids,
        followed: Vec::new(),
    };
    Ok(match sweep.kind.as_str() {
        USERS => read_users(provisioning, reader, target, after, batch).await?,
        GROUPS => {
            let groups = directory.groups_after(reader, after, batch).await?;
            let pushed = groups.iter().filter(|group| rules.groups.has(group.id));
            Page {
                followed: pushed.map(|group| (Kind::Group, group.id)).collect(),
                scanned: groups.len(),
                next: next_cursor(&groups, batch, |group| group.id),
                known: Vec::new(),
            }
        }
        TRACKED | VERIFY => of_ids(resources::ids_after(reader, sweep.target_id, after, batch).await?),
        MEMBERS => {
            let below = directory.groups_below(reader, &[sweep.group_id]).await?;
            let below: Vec<Uuid> = below.into_iter().collect();
            let ids = directory.members_after(reader, &below, after, batch).await?;
            let scope = Scope::load(provisioning, reader, rules).await?;
            let users = directory.users(reader, &ids).await?;
            let pushed = users.iter().filter(|user| scope.has(user));
            Page {
                followed: pushed.map(|user| (Kind::User, user.id)).collect(),
                ..of_ids(ids)
            }
        }
        _ => Page::default(),
    })
}

/// The users who are to have accounts. Of a filter by groups only the members are read, not everybody.
async fn read_users(
    provisioning: &Provisioning,
    reader: &mut Reader,
    target: &Target,
    after: Uuid,
    batch: i64,
) -> Result<Page, DbError> {
    let directory = &provisioning.shared.directory;
    let scope = Scope::load(provisioning, reader, &target.rules).await?;
    let users = match (&target.rules.people, &scope) {
        (PeopleRule::Members { .. }, Scope::Members(groups)) => {
            let groups: Vec<Uuid> = groups.iter().copied().collect();
            let ids = directory.members_after(reader, &groups, after, batch).await?;
            let mut users = directory.users(reader, &ids).await?;
            users.sort_unstable_by_key(|user| user.id);
            let pushed = users.iter().filter(|user| scope.has(user));
            return Ok(Page {
                followed: pushed.map(|user| (Kind::User, user.id)).collect(),
                scanned: ids.len(),
                next: next_cursor(&ids, batch, |id| *id),
                known: Vec::new(),
            });
        }
        _ => directory.users_after(reader, after, batch).await?,
    };
    let pushed = users.iter().filter(|user| scope.has(user));
    Ok(Page {
        followed: pushed.map(|user| (Kind::User, user.id)).collect(),
        scanned: users.len(),
        next: next_cursor(&users, batch, |user| user.id),
        known: Vec::new(),
    })
}
