//! Assignment of users to a client, and their roles there: the claim `roles` (RFC 9068 §2.2.3.1).

use std::collections::BTreeSet;

use crate::client::{ClientMetadata, RoleDefinition};

/// The relation of a user to a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// True if the user may use the client.
    pub assigned: bool,
    /// The roles of the user at the client, in order.
    pub roles: Vec<String>,
}

impl Assignment {
    /// The assignment of a user who is a member of `groups`, directly or by groups in groups, and was given the roles `given`
    /// themselves. A role that is not defined with the client has no effect.
    pub fn of(metadata: &ClientMetadata, groups: &[String], given: &[String]) -> Self {
        let is_member = |names: &[String]| names.iter().any(|name| groups.contains(name));
        let has = |(name, role): &(&String, &RoleDefinition)| is_member(&role.groups) || given.contains(name);
        let roles: BTreeSet<String> = metadata
            .roles
            .iter()
            .filter(has)
            .map(|(name, _)| name.clone())
            .collect();
        Self {
            assigned: !metadata.require_assignment
                || is_member(&metadata.allowed_groups)
                || !roles.is_empty(),
            roles: roles.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(change: impl FnOnce(&mut ClientMetadata)) -> ClientMetadata {
        let mut metadata = ClientMetadata::default();
        change(&mut metadata);
        metadata
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// A client that requires an assignment, with the group `staff` and two roles.
    fn wiki() -> ClientMetadata {
        metadata(|client| {
            client.require_assignment = true;
            client.allowed_groups = names(&["staff"]);
            for (role, groups) in [("editor", vec!["Editors", "Board"]), ("reader", Vec::new())] {
                let role_of = RoleDefinition {
                    description: None,
                    groups: names(&groups),
                };
                client.roles.insert(role.to_owned(), role_of);
            }
        })
    }

    /// The groups of the user and the roles that they were given, whether they are assigned, and their roles.
    type Row = (
        &'static [&'static str],
        &'static [&'static str],
        bool,
        &'static [&'static str],
    );

    #[test]
    fn groups_and_given_roles_assign() {
        // SB-48, SB-49
        const ROWS: &[Row] = &[
            (&[], &[], false, &[]),
            (&["guests"], &[], false, &[]),
            (&["Staff"], &[], false, &[]),
            (&["staff"], &[], true, &[]),
            (&["Board"], &[], true, &["editor"]),
            (&["staff", "Editors", "Board"], &[], true, &["editor"]),
            (&[], &["reader"], true, &["reader"]),
            (&["Editors"], &["reader", "editor"], true, &["editor", "reader"]),
            (&[], &["owner"], false, &[]),
            (&["owner", "reader"], &[], false, &[]),
        ];
        for (groups, given, assigned, roles) in ROWS {
            let found = Assignment::of(&wiki(), &names(groups), &names(given));
            let expected = Assignment {
                assigned: *assigned,
                roles: names(roles),
            };
            assert_eq!(found, expected, "{groups:?} {given:?}");
        }
    }

    #[test]
    fn without_a_requirement_everybody_is_assigned() {
        let open = ClientMetadata {
            require_assignment: false,
            allowed_groups: Vec::new(),
            ..wiki()
        };
        assert!(Assignment::of(&open, &[], &[]).assigned);
        assert_eq!(Assignment::of(&open, &names(&["Board"]), &[]).roles, ["editor"]);
        assert!(Assignment::of(&ClientMetadata::default(), &[], &[]).assigned);
    }
}
