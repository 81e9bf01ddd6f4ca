//! The comparison of two lists of versions, and the kinds of drift.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::snapshot::Version;

/// The kind of a difference between a follower and the service that it follows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "DriftKind")]
pub enum Kind {
    /// It does not hold what there is.
    Missing,
    /// It holds an older version.
    Behind,
    /// It holds a newer version than there is: the followed service lost changes.
    Ahead,
    /// It holds what the followed service has never heard of.
    Unknown,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Behind, Self::Ahead, Self::Unknown];

    /// As in metrics: `missing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Behind => "behind",
            Self::Ahead => "ahead",
            Self::Unknown => "unknown",
        }
    }

    /// True if the current state of the followed service repairs it. The others need a person: nothing is
    /// deleted here.
    pub fn is_repairable(self) -> bool {
        matches!(self, Self::Missing | Self::Behind)
    }
}

/// An aggregate of which two services know different versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Difference {
    /// The aggregate.
    pub id: Uuid,
    /// The kind of the difference.
    pub kind: Kind,
    /// The version of the followed service, if it has any.
    pub theirs: Option<i64>,
    /// The version that the follower holds, if it holds any.
    pub ours: Option<i64>,
}

/// The difference between two versions, if there is one.
pub(super) fn difference(id: Uuid, theirs: Option<i64>, ours: Option<i64>) -> Option<Difference> {
    let kind = match (theirs, ours) {
        (None, None) => return None,
        (Some(_), None) => Kind::Missing,
        (None, Some(_)) => Kind::Unknown,
        (Some(theirs), Some(ours)) if theirs > ours => Kind::Behind,
        (Some(theirs), Some(ours)) if theirs < ours => Kind::Ahead,
        (Some(_), Some(_)) => return None,
    };
    Some(Difference {
        id,
        kind,
        theirs,
        ours,
    })
}

/// The differences between two lists of versions, by id.
pub(super) fn compare(theirs: &[Version], ours: &[Version]) -> Vec<Difference> {
    let mut held: HashMap<Uuid, i64> = ours.iter().map(|held| (held.id, held.version)).collect();
    let mut found: Vec<Difference> = theirs
        .iter()
        .filter_map(|there| difference(there.id, Some(there.version), held.remove(&there.id)))
        .collect();
    found.extend(
        held.into_iter()
            .filter_map(|(id, version)| difference(id, None, Some(version))),
    );
    found.sort_by_key(|difference| difference.id);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(id: u128, version: i64) -> Version {
        (Uuid::from_u128(id), version).into()
    }

    #[test]
    fn every_way_to_differ_is_told_and_what_is_the_same_is_not() {
        let theirs = [version(1, 1), version(2, 2), version(3, 3), version(4, 4)];
        let ours = [version(2, 2), version(3, 2), version(4, 5), version(5, 1)];
        let found: Vec<(u128, Kind)> = compare(&theirs, &ours)
            .iter()
            .map(|difference| (difference.id.as_u128(), difference.kind))
            .collect();
        let expected = [
            (1, Kind::Missing),
            (3, Kind::Behind),
            (4, Kind::Ahead),
            (5, Kind::Unknown),
        ];
        assert_eq!(found, expected);
        assert!(compare(&theirs, &theirs).is_empty());
    }
}
