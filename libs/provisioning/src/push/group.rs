//! The push of a group.

use tokio::time::Instant;
use uuid::Uuid;

use super::{Attempt, Done, PushError, pushed_groups};
use crate::mapping::DesiredResource;
use crate::remote::Kind;

impl Attempt<'_> {
    /// Brings a group to the state at the target that the rules ask for, and pushes changes of its members until `until`.
    pub(super) async fn push_group(&mut self, until: Instant) -> Result<Done, PushError> {
        let (rules, id) = (&self.job.target.rules, self.job.id());
        let directory = &self.job.provisioning.shared.directory;
        let mut reader = self.job.provisioning.shared.db.reader().await?;
        let group = match rules.groups.has(id) {
            true => directory.groups(&mut reader, &[id]).await?.pop(),
            false => None,
        };
        let Some(group) = group else {
            drop(reader);
            self.delete(Kind::Group).await?;
            return Ok(Done::Absent);
        };
        let groups = match rules.nested_groups {
            true => {
                let nestings = directory.nestings_above(&mut reader, &[id]).await?;
                let parents = nestings.iter().filter(|nesting| nesting.group == id);
                let parents: Vec<Uuid> = parents.map(|nesting| nesting.parent).collect();
                pushed_groups(&parents, &nestings, rules)
            }
            false => Vec::new(),
        };
        drop(reader);
        let desired = DesiredResource::of_group(id, &group.display_name);
        self.ensure(Kind::Group, &desired, true).await?;
        if self.is_dry {
            return Ok(Done::Complete { groups });
        }
        match self.push_members(until).await? {
            true => Ok(Done::Complete { groups }),
            false => Ok(Done::MembersLeft { groups }),
        }
    }
}
