//! Tests of the changes that a declarative file makes, as the log names them.

use super::*;

#[test]
fn an_adoption_is_one_by_the_owner_and_a_change_by_the_version() {
    let (team, other): (FileName, FileName) = ("team".parse().unwrap(), "other".parse().unwrap());
    for (expected, version, owner, change, former) in [
        (Expected::Absent, 1, None, Applied::Created, None),
        (Expected::Absent, 1, Some(&other), Applied::Created, None),
        (Expected::Version(3), 3, None, Applied::Adopted, None),
        (
            Expected::Version(3),
            3,
            Some(&other),
            Applied::Adopted,
            Some("other"),
        ),
        (
            Expected::Version(3),
            4,
            Some(&other),
            Applied::Adopted,
            Some("other"),
        ),
        (Expected::Version(3), 4, Some(&team), Applied::Changed, None),
        (Expected::Version(3), 3, Some(&team), Applied::Unchanged, None),
    ] {
        let applied = Applied::of(expected, version, owner, &team);
        assert_eq!(
            (applied, applied.former(owner)),
            (change, former),
            "{expected:?} {owner:?}"
        );
    }
}
