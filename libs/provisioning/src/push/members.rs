//! The push of the changes of a group's members: removals first, then additions, in requests of their own.

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Attempt, PushError, Refused};
use crate::compare::patch;
use crate::remote::{Kind, RemoteError};
use crate::store::member_changes::{self, PendingMember};
use crate::store::{marks, members};

/// Changes of members in one request.
const BATCH: i64 = 100;
/// The most members of a group at a target that understands no PATCH: they are in one request.
const MAX_MEMBERS: i64 = 50_000;
/// The most members that one push finds to be refused. With more, the target refuses the group rather than its members.
const MAX_REFUSED: u8 = 10;

/// The end of the push of some changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pushed {
    All,
    /// The time was too short for all.
    TimeUp,
}

impl Attempt<'_> {
    /// Pushes the changes of members that wait; `false` when the time was too short for all. A member that the target refuses is
    /// noted, and holds no other one.
    pub(super) async fn push_members(&mut self, until: Instant) -> Result<bool, PushError> {
        for state in [member_changes::REMOVING, member_changes::ADDING] {
            if self.push_changes(state, until).await? == Pushed::TimeUp {
                return Ok(false);
            }
        }
        if self.push_refused(until).await? == Pushed::TimeUp {
            return Ok(false);
        }
        self.sum_refused_up().await?;
        Ok(true)
    }

    /// Pushes the changes that an earlier push found to be refused, each in a request of its own.
    async fn push_refused(&mut self, until: Instant) -> Result<Pushed, PushError> {
        let of = (self.job.target.id, self.job.id());
        loop {
            let mut reader = self.job.provisioning.shared.db.reader().await?;
            // The push ends before it finds so many, so each page has one that it has not tried, if there is any.
            let refused = member_changes::refused(&mut reader, of, i64::from(MAX_REFUSED)).await?;
            drop(reader);
            let was_refused = |id: Uuid| self.refused_members.iter().any(|(member, _)| *member == id);
            let parts: Vec<Vec<PendingMember>> = refused
                .into_iter()
                .filter(|member| !was_refused(member.member_id))
                .map(|member| vec![member])
                .collect();
            if parts.is_empty() {
                return Ok(Pushed::All);
            }
            if self.push_parts(parts, until).await? == Pushed::TimeUp {
                return Ok(Pushed::TimeUp);
            }
        }
    }

    /// Pushes the removals or the additions that were not refused before.
    async fn push_changes(&mut self, state: &str, until: Instant) -> Result<Pushed, PushError> {
        let of = (self.job.target.id, self.job.id());
        let mut after = Uuid::nil();
        loop {
            let mut reader = self.job.provisioning.shared.db.reader().await?;
            let pending = member_changes::pending(&mut reader, of, state, after, BATCH).await?;
            drop(reader);
            let Some(last) = pending.last() else {
                return Ok(Pushed::All);
            };
            after = last.member_id;
            // One that is not at the target is added when it is; one that was deleted there is no member any more.
            let pending: Vec<PendingMember> = pending
                .into_iter()
                .filter(|member| member.remote_id.is_some() || !member.is_added())
                .collect();
            if self.push_parts(vec![pending], until).await? == Pushed::TimeUp {
                return Ok(Pushed::TimeUp);
            }
        }
    }

    /// Pushes parts, each in one request. A part that the target refuses is halved down to the member that it refuses.
    async fn push_parts(
        &mut self,
        mut parts: Vec<Vec<PendingMember>>,
        until: Instant,
    ) -> Result<Pushed, PushError> {
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.push_part(&part).await {
                Ok(()) => self.note_pushed(&part).await?,
                Err(PushError::Remote(error)) if error.is_permanent() => {
                    self.check_group(&error).await?;
                    if let [member] = part.as_slice() {
                        self.note_refusal(member.member_id, error).await?;
                    } else {
                        let rest = part.split_off(part.len() / 2);
                        parts.extend([rest, part]);
                    }
                }
                Err(error) => return Err(error),
            }
            if Instant::now() >= until {
                return Ok(Pushed::TimeUp);
            }
        }
        Ok(Pushed::All)
    }

    async fn push_part(&mut self, part: &[PendingMember]) -> Result<(), PushError> {
        let operations = operations(part);
        let (false, Some(id)) = (operations.is_empty(), self.remote_id.clone()) else {
            return Ok(());
        };
        if self.features.patch {
            let body = patch(operations);
            match self.remote.patch(Kind::Group, &id, &body, None).await {
                Err(RemoteError::Refused { status, .. })
                    if [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED].contains(&status) =>
                {
                    self.features.patch = false;
                }
                Ok(()) => {
                    self.written = true;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        let Some(there) = self.remote.read(Kind::Group, &id).await? else {
            self.pushed = None;
            return Err(RemoteError::Late.into());
        };
        let added: Vec<Uuid> = part.iter().map(|member| member.member_id).collect();
        let mut body = there.attributes;
        body.insert("members".to_owned(), self.all_members(Some(&added)).await?);
        let etag = there.etag.as_deref().filter(|_| self.features.etag);
        self.remote
            .replace(Kind::Group, &id, &Value::Object(body), etag)
            .await?;
        self.written = true;
        Ok(())
    }

    /// Tells a group that is not at the target any more from a member that is not.
    async fn check_group(&mut self, error: &RemoteError) -> Result<(), PushError> {
        if !error.is_missing() {
            return Ok(());
        }
        let there = match &self.remote_id {
            Some(id) => self.remote.read(Kind::Group, id).await?,
            None => None,
        };
        match there {
            Some(_) => Ok(()),
            None => {
                self.pushed = None;
                Err(error.clone().into())
            }
        }
    }

    async fn note_pushed(&self, part: &[PendingMember]) -> Result<(), PushError> {
        let of = (self.job.target.id, self.job.id());
        let mut tx = self
            .job
            .provisioning
            .shared
            .db
            .begin("provisioning_members")
            .await?;
        member_changes::pushed(&mut tx, of, part).await?;
        Ok(tx.commit().await?)
    }

    /// Notes that the target refuses a member, and has it asked for that one, which may be deleted there.
    async fn note_refusal(&mut self, member: Uuid, error: RemoteError) -> Result<(), PushError> {
        let (of, now) = ((self.job.target.id, self.job.id()), self.job.provisioning.now());
        let mut tx = self
            .job
            .provisioning
            .shared
            .db
            .begin("provisioning_refused")
            .await?;
        member_changes::note_refusal(&mut tx, of, member, now).await?;
        marks::distrust(&mut tx, of.0, &[member], now).await?;
        tx.commit().await?;
        self.refused_members.push((member, error.clone()));
        match self.refused_members.len() >= usize::from(MAX_REFUSED) {
            true => {
                self.pushed = None;
                Err(error.into())
            }
            false => Ok(()),
        }
    }

    /// Sums up which members the target refuses, in the outcome of the push.
    async fn sum_refused_up(&mut self) -> Result<(), PushError> {
        let Some((member, error)) = self.refused_members.last() else {
            return Ok(());
        };
        let of = (self.job.target.id, self.job.id());
        let mut reader = self.job.provisioning.shared.db.reader().await?;
        let count = member_changes::count_refused(&mut reader, of).await?;
        self.refused = Some(Refused {
            reason: format!("members that the target refuses: {count}, among them {member}: {error}"),
            status: error.status(),
        });
        Ok(())
    }

    /// The members as a PUT has them: all that are and that are to be; or with `added` those that are, and these.
    pub(super) async fn all_members(&self, added: Option<&[Uuid]>) -> Result<Value, PushError> {
        let of = (self.job.target.id, self.job.id());
        let mut reader = self.job.provisioning.shared.db.reader().await?;
        let all = members::all(&mut reader, of, added, MAX_MEMBERS + 1).await?;
        if i64::try_from(all.len()).unwrap_or(i64::MAX) > MAX_MEMBERS {
            return Err(PushError::TooManyMembers { limit: MAX_MEMBERS });
        }
        Ok(all.iter().map(|(kind, id)| member(kind, id)).collect())
    }
}

/// A member as the target has it. Some targets know no type of users.
fn member(kind: &str, id: &str) -> Value {
    match Kind::of_name(kind) {
        Kind::User => json!({ "value": id }),
        Kind::Group => json!({ "value": id, "type": "Group" }),
    }
}

/// The operations of PATCH for changes of members.
fn operations(pending: &[PendingMember]) -> Vec<Value> {
    let there = |member: &PendingMember| {
        let kind = member.kind.clone().unwrap_or_default();
        member.remote_id.clone().map(|id| (kind, id))
    };
    let (added, removed): (Vec<&PendingMember>, Vec<&PendingMember>) =
        pending.iter().partition(|member| member.is_added());
    let added: Vec<Value> = added
        .into_iter()
        .filter_map(there)
        .map(|(kind, id)| member(&kind, &id))
        .collect();
    let mut operations: Vec<Value> = removed
        .into_iter()
        .filter_map(there)
        .map(|(_, id)| {
            let path = format!("members[value eq {}]", Value::from(id));
            json!({ "op": "remove", "path": path })
        })
        .collect();
    if !added.is_empty() {
        operations.push(json!({ "op": "add", "path": "members", "value": added }));
    }
    operations
}
