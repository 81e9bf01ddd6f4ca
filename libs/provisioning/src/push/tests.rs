//! Tests of the decisions of a push, which need no target.

use serde_json::json;

use super::*;
use crate::directory::{DirectoryUser, Nesting};
use crate::rules::{Deleted, GroupsRule, OutOfScope, Rules};

fn user(active: bool, deleted: bool) -> DirectoryUser {
    DirectoryUser {
        id: Uuid::from_u128(1),
        active,
        deleted,
        groups: Vec::new(),
        resource: json!({ "userName": "ann" }).as_object().unwrap().clone(),
    }
}

#[test]
fn what_a_user_should_be_follows_from_state_scope_and_rules() {
    let rules = Rules::default();
    let other = Rules {
        when_out_of_scope: OutOfScope::Delete,
        when_deleted: Deleted::Deactivate,
        ..Rules::default()
    };
    let (create, change) = (
        Wanted::Present { create: true },
        Wanted::Present { create: false },
    );
    for (user, in_scope, by_default, by_other) in [
        (Some(user(true, false)), true, create, create),
        (Some(user(false, false)), true, change, change),
        (Some(user(true, false)), false, Wanted::Inactive, Wanted::Absent),
        (Some(user(false, false)), false, Wanted::Inactive, Wanted::Absent),
        // A deletion that can be undone only deactivates at the target.
        (Some(user(false, true)), true, Wanted::Inactive, Wanted::Inactive),
        (None, true, Wanted::Absent, Wanted::Inactive),
        (None, false, Wanted::Absent, Wanted::Inactive),
    ] {
        assert_eq!(
            plan(user.as_ref(), in_scope, &rules),
            by_default,
            "{user:?} {in_scope}"
        );
        assert_eq!(
            plan(user.as_ref(), in_scope, &other),
            by_other,
            "{user:?} {in_scope}"
        );
    }
}

#[test]
fn members_of_groups_in_groups_are_flattened_unless_the_target_nests() {
    let [team, unit, company] = [1, 2, 3].map(Uuid::from_u128);
    let nesting = |group, parent| Nesting { group, parent };
    let nestings = [nesting(team, unit), nesting(unit, company)];
    let rules = |nested_groups, groups: &[Uuid]| Rules {
        nested_groups,
        groups: GroupsRule::Listed {
            groups: groups.iter().copied().collect(),
        },
        ..Rules::default()
    };
    let flat = rules(false, &[unit, company]);
    assert_eq!(pushed_groups(&[team], &nestings, &flat), [unit, company]);
    // The group that is not pushed is passed through; the nearest that is stands for those above it.
    let nested = rules(true, &[unit, company]);
    assert_eq!(pushed_groups(&[team], &nestings, &nested), [unit]);
    assert_eq!(
        pushed_groups(&[team], &nestings, &rules(true, &[company])),
        [company]
    );
    assert_eq!(above(&[team], &nestings), [team, unit, company].into());
}
