//! The rules of a target: who is pushed, which groups are, and what becomes of those who leave.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::invalid::InvalidRule;
use crate::mapping::MappingRule;

/// The most groups that a rule names.
pub(crate) const MAX_GROUPS: usize = 100;

/// The rules of a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ProvisioningRules")]
pub(crate) struct Rules {
    /// The people who are pushed.
    pub(crate) people: PeopleRule,
    /// The groups that are pushed.
    pub(crate) groups: GroupsRule,
    /// True if groups are pushed as members of groups. Otherwise a group has the people of the groups in it as its members.
    pub(crate) nested_groups: bool,
    /// The accounts and groups at the target that were not pushed from here, and have the name of one that is to be pushed.
    pub(crate) adopt: Adopt,
    /// The attributes of people at the target; without any, those of the standard.
    pub(crate) mapping: Vec<MappingRule>,
    /// The action for the account of a user who is not among those who are pushed any more.
    pub(crate) when_out_of_scope: OutOfScope,
    /// The action for the account of a user who is deleted.
    pub(crate) when_deleted: Deleted,
}

/// The people who are pushed to a target. Nobody gets an account there while they are not active.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "filter", rename_all = "snake_case")]
pub(crate) enum PeopleRule {
    /// Everybody.
    #[default]
    Everybody,
    /// The members of any of these groups, and of the groups in them.
    Members {
        /// The ids of the groups.
        groups: BTreeSet<Uuid>,
    },
}

/// The groups that are pushed to a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "push", rename_all = "snake_case")]
pub(crate) enum GroupsRule {
    /// No group.
    #[default]
    None,
    /// Every group.
    All,
    /// These groups.
    Listed {
        /// The ids of the groups.
        groups: BTreeSet<Uuid>,
    },
}

/// The accounts and groups at a target that were not pushed from here and have a name that is to be pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Adopt {
    /// They are left alone, and the push fails. Otherwise somebody who registers here under the name of an account there would
    /// get that account.
    #[default]
    Never,
    /// An account with the `userName`, or a group with the `displayName`, is taken over: it gets the attributes from here, and
    /// ends with the user or group here.
    ByUserName,
}

/// The action for an account whose owner is not pushed any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutOfScope {
    /// It is made inactive.
    #[default]
    Deactivate,
    /// It is deleted.
    Delete,
}

/// The action for an account whose owner is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deleted {
    /// It is deleted.
    #[default]
    Delete,
    /// It is made inactive, and stays.
    Deactivate,
}

impl GroupsRule {
    /// True if the group is pushed.
    pub(crate) fn has(&self, group: Uuid) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Listed { groups } => groups.contains(&group),
        }
    }

    /// True if no group is pushed.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl Rules {
    /// Checks what the types do not say, but for the existence of the groups.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub(crate) fn check(&self, users: &scim::schema::ResourceType) -> Result<(), InvalidRule> {
        let listed = |field: &str, groups: &BTreeSet<Uuid>| {
            if groups.is_empty() || groups.len() > MAX_GROUPS {
                let expected = format!("Expected the ids of 1 to {MAX_GROUPS} groups.");
                return Err(InvalidRule::new(field, expected));
            }
            Ok(())
        };
        if let PeopleRule::Members { groups } = &self.people {
            listed("rules.people.groups", groups)?;
        }
        if let GroupsRule::Listed { groups } = &self.groups {
            listed("rules.groups.groups", groups)?;
        }
        crate::mapping::check(&self.mapping, users)
    }

    /// The groups that the rules name, each with the field that does.
    pub(crate) fn named_groups(&self) -> Vec<(&'static str, Uuid)> {
        let mut named = Vec::new();
        if let PeopleRule::Members { groups } = &self.people {
            named.extend(groups.iter().map(|id| ("rules.people.groups", *id)));
        }
        if let GroupsRule::Listed { groups } = &self.groups {
            named.extend(groups.iter().map(|id| ("rules.groups.groups", *id)));
        }
        named
    }
}
