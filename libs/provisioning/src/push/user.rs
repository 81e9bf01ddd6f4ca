//! The push of a user.

use chassis::db::DbError;
use uuid::Uuid;

use super::{Attempt, Done, PushError, Wanted, above, plan, pushed_groups};
use crate::Provisioning;
use crate::directory::{DirectoryUser, Nesting};
use crate::mapping::DesiredResource;
use crate::remote::Kind;
use crate::rules::{PeopleRule, Rules};

/// A user and the groups around them.
#[derive(Debug)]
pub(crate) struct Situation {
    pub(crate) user: Option<DirectoryUser>,
    nestings: Vec<Nesting>,
}

impl Situation {
    /// Loads a user.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn load(provisioning: &Provisioning, rules: &Rules, id: Uuid) -> Result<Self, DbError> {
        let directory = &provisioning.shared.directory;
        let mut reader = provisioning.shared.db.reader().await?;
        let user = directory.users(&mut reader, &[id]).await?.pop();
        let needs_groups = !rules.groups.is_none() || rules.people != PeopleRule::Everybody;
        let nestings = match &user {
            Some(user) if needs_groups && !user.groups.is_empty() => {
                directory.nestings_above(&mut reader, &user.groups).await?
            }
            _ => Vec::new(),
        };
        Ok(Self { user, nestings })
    }

    /// The state that the user should have at a target with these rules.
    pub(crate) fn wanted(&self, rules: &Rules) -> Wanted {
        let in_scope = match (&rules.people, &self.user) {
            (PeopleRule::Everybody, _) => true,
            (PeopleRule::Members { groups }, Some(user)) => {
                !above(&user.groups, &self.nestings).is_disjoint(groups)
            }
            (PeopleRule::Members { .. }, None) => false,
        };
        plan(self.user.as_ref(), in_scope, rules)
    }

    /// The pushed groups of which the user is a member.
    fn groups(&self, rules: &Rules) -> Vec<Uuid> {
        let user = self.user.as_ref();
        user.map(|user| pushed_groups(&user.groups, &self.nestings, rules))
            .unwrap_or_default()
    }
}

impl Attempt<'_> {
    /// Brings a user to the state at the target that the rules ask for.
    pub(super) async fn push_user(&mut self) -> Result<Done, PushError> {
        let rules = &self.job.target.rules;
        let situation = Situation::load(&self.job.provisioning, rules, self.job.id()).await?;
        match (situation.wanted(rules), &situation.user) {
            (Wanted::Present { create }, Some(user)) => {
                let users = self.job.provisioning.shared.registry.users();
                let desired = DesiredResource::of_user(&rules.mapping, user.id, &user.resource, users);
                if desired.user_name().is_none() {
                    return Err(PushError::NoUserName);
                }
                match self.ensure(Kind::User, &desired, create).await? {
                    true => Ok(Done::Complete {
                        groups: situation.groups(rules),
                    }),
                    false => Ok(Done::Absent),
                }
            }
            (Wanted::Inactive, _) => match self.deactivate().await? {
                true => Ok(Done::Complete { groups: Vec::new() }),
                false => Ok(Done::Absent),
            },
            (Wanted::Absent | Wanted::Present { .. }, _) => {
                self.delete(Kind::User).await?;
                Ok(Done::Absent)
            }
        }
    }
}
