//! Tests of what a filter matches (RFC 7644 §3.4.2.2).

use super::*;

#[test]
fn a_filter_matches_as_the_standard_says() {
    // RFC 7644 §3.4.2.2 (1) (5) (9)
    let custom = |rest: &str| format!("{CUSTOM_USER}:values.{rest}");
    for (section, text, matches) in [
        ("table 3, eq", r#"userName eq "bJENSEN""#, true),
        ("RFC 7643 §2.2, caseExact", r#"externalId eq "ab""#, false),
        ("RFC 7643 §2.2, caseExact", r#"externalId eq "Ab""#, true),
        ("RFC 7643 §2.2, caseExact", r#"badge co "XY""#, false),
        ("table 3, ne", r#"userName ne "other""#, true),
        ("table 3, ne", r#"userName ne "BJENSEN""#, false),
        ("table 3, ne", r#"nickName ne "x""#, true),
        ("table 3, co", r#"userName co "JEN""#, true),
        ("table 3, sw", r#"userName sw "bj""#, true),
        ("table 3, sw", r#"userName sw "jensen""#, false),
        ("table 3, ew", r#"userName ew "SEN""#, true),
        ("table 3, ew", r#"userName ew "bj""#, false),
        ("table 3, co", r#"name.familyName co "STRASSE""#, false),
        ("table 3, co", r#"name.familyName co "STRAßE""#, true),
        ("table 3, pr", "userName pr", true),
        ("table 3, pr", "title pr", false),
        ("table 3, pr", "emails pr", true),
        ("table 3, pr", "photos pr", false),
        ("RFC 7643 §2.5", "title eq null", true),
        ("RFC 7643 §2.5", "userName eq null", false),
        ("RFC 7643 §2.5", "userName ne null", true),
        ("table 3, gt", r#"userName gt "A""#, true),
        ("table 3, lt", r#"userName lt "c""#, true),
        (
            "table 3, gt",
            r#"meta.lastModified gt "2011-05-13T04:42:33Z""#,
            true,
        ),
        (
            "table 3, gt",
            r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
            false,
        ),
        (
            "table 3, ge",
            r#"meta.lastModified ge "2011-05-13T06:42:34+02:00""#,
            true,
        ),
        ("table 3, eq", r#"hired eq "2020-01-01T00:00:00Z""#, true),
        ("table 3, le", r#"hired le "2019-12-31T23:59:59.999Z""#, false),
        ("table 3, gt", "floor gt 6", true),
        ("table 3, gt", "floor gt 7", false),
        ("table 3, ge", "floor ge 7", true),
        ("table 3, eq", "floor eq 7.0", true),
        ("table 3, le", "ratio le 0.5", true),
        ("table 3, eq", "active eq true", true),
        ("table 3, eq", r#"active eq "False""#, false),
        ("table 4, and", r#"userName pr and title pr"#, false),
        ("table 4, or", r#"userName pr or title pr"#, true),
        ("table 4, not", "not (title pr)", true),
        ("§3.4.2.2, multi-valued", r#"emails co "home""#, true),
        (
            "§3.4.2.2, multi-valued",
            r#"emails.type eq "home" and emails.value eq "b@work.example""#,
            true,
        ),
        (
            "table 5, []",
            r#"emails[type eq "home" and value eq "b@work.example"]"#,
            false,
        ),
        (
            "table 5, []",
            r#"emails[type eq "work" and value eq "b@work.example"]"#,
            true,
        ),
        ("table 5, []", r#"emails[primary eq true]"#, true),
        (
            "RFC 7643 §2.4, primary",
            r#"emails[primary eq false and type eq "home"]"#,
            true,
        ),
        (
            "RFC 7643 §2.4, primary",
            r#"emails[primary ne false and type eq "home"]"#,
            false,
        ),
        (
            "RFC 7643 §2.4, primary",
            r#"emails[primary eq false and type eq "work"]"#,
            false,
        ),
        ("RFC 7643 §2.4, primary", "emails.primary eq false", true),
        ("RFC 7643 §2.4, primary", "photos.primary eq false", false),
        ("RFC 7643 §2.4, primary", "photos.primary ne true", true),
        (
            "table 5, []",
            r#"emails[not (primary eq true)].value ew "home.example""#,
            true,
        ),
        ("RFC 7643 §2.4", r#"tags eq "red""#, true),
        ("RFC 7643 §2.4", r#"tags[value sw "BL"]"#, true),
        ("RFC 7643 §2.4", r#"tags[value eq "green"]"#, false),
        (
            "§3.4.2.2, schemas",
            &format!("schemas eq \"{ENTERPRISE_USER}\""),
            true,
        ),
        ("RFC 7643 §4.3", r#"manager eq "26""#, true),
        ("our own", &custom("Theme eq \"dark\""), true),
        ("our own", &custom("theme eq \"dark\""), false),
        ("our own", &custom("Theme eq \"DARK\""), false),
        ("our own", &custom("n gt 2"), true),
        ("our own", &custom("list eq 2"), true),
        ("§3.4.2.1", r#"members.value eq "7""#, false),
        ("§3.4.2.1", "members pr", false),
    ] {
        assert_eq!(
            parse(text).unwrap().matches(&resource()),
            matches,
            "{section}: {text}"
        );
    }
}
