//! Tests of the index lifecycles. The server of the tests has no lifecycle plugin, so the form of the files is checked.

use serde_json::Value;

use crate::files::read;

fn file(name: &str) -> Value {
    serde_json::from_str(&read(&format!("deploy/observability/elastic/{name}"))).unwrap()
}

/// A number and a unit.
fn is_time(text: &str) -> bool {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    digits > 0 && ["ms", "s", "m", "h", "d"].contains(&&text[digits..])
}

#[test]
fn the_lifecycle_of_elasticsearch_has_its_shape() {
    let phases = &file("lifecycle.json")["policy"]["phases"];
    let allowed = [
        ("hot", &["rollover", "set_priority"][..]),
        ("warm", &["forcemerge", "set_priority"]),
        ("delete", &["delete"]),
    ];
    assert_eq!(phases.as_object().unwrap().len(), allowed.len());
    for (phase, actions) in allowed {
        assert!(is_time(phases[phase]["min_age"].as_str().unwrap()));
        for name in phases[phase]["actions"].as_object().unwrap().keys() {
            assert!(actions.contains(&name.as_str()), "{phase}: {name}");
        }
    }
    let rollover = &phases["hot"]["actions"]["rollover"];
    assert!(is_time(rollover["max_age"].as_str().unwrap()));
    assert!(
        rollover["max_primary_shard_size"]
            .as_str()
            .unwrap()
            .ends_with("gb")
    );
}

#[test]
fn both_lifecycles_keep_logs_as_long() {
    let elastic = file("lifecycle.json");
    let policy = &file("lifecycle-opensearch.json")["policy"];
    let states = policy["states"].as_array().unwrap();
    let names: Vec<_> = states
        .iter()
        .map(|state| state["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&policy["default_state"].as_str().unwrap()));
    for state in states {
        for transition in state["transitions"].as_array().unwrap() {
            let to = transition["state_name"].as_str().unwrap();
            assert!(names.contains(&to), "{to}");
            let age = &transition["conditions"]["min_index_age"];
            assert_eq!(age, &elastic["policy"]["phases"][to]["min_age"], "{to}");
        }
    }
    let template = &policy["ism_template"][0]["index_patterns"];
    assert_eq!(template, &file("index-template.json")["index_patterns"]);
}

/// Both settings are the same but for the lifecycle, which OpenSearch finds by the name of the index.
#[test]
fn both_settings_agree() {
    let mut elastic = file("settings.json")["template"]["settings"].clone();
    let policy = elastic
        .as_object_mut()
        .unwrap()
        .remove("index.lifecycle.name")
        .unwrap();
    assert_eq!(elastic, file("settings-opensearch.json")["template"]["settings"]);
    let setup = read("deploy/observability/elastic/setup");
    assert!(setup.contains(&format!("_ilm/policy/{}\n", policy.as_str().unwrap())));
}
