//! Tests of paths.

use serde_json::json;

use super::*;
use crate::ScimType;
use crate::schema::{CUSTOM_USER, ENTERPRISE_USER, Registry};

#[test]
fn a_path_is_read_and_printed_canonically() {
    let registry = Registry::standard();
    let department = format!("{ENTERPRISE_USER}:department");
    for (section, of, text, printed) in [
        // RFC 7644 §3.5.2, figure 8
        ("fig. 8", registry.groups(), "members", "members"),
        ("fig. 8", registry.users(), "name.familyName", "name.familyName"),
        (
            "fig. 8",
            registry.users(),
            r#"addresses[type eq "work"]"#,
            r#"addresses[type eq "work"]"#,
        ),
        (
            "fig. 8",
            registry.groups(),
            r#"members[value eq "2819c223"]"#,
            r#"members[value eq "2819c223"]"#,
        ),
        (
            "fig. 8",
            registry.groups(),
            r#"members[value eq "2819c223"].display"#,
            r#"members[value eq "2819c223"].display"#,
        ),
        ("§3.10", registry.users(), "NAME.familyname", "name.familyName"),
        (
            "§3.10",
            registry.users(),
            "urn:ietf:params:scim:schemas:core:2.0:User:title",
            "title",
        ),
        ("§3.10", registry.users(), &department.to_uppercase(), &department),
        ("§3.10", registry.users(), ENTERPRISE_USER, ENTERPRISE_USER),
        ("Entra", registry.users(), "department", &department),
        (
            "Entra",
            registry.users(),
            r#"emails[type eq "work"].value"#,
            r#"emails[type eq "work"].value"#,
        ),
        (
            "Entra",
            registry.users(),
            r#"roles[primary eq "True"].display"#,
            "roles[primary eq true].display",
        ),
        (
            "§3.5.2",
            registry.users(),
            r#"phoneNumbers[not (type eq "fax" or value pr)]"#,
            r#"phoneNumbers[not (type eq "fax" or value pr)]"#,
        ),
        (
            "our own",
            registry.users(),
            &format!("{CUSTOM_USER}:values.Theme"),
            &format!("{CUSTOM_USER}:values.Theme"),
        ),
    ] {
        let path = Path::parse(text, of).unwrap_or_else(|error| panic!("{section}: {text}: {error}"));
        assert_eq!(path.to_string(), printed, "{section}");
        assert_eq!(
            Path::parse(printed, of).unwrap().to_string(),
            printed,
            "{section}"
        );
    }
}

#[test]
fn a_path_that_does_not_fit_is_refused_with_the_reason() {
    // SB-35
    use ScimType::{InvalidFilter, InvalidPath};
    let users = Registry::standard().users();
    let long = format!("emails[value eq \"{}\"]", "a".repeat(5000));
    for (section, text, scim_type, named) in [
        ("§3.5.2", "", InvalidPath, "no such attribute"),
        ("§3.5.2", "favourite", InvalidPath, "favourite"),
        ("§3.5.2", "name.nick", InvalidPath, "name.nick"),
        (
            "§3.5.2",
            "urn:example:User:title",
            InvalidPath,
            "urn:example:User:title",
        ),
        ("§3.5.2", "title eq \"x\"", InvalidPath, "the end"),
        ("§3.5.2", "emails[type eq \"work\"]value", InvalidPath, "the end"),
        (
            "§3.5.2",
            "emails[type eq \"work\"].kind",
            InvalidPath,
            "emails.kind",
        ),
        (
            "§3.5.2",
            "emails[type eq \"work\"].value.x",
            InvalidPath,
            "value.x",
        ),
        (
            "§3.5.2",
            "emails.value[type eq \"work\"]",
            InvalidPath,
            "no values",
        ),
        ("§3.5.2", "name[familyName eq \"x\"]", InvalidPath, "no values"),
        (
            "§3.5.2",
            &format!("{ENTERPRISE_USER}[x pr]"),
            InvalidPath,
            "the end",
        ),
        ("§3.5.2", "emails[type eq \"work\"", InvalidFilter, "]"),
        ("§3.5.2", "emails[kind eq \"work\"]", InvalidFilter, "emails.kind"),
        ("§3.5.2", "emails[primary gt true]", InvalidFilter, "primary"),
        ("§3.5.2", "emails[]", InvalidFilter, "an attribute"),
        ("SB-35", &long, InvalidPath, "4096"),
    ] {
        let refused = Path::parse(text, users).expect_err(text);
        assert_eq!(refused.scim_type, Some(scim_type), "{section}: {text}: {refused}");
        assert!(refused.detail.contains(named), "{section}: {text}: {refused}");
    }
    let config = json!({"attributes": [{"name": "tags", "multi_valued": true}]});
    let registry = Registry::new(&serde_json::from_value(config).unwrap()).unwrap();
    assert!(Path::parse("tags[value eq \"x\"]", registry.users()).is_ok());
}
