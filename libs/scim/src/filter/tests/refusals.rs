//! Filters that are refused.

use super::*;
use crate::ScimType;

#[test]
fn a_filter_that_does_not_fit_is_refused_with_the_reason() {
    // RFC 7644 §3.4.2.2 (2) (3) (8)
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
