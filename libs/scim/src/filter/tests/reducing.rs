//! Filters of searches of several resource types.

use super::*;
use crate::filter::Reduced;
use crate::schema::Registry;

#[test]
fn a_filter_is_reduced_to_what_a_type_can_have() {
    // RFC 7644 §3.4.2.1
    let registry = Registry::standard();
    let types = registry.resource_types();
    let parse = |text: &str| Filter::parse(text, &types).unwrap();
    let to = |text: &str| Reduced::To(parse(text));
    for (filter, of_users, of_groups) in [
        ("userName eq \"ann\"", to("userName eq \"ann\""), Reduced::Never),
        (
            "members.value eq \"1\"",
            Reduced::Never,
            to("members.value eq \"1\""),
        ),
        (
            "displayName sw \"A\"",
            to("displayName sw \"A\""),
            to("displayName sw \"A\""),
        ),
        ("meta.resourceType eq \"User\"", Reduced::Always, Reduced::Never),
        ("meta.resourceType ne \"User\"", Reduced::Never, Reduced::Always),
        (
            "meta.resourceType eq \"Group\" and displayName pr",
            Reduced::Never,
            to("displayName pr"),
        ),
        (
            "userName eq \"ann\" or displayName eq \"Archers\"",
            to("userName eq \"ann\" or displayName eq \"Archers\""),
            to("displayName eq \"Archers\""),
        ),
        (
            "not (userName eq \"ann\")",
            to("not (userName eq \"ann\")"),
            Reduced::Always,
        ),
        ("userName ne \"ann\"", to("userName ne \"ann\""), Reduced::Always),
        ("emails[value pr]", to("emails[value pr]"), Reduced::Never),
        ("userName pr and members pr", Reduced::Never, Reduced::Never),
    ] {
        let filter_of = parse(filter);
        assert_eq!(filter_of.reduce(registry.users()), of_users, "{filter}");
        assert_eq!(filter_of.reduce(registry.groups()), of_groups, "{filter}");
    }
}
