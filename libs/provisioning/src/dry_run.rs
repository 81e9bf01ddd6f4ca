//! The dry run: the pushes that a sync would make, found by the same steps as a push, without anything written.

use chassis::db::{DbError, Reader};
use uuid::Uuid;

use crate::push::{Job, Planned, PushError, features_of, remote_of};
use crate::remote::{Kind, RemoteError};
use crate::rules::Rules;
use crate::store::queue::{Claim, Due};
use crate::store::{self, Target, resources};
use crate::{Provisioning, ProvisioningError};

/// Resources looked at for one page, at most.
const SCANNED: i64 = 500;

/// A push that a sync would make, or its failure.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "PlannedPush")]
pub(crate) struct PlannedPush {
    /// The id of the user or group here.
    pub(crate) resource_id: Uuid,
    /// `user` or `group`.
    pub(crate) kind: &'static str,
    /// `create`, `adopt` (of a resource that was not pushed from here), `change`, `deactivate`, `delete` or `fail`.
    pub(crate) action: &'static str,
    /// The id at the target, of a resource that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remote_id: Option<String>,
    /// The attributes that would change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) attributes: Vec<String>,
    /// The reason of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// A page of a dry run.
#[derive(Debug, Default, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "DryRunPage")]
pub(crate) struct DryRunPage {
    pub(crate) pushes: Vec<PlannedPush>,
    /// Users and groups that were looked at.
    pub(crate) scanned: u64,
    /// For `after`, to go on. There may be more though this page has no push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// The part of the directory that a page looks at: users, then groups, then what is followed at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Users,
    Groups,
    Tracked,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Tracked => "tracked",
        }
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Users => Some(Self::Groups),
            Self::Groups => Some(Self::Tracked),
            Self::Tracked => None,
        }
    }
}

/// Reads the `next` of an earlier page.
fn cursor(text: &str) -> Option<(Part, Uuid)> {
    let (name, id) = text.split_once(':')?;
    let part = [Part::Users, Part::Groups, Part::Tracked]
        .into_iter()
        .find(|part| part.name() == name)?;
    Some((part, id.parse().ok()?))
}

impl Provisioning {
    /// A page of the pushes that a sync would make, with other rules if there are any; at most `limit` of them.
    pub(crate) async fn dry_run(
        &self,
        id: Uuid,
        rules: Option<Rules>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<DryRunPage, ProvisioningError> {
        if let Some(rules) = &rules {
            self.check_rules(rules).await?;
        }
        let (part, after) = match after {
            None => (Part::Users, Uuid::nil()),
            Some(text) => cursor(text).ok_or_else(|| {
                crate::invalid::InvalidRule::new("after", "Expected the `next` of an earlier page.")
            })?,
        };
        let mut reader = self.shared.db.reader().await?;
        let mut target = store::find(&mut reader, id)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        target.rules.0 = rules.unwrap_or(target.rules.0);
        let (candidates, last) = self.candidates(&mut reader, &target, part, after).await?;
        drop(reader);
        let mut page = DryRunPage::default();
        let next_part = || part.next().map(|part| format!("{}:{}", part.name(), Uuid::nil()));
        page.next = match last {
            Some(last) => Some(format!("{}:{last}", part.name())),
            None => next_part(),
        };
        for due in candidates {
            let resource = due.resource_id;
            page.scanned += 1;
            page.pushes.extend(self.planned(&target, due).await?);
            if page.pushes.len() >= limit {
                page.next = Some(format!("{}:{resource}", part.name()));
                break;
            }
        }
        Ok(page)
    }

    /// The resources of a page, and the last one of a full page.
    async fn candidates(
        &self,
        reader: &mut Reader,
        target: &Target,
        part: Part,
        after: Uuid,
    ) -> Result<(Vec<Due>, Option<Uuid>), DbError> {
        let directory = &self.shared.directory;
        let (kind, ids) = match part {
            Part::Users => {
                let users = directory.users_after(reader, after, SCANNED).await?;
                let ids: Vec<Uuid> = users.iter().map(|user| user.id).collect();
                (Kind::User, ids)
            }
            Part::Groups => {
                let groups = directory.groups_after(reader, after, SCANNED).await?;
                (Kind::Group, groups.iter().map(|group| group.id).collect())
            }
            Part::Tracked => {
                let rows = resources::due_after(reader, target.id, after, SCANNED).await?;
                let last = chassis::db::next_cursor(&rows, SCANNED, |row| row.resource_id);
                return Ok((rows, last));
            }
        };
        let last = chassis::db::next_cursor(&ids, SCANNED, |id| *id);
        let known = resources::known(reader, target.id, &ids).await?;
        let unknown = ids.into_iter().filter(|id| !known.contains(id));
        let fresh = |resource_id| Due {
            resource_id,
            kind: kind.name().to_owned(),
            remote_id: None,
            remote_name: None,
            pushed: None,
            marks: 0,
            attempts: 0,
            claims: 0,
        };
        Ok((unknown.map(fresh).collect(), last))
    }

    /// The push that one resource needs, if it needs one.
    async fn planned(&self, target: &Target, due: Due) -> Result<Option<PlannedPush>, ProvisioningError> {
        let kind = Kind::of_name(&due.kind);
        let job = Job {
            provisioning: self.clone(),
            target: target.clone(),
            claim: Claim {
                target: target.id,
                resource: due.resource_id,
                fence: 0,
            },
            due,
            claimed: tokio::time::Instant::now(),
        };
        let remote = remote_of(self, target)?;
        let features = features_of(self, target, &remote).await?;
        let resource_id = job.claim.resource;
        let planned = |action, remote_id, attributes, reason| PlannedPush {
            resource_id,
            kind: kind.name(),
            action,
            remote_id,
            attributes,
            reason,
        };
        Ok(match job.plan(&remote, features).await {
            Ok(None) => None,
            Ok(Some(Planned {
                action,
                remote_id,
                attributes,
            })) => Some(planned(action, remote_id, attributes, None)),
            Err(PushError::Db(error)) => return Err(error.into()),
            Err(PushError::Own(error)) => return Err(error),
            Err(PushError::Remote(
                error @ (RemoteError::Unavailable { .. }
                | RemoteError::Unauthorized { .. }
                | RemoteError::NoRoom
                | RemoteError::Late),
            )) => return Err(error.into()),
            Err(error) => {
                let reason = Some(error.to_string());
                Some(planned("fail", error.into_remote_id(), Vec::new(), reason))
            }
        })
    }
}
