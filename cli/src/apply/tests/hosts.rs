//! Tests of the plan: protected hosts.

use super::*;

#[test]
fn hosts_are_compared_as_well() {
    let file = "[protected_hosts.\"wiki.example.org\"]\nname = \"Wiki\"\ngroups = [\"staff\"]";
    let made = planned(file, &Current::default(), NONE).expect("a plan");
    assert_eq!(made.steps[0].wanted["host"], "https://wiki.example.org");
    let named: Vec<&str> = made.steps[0]
        .members
        .iter()
        .map(|change| change.member.as_str())
        .collect();
    assert_eq!(named, ["groups", "name"]);
    let host = |origin: &str, groups: Value| Object {
        settings: members(
            json!({ "name": "Wiki", "groups": groups, "everybody": false, "public": [], "restricted": [] }),
        ),
        version: 1,
        origin: origin.to_owned(),
        mark: Some(Mark {
            managed_by: "default".to_owned(),
            made: true,
            settings: members(
                json!({ "name": "Wiki", "groups": ["staff"], "everybody": false, "public": [], "restricted": [] }),
            ),
        }),
    };
    for (origin, groups, expected) in [
        ("https://wiki.example.org", json!(["staff"]), Ok(0)),
        ("https://wiki.example.org", json!(["all"]), Ok(1)),
        (
            "http://wiki.example.org",
            json!(["staff"]),
            Err("registered as http://wiki.example.org"),
        ),
    ] {
        let mut there = Current::default();
        there
            .hosts
            .insert("wiki.example.org".to_owned(), host(origin, groups));
        let plan = planned(file, &there, NONE);
        match expected {
            Ok(steps) => assert_eq!(plan.expect("a plan").steps.len(), steps),
            Err(words) => assert!(plan.expect_err("refused").contains(words)),
        }
    }
}

#[test]
fn rules_of_a_later_release_are_not_dropped() {
    let file = "[protected_hosts.\"wiki.example.org\"]\nname = \"Wiki\"\ngroups = [\"staff\"]";
    for (settings, unknown) in [
        (
            json!({ "name": "Wiki", "groups": ["staff"], "only_at_night": true }),
            "only_at_night",
        ),
        (
            json!({ "name": "Wiki", "groups": ["staff"], "public": [{ "path": "/", "only_at_night": true }] }),
            "public",
        ),
    ] {
        let host = Object {
            origin: "https://wiki.example.org".to_owned(),
            ..client(settings.clone(), Some(("default", settings)))
        };
        let mut there = Current::default();
        there.hosts.insert("wiki.example.org".to_owned(), host);
        let refused = planned(file, &there, NONE).expect_err("refused");
        assert!(refused.contains(&format!("the host has {unknown}")), "{refused}");
    }
}
