//! Tests of the rules of a protected host.

use proptest::prelude::*;

use super::*;

fn rules(json: serde_json::Value) -> AccessRules {
    let rules: AccessRules = serde_json::from_value(json).unwrap();
    rules.check().unwrap();
    rules
}

fn wiki() -> AccessRules {
    rules(serde_json::json!({
        "groups": ["staff"],
        "public": [{ "path": "/health" }, { "path": "/static/*" }, { "path": "/hooks/*", "methods": ["POST"] }],
        "restricted": [
            { "path": "/admin/*", "groups": ["admins"] },
            { "path": "/static/private/*", "groups": ["admins"] },
            { "path": "/pages/*", "methods": ["PUT", "DELETE"], "groups": ["editors", "admins"] },
        ],
    }))
}

/// The requirement of a request: `public`, `unreadable`, or the lists of groups.
fn needs(rules: &AccessRules, method: &str, target: &str) -> String {
    match rules.requirement(method, &RequestPath::parse(target).unwrap()) {
        Requirement::Public => "public".to_owned(),
        Requirement::Unreadable => "unreadable".to_owned(),
        Requirement::Groups(lists) => lists
            .iter()
            .map(|list| list.join("|"))
            .collect::<Vec<_>>()
            .join("&"),
    }
}

// SB-51
#[test]
fn what_a_request_needs() {
    let wiki = wiki();
    for (method, target, expected) in [
        ("GET", "/", "staff"),
        ("GET", "/health", "public"),
        ("HEAD", "/health", "public"),
        ("GET", "/health?x=/../admin", "public"),
        ("get", "/health", "staff"),
        ("POST", "/health", "staff"),
        ("GET", "/health/", "staff"),
        ("GET", "/healthx", "staff"),
        ("GET", "/Health", "staff"),
        ("GET", "/%68ealth", "public"),
        ("GET", "/static/app.js", "public"),
        ("GET", "/static/", "public"),
        ("GET", "/static", "staff"),
        ("GET", "/staticx", "staff"),
        ("GET", "/STATIC/app.js", "staff"),
        ("GET", "/static/private/x", "admins&staff"),
        ("GET", "/static/PRIVATE/x", "admins&staff"),
        ("POST", "/hooks/a", "public"),
        ("GET", "/hooks/a", "staff"),
        ("GET", "/admin", "admins&staff"),
        ("GET", "/admin/", "admins&staff"),
        ("POST", "/admin/users", "admins&staff"),
        ("GET", "/ADMIN/users", "admins&staff"),
        ("GET", "/%61dmin/users", "admins&staff"),
        ("GET", "/administrator", "staff"),
        ("GET", "/pages/a", "staff"),
        ("PUT", "/pages/a", "editors|admins&staff"),
        ("put", "/pages/a", "editors|admins&staff"),
        // What servers read in different ways is neither public nor let past a restriction.
        ("GET", "/static/../admin/users", "unreadable"),
        ("GET", "/static/..%2fadmin", "unreadable"),
        ("GET", "/static/%2e%2e/admin", "unreadable"),
        ("GET", "//admin/users", "unreadable"),
        ("GET", "/x/%2e%2e/admin", "unreadable"),
        ("GET", "/admin;x=y", "unreadable"),
        ("GET", "/static;/../admin", "unreadable"),
        ("GET", "/admin%2fusers", "unreadable"),
        ("GET", "/admin%5cusers", "unreadable"),
        ("GET", "/admin.", "unreadable"),
        ("GET", "/%2561dmin", "unreadable"),
    ] {
        assert_eq!(needs(&wiki, method, target), expected, "{method} {target}");
    }
}

#[test]
fn without_restrictions_an_unusual_path_needs_a_sign_in_like_others() {
    let open = rules(serde_json::json!({ "everybody": true, "public": [{ "path": "/static/*" }] }));
    for target in [
        "/static/../x",
        "/static//x",
        "/static/a%2fb",
        "/static/;x",
        "/projects/group%2fname",
    ] {
        assert_eq!(needs(&open, "GET", target), "", "{target}");
    }
    assert_eq!(needs(&open, "GET", "/static/x"), "public");
}

#[test]
fn a_member_of_one_group_of_each_list_may() {
    let wiki = wiki();
    let may = |method: &str, target: &str, groups: &[&str]| {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let path = RequestPath::parse(target).unwrap();
        wiki.requirement(method, &path).is_met_by(&groups)
    };
    assert!(may("GET", "/", &["others", "staff"]));
    assert!(!may("GET", "/", &["others", "Staff", "staff2"]));
    assert!(!may("GET", "/", &[]));
    assert!(may("GET", "/admin", &["admins", "staff"]));
    assert!(!may("GET", "/admin", &["admins"]) && !may("GET", "/admin", &["staff"]));
    assert!(may("GET", "/health", &[]));
    assert!(!may("GET", "//", &["admins", "staff"]));
    let everybody = rules(serde_json::json!({ "everybody": true }));
    assert!(everybody.host_groups().is_met_by(&[]));
    assert!(wiki.names_group("editors") && wiki.names_group("staff") && !wiki.names_group("others"));
}

// SB-48
#[test]
fn rules_say_who_may_and_bad_ones_are_refused_by_name() {
    let many: Vec<String> = (0..101).map(|number| format!("g{number}")).collect();
    for (json, field) in [
        (serde_json::json!({}), "groups"),
        (
            serde_json::json!({ "groups": ["a"], "everybody": true }),
            "everybody",
        ),
        (serde_json::json!({ "groups": [""] }), "groups"),
        (serde_json::json!({ "groups": ["a\nb"] }), "groups"),
        (serde_json::json!({ "groups": many }), "groups"),
        (
            serde_json::json!({ "everybody": true, "restricted": [{ "path": "/x", "groups": [] }] }),
            "restricted",
        ),
    ] {
        let rules: AccessRules = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(rules.check().unwrap_err().field, field, "{json}");
    }
    for json in [
        serde_json::json!({ "unknown": 1 }),
        serde_json::json!({ "public": [{ "path": "x" }] }),
        serde_json::json!({ "public": [{ "path": "/a/../b" }] }),
        serde_json::json!({ "public": [{ "path": "/a*" }] }),
        serde_json::json!({ "public": [{ "path": "/*/a" }] }),
        serde_json::json!({ "public": [{ "path": "/a%20b" }] }),
        serde_json::json!({ "public": [{ "path": "/a?b" }] }),
        serde_json::json!({ "public": [{ "path": "//*" }] }),
        serde_json::json!({ "public": [{ "path": "/a", "methods": ["get"] }] }),
        serde_json::json!({ "restricted": [{ "path": "/a" }] }),
    ] {
        assert!(
            serde_json::from_value::<AccessRules>(json.clone()).is_err(),
            "{json}"
        );
    }
    for text in ["/*", "/a b/*", "/é", "/health", "/.well-known/*"] {
        assert_eq!(text.parse::<PathPattern>().unwrap().to_string(), text);
    }
}

proptest! {
    // A path that an application may read as one below /admin is never public and never without its restriction.
    #[test]
    fn no_spelling_of_a_restricted_path_gets_past_it(
        before in "(/|/\\./|/x/\\.\\./|/%2e%2e/|//|/static/\\.\\./|/static/%2e%2e%2f)",
        name in "(admin|ADMIN|%61dmin|a%64min|Admin|admin%20|admin\\.|admin;x)",
        after in "(|/|/users|%2fusers|//users|;/users|/\\./users|\\?x=y)",
    ) {
        let target = format!("{before}{name}{after}");
        if let Ok(path) = RequestPath::parse(&target) {
            let wiki = wiki();
            let requirement = wiki.requirement("GET", &path);
            prop_assert!(!requirement.is_met_by(&["staff".to_owned()]), "{target}: {requirement:?}");
        }
    }
}
