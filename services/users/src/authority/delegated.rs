//! The delegations of a person, as they are when a request begins.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use contract::{GroupId, UserId, UserState};
use scim::filter::Filter;
use serde_json::Value;

use super::{Right, Rights};

/// Groups, by id and by name. A user whom no later release has changed has the names of the groups alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupSet {
    ids: BTreeSet<GroupId>,
    names: BTreeSet<String>,
}

impl GroupSet {
    /// True if a user is a direct member of one of the groups.
    fn has_member(&self, state: &UserState) -> bool {
        match &state.group_ids {
            Some(ids) => ids.iter().any(|id| self.ids.contains(id)),
            None => state.groups.iter().any(|name| self.names.contains(name)),
        }
    }

    /// The ids.
    pub(crate) fn ids(&self) -> &BTreeSet<GroupId> {
        &self.ids
    }
}

impl FromIterator<(GroupId, String)> for GroupSet {
    fn from_iter<I: IntoIterator<Item = (GroupId, String)>>(groups: I) -> Self {
        let (ids, names) = groups.into_iter().unzip();
        Self { ids, names }
    }
}

/// The users whom a delegation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The members of a group.
    Members {
        /// The group itself.
        of: GroupId,
        /// The group, and the groups in it on every level.
        groups: GroupSet,
    },
    /// The users whom a filter matches.
    Matching(Filter),
}

/// A delegation that a person holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The users.
    pub(crate) extent: Extent,
    /// The rights over them.
    pub(crate) rights: Rights,
}

/// The users whom delegated administrators may see and never change: those who administer, and those to whom something is
/// delegated. Who can change the e-mail address of somebody can sign in as them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Protected {
    /// The users to whom something is delegated.
    pub(crate) users: BTreeSet<UserId>,
    /// The group of the administrators, the groups to which something is delegated, and the groups in them on every level.
    pub(crate) groups: GroupSet,
}

impl Protected {
    fn has(&self, state: &UserState) -> bool {
        self.users.contains(&state.id) || self.groups.has_member(state)
    }
}

/// All that is delegated to a person.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delegated {
    holder: Option<UserId>,
    held: Vec<Held>,
    protected: Protected,
    visible_groups: BTreeSet<GroupId>,
    managed_groups: BTreeSet<GroupId>,
    names_are_outdated: bool,
}

/// Two are equal if the same is delegated. A group that matters and was renamed has another name in them.
impl PartialEq for Delegated {
    fn eq(&self, other: &Self) -> bool {
        (&self.held, &self.protected) == (&other.held, &other.protected)
    }
}

impl Eq for Delegated {}

impl Delegated {
    /// The delegations of a person, and the users whom the person may never change.
    pub(crate) fn new(held: Vec<Held>, protected: Protected) -> Self {
        let (mut visible_groups, mut managed_groups) = (BTreeSet::new(), BTreeSet::new());
        for one in &held {
            if let Extent::Members { of, groups } = &one.extent {
                visible_groups.extend(groups.ids());
                // By a membership in a protected group, a user would have more than the person may give.
                if one.rights.has(Right::ManageMembers) && !protected.groups.ids().contains(of) {
                    managed_groups.insert(*of);
                }
            }
        }
        Self {
            holder: None,
            held,
            protected,
            visible_groups,
            managed_groups,
            names_are_outdated: false,
        }
    }

    /// The same, while the states of some users may have former names of groups. A user whose state has no ids of groups is then a
    /// member of no group that is delegated, and is never changed.
    #[must_use]
    pub(crate) fn with_outdated_names(self, names_are_outdated: bool) -> Self {
        Self {
            names_are_outdated,
            ..self
        }
    }

    /// The same, of a person who is known.
    #[must_use]
    pub(crate) fn held_by(self, holder: UserId) -> Self {
        Self {
            holder: Some(holder),
            ..self
        }
    }

    pub(super) const fn holder(&self) -> Option<UserId> {
        self.holder
    }

    /// True if nobody can say which groups a user is in.
    fn has_unknown_groups(&self, state: &UserState) -> bool {
        self.names_are_outdated && state.group_ids.is_none()
    }

    /// The rights over a user, whose resource `resource` makes if a filter needs it.
    pub(super) fn rights_over<R: Borrow<Value>>(
        &self,
        state: &UserState,
        resource: impl FnOnce() -> R,
    ) -> Rights {
        let filtered = self
            .held
            .iter()
            .any(|held| matches!(held.extent, Extent::Matching(_)));
        let resource = filtered.then(resource);
        let inside = self.held.iter().filter(|held| match &held.extent {
            Extent::Members { groups, .. } => !self.has_unknown_groups(state) && groups.has_member(state),
            Extent::Matching(filter) => resource
                .as_ref()
                .is_some_and(|resource| filter.matches(resource.borrow())),
        });
        let rights = inside.fold(Rights::NONE, |rights, held| rights.union(held.rights));
        rights.intersection(match self.protects(state) {
            true => Rights::READ,
            false => Rights::OVER_USERS,
        })
    }

    /// True if a user is one whom the person may never change.
    pub(super) fn protects(&self, state: &UserState) -> bool {
        self.has_unknown_groups(state) || self.protected.has(state)
    }

    pub(super) fn has_anywhere(&self, right: Right) -> bool {
        self.held.iter().any(|held| held.rights.has(right))
    }

    pub(super) fn sees_group(&self, id: GroupId) -> bool {
        self.visible_groups.contains(&id)
    }

    pub(super) fn manages_members_of(&self, id: GroupId) -> bool {
        self.managed_groups.contains(&id)
    }

    /// The groups whose members are delegated, and those in them on every level.
    pub(crate) const fn visible_groups(&self) -> &BTreeSet<GroupId> {
        &self.visible_groups
    }

    /// True if a user is a member of one of the groups whose members are delegated.
    pub(crate) fn has_member(&self, state: &UserState) -> bool {
        let is_member = |held: &Held| match &held.extent {
            Extent::Members { groups, .. } => groups.has_member(state),
            Extent::Matching(_) => false,
        };
        !self.has_unknown_groups(state) && self.held.iter().any(is_member)
    }

    /// The extents, without the groups in groups and their names.
    pub(super) fn extent_text(&self) -> String {
        let extents = self.held.iter().map(|held| match &held.extent {
            Extent::Members { of, .. } => format!("members of {of}"),
            Extent::Matching(filter) => format!("{filter:?}"),
        });
        extents.collect::<Vec<_>>().join("\n")
    }

    /// The filters of the users who are delegated.
    pub(crate) fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.held.iter().filter_map(|held| match &held.extent {
            Extent::Members { .. } => None,
            Extent::Matching(filter) => Some(filter),
        })
    }
}
