//! Tests of filters: the grammar, the types, the limits, and the evaluation.

mod matching;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ScimType;
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
fn a_filter_that_does_not_fit_is_refused_with_the_reason() {
    // SB-35
    let deep = |levels: usize| format!("{}title pr{}", "(".repeat(levels), ")".repeat(levels));
    let negated = format!("{}title pr{}", "not (".repeat(17), ")".repeat(17));
    let terms = |count: usize| vec!["title pr"; count].join(" or ");
    let long = format!("title eq \"{}\"", "a".repeat(MAX_BYTES));
    for (section, text, named) in [
        (
            "RFC 7643 §7, never",
            "cards.pin sw \"1\"",
            "cards.pin: cannot be searched for",
        ),
        (
            "RFC 7643 §7, never",
            "cards[pin sw \"1\"]",
            "cards.pin: cannot be searched for",
        ),
        (
            "RFC 7643 §7, never",
            "cards[label pr].pin sw \"1\"",
            "cards.pin: cannot be searched for",
        ),
        ("RFC 7643 §7, never", "cards sw \"1\"", "name a sub-attribute"),
        (
            "RFC 7643 §7, never",
            "pins eq \"1\"",
            "pins: cannot be searched for",
        ),
        ("SB-34, U+0000", "userName eq \"a\\u0000b\"", "U+0000"),
        ("§3.4.2.2", "", "an attribute"),
        ("§3.4.2.2", "userName", "an operator"),
        ("§3.4.2.2", "userName is \"a\"", "an operator"),
        ("§3.4.2.2", "userName eq", "a value"),
        ("§3.4.2.2", "userName eq ann", "a value"),
        ("§3.4.2.2", "userName eq \"a", "a value"),
        ("§3.4.2.2", "userName eq \"a\\x\"", "a value"),
        ("§3.4.2.2", "userName eq [1]", "a value"),
        ("§3.4.2.2", "userName eq \"a\" and", "an attribute"),
        ("§3.4.2.2", "userName eq \"a\" --", "the end"),
        ("§3.4.2.2", "userName eq \"a\")", "the end"),
        ("§3.4.2.2", "(title pr", "\")\""),
        ("§3.4.2.2", "emails[type pr", "\"]\""),
        ("§3.4.2.2", "not title pr", "not"),
        ("§3.4.2.2", "favourite eq 1", "favourite: no such attribute"),
        ("§3.4.2.2", "name.nick pr", "name.nick: no such attribute"),
        ("§3.4.2.2", "emails[kind pr]", "emails.kind: no such attribute"),
        (
            "§3.4.2.2",
            "urn:example:User:userName pr",
            "urn:example:User:userName: no such attribute",
        ),
        (
            "§3.4.2.2",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr",
            "no such attribute",
        ),
        (
            "erratum 4690",
            "emails[addresses[type pr]]",
            "no value path within",
        ),
        ("§3.4.2.2", "emails.value[type pr]", "no values to select"),
        ("§3.4.2.2", "name eq \"Ann\"", "name a sub-attribute"),
        ("§3.4.2.2", "userName eq true", "text in quotes"),
        ("§3.4.2.2", "userName eq 7", "text in quotes"),
        ("§3.4.2.2", "userName gt null", "null"),
        ("§3.4.2.2, gt", "active gt true", "eq, ne and pr"),
        ("§3.4.2.2, ge", "active ge true", "eq, ne and pr"),
        (
            "§3.4.2.2, lt",
            "x509Certificates.value lt \"TWFu\"",
            "eq, ne and pr",
        ),
        ("§3.4.2.2, le", "x509Certificates le \"TWFu\"", "eq, ne and pr"),
        ("§3.4.2.2", "active eq \"yes\"", "true or false"),
        ("§3.4.2.2", "floor eq \"7\"", "a number"),
        ("§3.4.2.2", "floor co 7", "co, sw and ew"),
        ("§3.4.2.2", "hired gt \"yesterday\"", "a time"),
        ("§3.4.2.2", "meta.created sw \"2011\"", "co, sw and ew"),
        (
            "RFC 7643 §7, returned",
            "password eq \"secret\"",
            "password: cannot be searched",
        ),
        ("SB-35", &deep(17), "16 levels"),
        ("SB-35", &deep(2000), "16 levels"),
        ("SB-35", &negated, "16 levels"),
        ("SB-35", &terms(65), "64 comparisons"),
        ("SB-35", &long, "4096 bytes"),
    ] {
        let refused = parse(text).expect_err(text);
        assert_eq!(
            (refused.status, refused.scim_type),
            (400, Some(ScimType::InvalidFilter)),
            "{section}: {text}"
        );
        assert!(
            refused.detail.contains(named),
            "{section}: {text}: {}",
            refused.detail
        );
    }
    assert!(parse(&deep(16)).is_ok() && parse(&terms(64)).is_ok());
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

/// Texts that are nearly filters.
fn nearly() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "userName",
            "emails",
            "emails[",
            "]",
            ".value",
            "(",
            ")",
            "not",
            "and",
            "or",
            "eq",
            "pr",
            "co",
            "true",
            "null",
            "7",
            "\"a\"",
            "\"2011-05-13T04:42:34Z\"",
            "meta.created",
            "gt",
            "type",
            "tags",
            "floor",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ];
    let joined = prop::collection::vec((word, prop_oneof![3 => Just(" "), 1 => Just("")]), 0..24);
    joined.prop_map(|words| words.into_iter().map(|(word, space)| word + space).collect())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,600}") {
        // SB-42
        let _ = parse(&text);
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(text in nearly()) {
        // SB-42
        if let Ok(filter) = parse(&text) {
            prop_assert_eq!(parse(&filter.to_string()), Ok(filter.clone()));
            let _ = filter.matches(&resource());
        }
    }

    #[test]
    fn any_text_is_compared_as_it_was(name in "\\PC{0,64}") {
        let quoted = serde_json::to_string(&name).unwrap();
        let filter = parse(&format!("externalId eq {quoted}")).unwrap();
        prop_assert_eq!(filter.matches(&json!({"externalId": name})), !name.is_empty());
    }
}
