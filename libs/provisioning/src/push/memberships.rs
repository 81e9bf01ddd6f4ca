//! The groups at a target that a user or a group is to be a member of.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::directory::Nesting;
use crate::rules::Rules;

/// These groups and all above them.
pub(crate) fn above(direct: &[Uuid], nestings: &[Nesting]) -> BTreeSet<Uuid> {
    walk(direct, nestings, |_| true)
}

/// The pushed groups of a direct member of these groups. Where groups are members of groups at the target, a pushed group
/// stands for those above it.
pub(crate) fn pushed_groups(direct: &[Uuid], nestings: &[Nesting], rules: &Rules) -> Vec<Uuid> {
    let reached = walk(direct, nestings, |group| {
        !(rules.nested_groups && rules.groups.has(group))
    });
    reached
        .into_iter()
        .filter(|group| rules.groups.has(*group))
        .collect()
}

/// The groups that are reached upwards, which goes on above those of which `passes` is true.
fn walk(direct: &[Uuid], nestings: &[Nesting], passes: impl Fn(Uuid) -> bool) -> BTreeSet<Uuid> {
    let mut parents: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for nesting in nestings {
        parents.entry(nesting.group).or_default().push(nesting.parent);
    }
    let mut reached = BTreeSet::new();
    let mut left: Vec<Uuid> = direct.to_vec();
    while let Some(group) = left.pop() {
        if reached.insert(group) && passes(group) {
            left.extend(parents.get(&group).into_iter().flatten());
        }
    }
    reached
}
