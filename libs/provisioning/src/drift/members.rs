//! The comparison of a group and its members with what they should be.

use std::collections::BTreeSet;

use chassis::db::{DbError, Reader};
use uuid::Uuid;

use super::CheckJob;
use super::missing::expect_answer;
use super::page::paths;
use crate::ProvisioningError;
use crate::mapping::DesiredResource;
use crate::remote::{Kind, Remote, RemoteError, RemoteResource};
use crate::store::checks;
use crate::store::members::{self, Membership};

/// The most members of a group that are compared.
const MAX_MEMBERS: i64 = 50_000;
/// Ids of the target looked up in one statement.
const CHUNK: usize = 1_000;

/// The differences of the members of a group, to be written as changes that wait when the check repairs.
#[derive(Debug)]
pub(super) struct MemberDifferences {
    pub(super) group: Uuid,
    /// The members that were pushed and are not at the target.
    pub(super) missing: Vec<Uuid>,
    /// The users and groups that are members at the target and not here.
    pub(super) extra: Vec<Uuid>,
}

/// The differences of a group.
#[derive(Debug, Default)]
pub(super) struct GroupDifferences {
    pub(super) attributes: Vec<String>,
    pub(super) members: Option<MemberDifferences>,
}

impl GroupDifferences {
    fn of_attributes(attributes: Vec<String>) -> Self {
        Self {
            attributes,
            members: None,
        }
    }
}

impl CheckJob {
    /// The differences of a group from what it should be; `None` if it cannot be compared, because it is too large or the target
    /// does not give it, or not in time. Nothing is written: the page does that when it is stored.
    pub(super) async fn group_differences(
        &self,
        remote: &Remote<'_>,
        id: Uuid,
        found: &RemoteResource,
    ) -> Result<Option<GroupDifferences>, ProvisioningError> {
        let shared = &self.provisioning.shared;
        let mut reader = shared.db.reader().await?;
        let group = match self.target.rules.groups.has(id) {
            true => shared.directory.groups(&mut reader, &[id]).await?.pop(),
            false => None,
        };
        let Some(group) = group else {
            return Ok(Some(GroupDifferences::of_attributes(vec!["id".to_owned()])));
        };
        let before = checks::progress(&mut reader, self.target.id, id).await?;
        drop(reader);
        let mut differing = paths(&DesiredResource::of_group(id, &group.display_name), found);
        let there = match remote.members(&found.id).await {
            Ok(Some(there)) => there,
            Ok(None) => return Ok(Some(GroupDifferences::of_attributes(differing))),
            // It concerns this group alone, and the others are compared.
            Err(RemoteError::TooLarge { .. } | RemoteError::Refused { .. }) => return Ok(None),
            Err(RemoteError::Late) => {
                expect_answer(remote).await?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut reader = shared.db.reader().await?;
        let here = members::of_group(&mut reader, (self.target.id, id), MAX_MEMBERS + 1).await?;
        if i64::try_from(here.len()).unwrap_or(i64::MAX) > MAX_MEMBERS {
            return Ok(None);
        }
        let missing = missing(&here, &there);
        let extra = self.extra(&mut reader, &here, &there).await?;
        let after = checks::progress(&mut reader, self.target.id, id).await?;
        drop(reader);
        // A push meanwhile makes the two sides incomparable.
        if before != after {
            return Ok(Some(GroupDifferences::of_attributes(differing)));
        }
        // Changes that wait for no push, as an interrupted repair of an earlier version left them.
        let is_forgotten = after.is_some_and(|progress| progress.is_in_step) && here.iter().any(is_pushable);
        let differs = !(missing.is_empty() && extra.is_empty());
        if differs || is_forgotten {
            differing.push("members".to_owned());
        }
        Ok(Some(GroupDifferences {
            attributes: differing,
            members: differs.then_some(MemberDifferences {
                group: id,
                missing,
                extra,
            }),
        }))
    }

    /// The users and groups here that are members at the target and not here. What the target has besides, accounts that were not
    /// pushed from here, belongs to it.
    async fn extra(
        &self,
        reader: &mut Reader,
        here: &[Membership],
        there: &BTreeSet<String>,
    ) -> Result<Vec<Uuid>, DbError> {
        let known: BTreeSet<Uuid> = here.iter().map(|member| member.member_id).collect();
        let expected: BTreeSet<&str> = here
            .iter()
            .filter_map(|member| member.remote_id.as_deref())
            .collect();
        let unexpected = there
            .iter()
            .map(String::as_str)
            .filter(|id| !expected.contains(id));
        let unexpected: Vec<&str> = unexpected.collect();
        let kinds: &[Kind] = match self.target.rules.nested_groups {
            true => &[Kind::User, Kind::Group],
            false => &[Kind::User],
        };
        let mut extra = Vec::new();
        for chunk in unexpected.chunks(CHUNK) {
            for kind in kinds {
                let owners = checks::owners(reader, self.target.id, *kind, chunk).await?;
                extra.extend(
                    owners
                        .into_iter()
                        .map(|(_, id, _)| id)
                        .filter(|id| !known.contains(id)),
                );
            }
        }
        Ok(extra)
    }
}

/// True for a change of a member that the next push of the group makes.
fn is_pushable(member: &Membership) -> bool {
    !member.is_settled && member.remote_id.is_some()
}

/// The members that were pushed and are not at the target.
fn missing(here: &[Membership], there: &BTreeSet<String>) -> Vec<Uuid> {
    let pushed = here.iter().filter(|member| member.is_settled);
    let missing = pushed.filter(|member| member.remote_id.as_ref().is_some_and(|id| !there.contains(id)));
    missing.map(|member| member.member_id).collect()
}
