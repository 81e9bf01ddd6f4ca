//! Tests of the log checks, and of the documented fields and actions against the Elastic Common Schema.

use super::{declared, elastic, schema, violations};

const GOOD: &str = r#"{"@timestamp":"2026-11-23T05:00:00.000001Z","log.level":"info","message":"sign-in with a password","ecs.version":"8.11.0","service.name":"vestibule-auth","service.version":"0.1.0","event.dataset":"vestibule.auth","log.logger":"auth","event.kind":"event","event.category":["authentication"],"event.type":["start"],"event.action":"sign-in","event.outcome":"success","client.ip":"192.0.2.1","vestibule.count":3,"labels":{"a":"b"}}"#;

#[test]
fn a_good_line_is_good() {
    assert_eq!(violations(GOOD), Vec::<String>::new());
}

#[test]
fn every_rule_is_kept() {
    let broken = [
        (r#""ecs.version":"8.11.0","#, "", "lacks ecs.version"),
        (
            "sign-in with a password",
            "the background task sweeper ended too early; it starts again in 1s",
            "returned before the end",
        ),
        (
            r#""log.level":"info","message""#,
            r#""message":"x","log.level""#,
            "does not begin",
        ),
        ("05:00:00.000001Z", "05:00:00+01:00", "wrong @timestamp"),
        (
            r#"["authentication"]"#,
            r#""authentication""#,
            "wrong event.category",
        ),
        ("authentication", "somewhere", "does not allow"),
        (r#"["start"]"#, r#"["creation"]"#, "does not go with"),
        (r#""success""#, r#""fine""#, "does not allow"),
        (r#""event.outcome":"success","#, "", "no event.outcome"),
        (r#""sign-in","#, r#""sign-on","#, "is not documented"),
        ("192.0.2.1", "here", "wrong client.ip"),
        (
            r#""vestibule.count":3"#,
            r#""vestibule.count":"3""#,
            "wrong vestibule.count",
        ),
        (
            r#""vestibule.count":3"#,
            r#""vestibule.guests":3"#,
            "not documented",
        ),
        (r#""vestibule.count":3"#, r#""client.ip":"192.0.2.1""#, "twice"),
        (
            r#""vestibule.count":3"#,
            r#""client":3"#,
            "as a value and as an object",
        ),
        (r#"{"a":"b"}"#, r#"{"a":{"b":"c"}}"#, "wrong labels"),
        (
            r#"{"@timestamp""#,
            r#"thread panicked {"@timestamp""#,
            "no JSON object",
        ),
    ];
    for (part, instead, expected) in broken {
        let line = GOOD.replacen(part, instead, 1);
        assert_ne!(line, GOOD, "{part}");
        let found = violations(&line).join("; ");
        assert!(found.contains(expected), "{instead}: {found}");
    }
}

#[test]
fn the_fields_in_the_code_are_those_of_the_schema() {
    let standard = declared().fields.iter();
    for (name, kind) in standard.filter(|(name, _)| !name.starts_with("vestibule.")) {
        let known = schema()
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not in the schema"));
        let same = elastic(kind) == known.kind || (name == "error.stack_trace" && known.kind == "wildcard");
        assert!(same, "{name} is {} in the schema", known.kind);
        assert_eq!(known.array, kind == "keywords", "{name}");
    }
}

#[test]
fn the_actions_in_the_code_are_categorised_as_the_schema_asks() {
    let category = &schema()["event.category"];
    for action in &declared().actions {
        let allowed = match &action.category {
            Some(name) => &category.types[name],
            None => &schema()["event.type"].values,
        };
        assert!(!action.types.is_empty());
        for kind in &action.types {
            assert!(allowed.contains(kind), "{}: {kind}", action.name);
        }
    }
}
