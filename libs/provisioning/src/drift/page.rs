//! One page of a drift check.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chassis::db::DbError;
use serde_json::{Map, Value};
use tokio::time::Instant;
use uuid::Uuid;

use super::{CheckJob, PageResult};
use crate::ProvisioningError;
use crate::compare::differences;
use crate::mapping::DesiredResource;
use crate::push::{LIMIT, Situation, Wanted};
use crate::remote::{Features, Kind, LARGE_BYTES, Page, Remote, RemoteError, RemoteResource};
use crate::store::checks::{self, Finding};

/// The time after which a page stops before its next resource, which may take long.
pub(super) const STOP: Duration = LIMIT.saturating_sub(Duration::from_secs(40));

pub(super) fn finding(name: &str, kind: &str, resource_id: Option<Uuid>, remote_id: Option<&str>) -> Finding {
    Finding {
        finding: name.to_owned(),
        kind: kind.to_owned(),
        resource_id,
        remote_id: remote_id.map(str::to_owned),
        attributes: Vec::new(),
    }
}

impl CheckJob {
    /// Compares a page of what the target has.
    pub(super) async fn compare(
        &self,
        remote: &Remote<'_>,
        features: Features,
    ) -> Result<PageResult, ProvisioningError> {
        let kind = match self.check.phase.as_str() {
            "groups" => Kind::Group,
            _ => Kind::User,
        };
        let mut result = PageResult::default();
        if kind == Kind::Group && self.target.rules.groups.is_none() {
            return Ok(result);
        }
        let Some(page) = self.read_page(remote, kind, features).await? else {
            return self.past_one_too_large(remote, kind).await;
        };
        let done: BTreeSet<&str> = self.check.page_done.iter().map(String::as_str).collect();
        let left = page
            .resources
            .iter()
            .filter(|found| !done.contains(found.id.as_str()));
        let left: Vec<&RemoteResource> = left.collect();
        let remote_ids: Vec<&str> = left.iter().map(|found| found.id.as_str()).collect();
        let mut reader = self.provisioning.shared.db.reader().await?;
        let owners = checks::owners(&mut reader, self.target.id, kind, &remote_ids).await?;
        drop(reader);
        let owners: HashMap<String, (Uuid, bool)> = owners
            .into_iter()
            .map(|(remote, id, waits)| (remote, (id, waits)))
            .collect();
        let mut compared = Vec::new();
        for found in left {
            if !compared.is_empty() && Instant::now() >= self.claimed + STOP {
                result.stopped_after = Some(compared);
                return Ok(result);
            }
            let owner = owners.get(&found.id).copied();
            match self.compare_one(remote, (kind, owner), found, &mut result).await {
                Ok(()) => {}
                Err(ProvisioningError::Db(error)) => return Err(error.into()),
                // What was compared before is not lost with it.
                Err(error) => {
                    result.stopped_after = Some(compared);
                    result.failure = Some(error);
                    return Ok(result);
                }
            }
            compared.push(found.id.clone());
            result.compared = result.compared.saturating_add(1);
        }
        result.next = page.next;
        Ok(result)
    }

    /// Compares a resource of the target. `owner` is the one here that it belongs to, with whether a push of it waits.
    async fn compare_one(
        &self,
        remote: &Remote<'_>,
        (kind, owner): (Kind, Option<(Uuid, bool)>),
        found: &RemoteResource,
        result: &mut PageResult,
    ) -> Result<(), ProvisioningError> {
        let Some((owner, waits)) = owner else {
            result
                .findings
                .push(finding("unmanaged", kind.name(), None, Some(&found.id)));
            return Ok(());
        };
        result.seen.push(owner);
        // It differs because it changed a moment ago.
        if waits {
            return Ok(());
        }
        let attributes = match kind {
            Kind::User => Some(self.user_differences(owner, found).await?),
            Kind::Group => self.group_differences(remote, owner, found).await?.map(|group| {
                result.members.extend(group.members);
                group.attributes
            }),
        };
        let name = match &attributes {
            Some(attributes) if attributes.is_empty() => return Ok(()),
            Some(_) => "different",
            None => "not_compared",
        };
        result.findings.push(Finding {
            attributes: attributes.unwrap_or_default(),
            ..finding(name, kind.name(), Some(owner), Some(&found.id))
        });
        Ok(())
    }

    /// The page at the cursor; of fewer resources if it is too large. `None` if a page of a single resource is too large as well.
    async fn read_page(
        &self,
        remote: &Remote<'_>,
        kind: Kind,
        mut features: Features,
    ) -> Result<Option<Page>, ProvisioningError> {
        loop {
            match remote.page(kind, &self.check.cursor, features).await {
                Ok(page) => return Ok(Some(page)),
                Err(RemoteError::TooLarge { .. }) if features.page > 1 => {
                    features.page = (features.page / 10).max(1);
                }
                // By a cursor, nothing leads past it.
                Err(RemoteError::TooLarge { .. }) if !features.cursor => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The result of a page whose only resource is too large for an answer.
    ///
    /// # Errors
    /// [`RemoteError::TooLarge`] if the target does not tell how many resources it has: every answer may be as large, and nothing
    /// shows where the list ends.
    async fn past_one_too_large(
        &self,
        remote: &Remote<'_>,
        kind: Kind,
    ) -> Result<PageResult, ProvisioningError> {
        let Some(total) = remote.total(kind).await? else {
            return Err(RemoteError::TooLarge { limit: LARGE_BYTES }.into());
        };
        let index: u64 = self.check.cursor.parse().unwrap_or(1);
        let next = index.saturating_add(1);
        Ok(PageResult {
            compared: 1,
            findings: vec![finding("not_compared", kind.name(), None, None)],
            next: (next <= total).then(|| next.to_string()),
            ..PageResult::default()
        })
    }

    /// The attributes in which an account differs from what it should be.
    async fn user_differences(&self, id: Uuid, found: &RemoteResource) -> Result<Vec<String>, DbError> {
        let rules = &self.target.rules;
        let situation = Situation::load(&self.provisioning, rules, id).await?;
        let desired = match (situation.wanted(rules), &situation.user) {
            (Wanted::Present { .. }, Some(user)) => {
                let users = self.provisioning.shared.registry.users();
                DesiredResource::of_user(&rules.mapping, user.id, &user.resource, users)
            }
            (Wanted::Inactive, _) => DesiredResource {
                attributes: Map::from_iter([("active".to_owned(), Value::Bool(false))]),
                absent: Vec::new(),
            },
            // It should not be there at all.
            (Wanted::Absent | Wanted::Present { .. }, _) => return Ok(vec!["id".to_owned()]),
        };
        Ok(paths(&desired, found))
    }
}

pub(super) fn paths(desired: &DesiredResource, found: &RemoteResource) -> Vec<String> {
    let differing = differences(desired, &found.attributes);
    differing.into_iter().map(|difference| difference.path).collect()
}
