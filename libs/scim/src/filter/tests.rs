//! Tests of filters: the grammar, the types, the limits, and the evaluation.

mod any_text;
mod matching;
mod reducing;
mod refusals;

use serde_json::{Value, json};

use super::*;
use crate::schema::{CONFIGURED_USER, CUSTOM_USER, ENTERPRISE_USER, Registry};

/// A registry with an attribute of each type.
fn registry() -> Registry {
    let config = json!({"attributes": [
        {"name": "floor", "type": "integer"}, {"name": "ratio", "type": "decimal"},
        {"name": "hired", "type": "dateTime"}, {"name": "tags", "multi_valued": true},
        {"name": "badge", "case_exact": true},
        {"name": "cards", "type": "complex", "multi_valued": true, "sub_attributes": [
            {"name": "value", "mutability": "writeOnly"}, {"name": "pin", "mutability": "writeOnly"}, {"name": "label"},
        ]},
        {"name": "pins", "mutability": "writeOnly", "multi_valued": true},
    ]});
    Registry::new(&serde_json::from_value(config).unwrap()).unwrap()
}

fn parse(text: &str) -> Result<Filter, Error> {
    let registry = registry();
    Filter::parse(text, &[registry.users(), registry.groups()])
}

fn resource() -> Value {
    json!({
        "schemas": [ENTERPRISE_USER], "userName": "Bjensen", "externalId": "Ab", "title": "", "active": true,
        "name": {"familyName": "Straße"},
        "emails": [
            {"value": "b@work.example", "type": "work", "primary": true}, {"value": "b@home.example", "type": "home"},
        ],
        "meta": {"lastModified": "2011-05-13T04:42:34Z"},
        ENTERPRISE_USER: {"manager": {"value": "26"}},
        CONFIGURED_USER: {"floor": 7, "ratio": 0.5, "tags": ["Red", "blue"], "hired": "2020-01-01T01:00:00+01:00", "badge": "xY"},
        CUSTOM_USER: {"values": {"Theme": "dark", "n": 3, "list": [1, 2]}},
    })
}

#[test]
fn a_filter_is_read_and_printed_canonically() {
    // RFC 7644 §3.4.2.2 (2) (4)
    let configured = |name: &str| format!("{CONFIGURED_USER}:{name}");
    for (section, text, printed) in [
        // RFC 7644 §3.4.2.2, figure 2
        ("fig. 2", r#"userName eq "bjensen""#, r#"userName eq "bjensen""#.to_owned()),
        ("fig. 2", r#"name.familyName co "O'Malley""#, r#"name.familyName co "O'Malley""#.to_owned()),
        ("fig. 2", r#"userName sw "J""#, r#"userName sw "J""#.to_owned()),
        (
            "fig. 2",
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            r#"userName sw "J""#.to_owned(),
        ),
        ("fig. 2", "title pr", "title pr".to_owned()),
        (
            "fig. 2",
            r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
            r#"meta.lastModified gt "2011-05-13T04:42:34Z""#.to_owned(),
        ),
        (
            "fig. 2",
            r#"title pr and userType eq "Employee""#,
            r#"title pr and userType eq "Employee""#.to_owned(),
        ),
        (
            "fig. 2",
            r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
            r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#.to_owned(),
        ),
        (
            "fig. 2",
            r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
            r#"userType eq "Employee" and (emails.value co "example.com" or emails.value co "example.org")"#
                .to_owned(),
        ),
        (
            "fig. 2",
            r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
            r#"userType ne "Employee" and not (emails.value co "example.com" or emails.value co "example.org")"#
                .to_owned(),
        ),
        (
            "fig. 2",
            r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
            r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#.to_owned(),
        ),
        (
            "fig. 2",
            r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
            r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#
                .to_owned(),
        ),
        // Case, spaces, precedence
        ("§3.4.2.2", r#"USERNAME Eq "a""#, r#"userName eq "a""#.to_owned()),
        ("§3.4.2.2", r#"  title PR  AND  active EQ True "#, "title pr and active eq true".to_owned()),
        ("§3.4.2.2", "title pr or title pr and active eq true", "title pr or title pr and active eq true".to_owned()),
        ("§3.4.2.2", "(title pr or title pr) and title pr", "(title pr or title pr) and title pr".to_owned()),
        ("§3.4.2.2", "((title pr))", "title pr".to_owned()),
        ("erratum 7319", "not(title pr)", "not (title pr)".to_owned()),
        ("§3.4.2.2", "not (not (title pr))", "not (not (title pr))".to_owned()),
        (
            "erratum 7322",
            r#"emails[type eq "work" or (type eq "home" and value ew "@example.com")]"#,
            r#"emails[type eq "work" or type eq "home" and value ew "@example.com"]"#.to_owned(),
        ),
        // What Entra ID sends
        (
            "Entra",
            r#"emails[type eq "work"].value eq "a@example.com""#,
            r#"emails[type eq "work" and value eq "a@example.com"]"#.to_owned(),
        ),
        ("Entra", r#"roles[primary eq "True"].value pr"#, "roles[primary eq true and value pr]".to_owned()),
        (
            "Entra",
            r#"id eq "1" and manager eq "2""#,
            format!("id eq \"1\" and {ENTERPRISE_USER}:manager.value eq \"2\""),
        ),
        ("Okta", r#"displayName eq "Sales""#, r#"displayName eq "Sales""#.to_owned()),
        // Names
        ("RFC 7643 §2.1", r#"groups.$ref eq "x""#, r#"groups.$ref eq "x""#.to_owned()),
        ("§3.4.2.1", r#"members.value eq "7""#, r#"members.value eq "7""#.to_owned()),
        ("our own", &format!("{CUSTOM_USER}:values.Theme eq 1"), format!("{CUSTOM_USER}:values.Theme eq 1")),
        // Types
        ("RFC 7643 §2.3.4", "floor ge -2", format!("{} ge -2", configured("floor"))),
        ("RFC 7643 §2.3.3", "ratio lt 1.5E2", format!("{} lt 150.0", configured("ratio"))),
        ("RFC 7643 §2.5", "title eq null", "title eq null".to_owned()),
        ("RFC 7159 §7", r#"title eq "a\"\\\u00e9""#, r#"title eq "a\"\\é""#.to_owned()),
        ("RFC 7643 §2.4", r#"tags[value eq "x"]"#, format!("{}[value eq \"x\"]", configured("tags"))),
    ] {
        let filter = parse(text).unwrap_or_else(|error| panic!("{section}: {text}: {error}"));
        assert_eq!(filter.to_string(), printed, "{section}");
        assert_eq!(parse(&printed), Ok(filter), "{section}: the same again");
    }
}

#[test]
fn the_attributes_of_a_filter_are_all_that_it_reads() {
    let filter =
        parse(r#"userName eq "a" and (emails[type eq "x" or not (value pr)] or manager pr)"#).unwrap();
    let names: Vec<String> = filter.attributes().iter().map(ToString::to_string).collect();
    let manager = format!("{ENTERPRISE_USER}:manager");
    assert_eq!(names, ["userName", "emails.type", "emails.value", &manager]);
    for (text, all, only) in [
        (r#"userName eq "a" and title eq "b""#, 2, true),
        (r#"userName eq "a" and (title eq "b" and title pr)"#, 2, false),
        (r#"userName eq "a" or title eq "b""#, 0, false),
        (r#"userName co "a""#, 0, false),
    ] {
        let filter = parse(text).unwrap();
        assert_eq!(
            (filter.equalities().len(), filter.is_equalities()),
            (all, only),
            "{text}"
        );
    }
}

#[test]
fn a_folded_value_path_stays_within_the_limit_of_brackets() {
    let inner = format!("{}type pr{}", "not (".repeat(14), ")".repeat(14));
    let text = |or: &str| format!("emails[{inner}{or}].value eq \"a\"");
    let filter = parse(&text("")).unwrap();
    assert_eq!(parse(&filter.to_string()), Ok(filter));
    let deeper = format!(
        "emails[type pr or {}type pr{}].value pr",
        "not (".repeat(15),
        ")".repeat(15)
    );
    assert!(
        parse(&deeper).unwrap_err().detail.contains("levels"),
        "its or becomes a group"
    );
}
