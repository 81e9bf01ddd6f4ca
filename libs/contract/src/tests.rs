//! The contract: what is committed of it, and what readers bear.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn pretty(value: &impl serde::Serialize) -> String {
    let value = sorted(serde_json::to_value(value).unwrap());
    format!("{}\n", serde_json::to_string_pretty(&value).unwrap())
}

/// With the names of every object in order. Whether `serde_json` keeps them as they came depends on who else is linked.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> = members
                .into_iter()
                .map(|(name, value)| (name, sorted(value)))
                .collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Compares a committed file with what the code makes of it; with VESTIBULE_GENERATE=1, writes it instead. A golden
/// file is written once and never again: events of that shape are on their way somewhere.
fn check(path: &Path, expected: &str, frozen: bool) {
    let there = std::fs::read_to_string(path).ok();
    let writing = std::env::var_os("VESTIBULE_GENERATE").is_some();
    if writing && (there.is_none() || !frozen) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, expected).unwrap();
        return;
    }
    let place = path.display();
    let advice = match (frozen, &there) {
        (true, Some(_)) => {
            "a published type changed: undo that, or make a new version of it beside the old one"
        }
        _ => "run `make generate`",
    };
    assert_eq!(
        there.as_deref(),
        Some(expected),
        "{place} differs from the code; {advice}"
    );
}

fn files(name: &str) -> BTreeSet<String> {
    std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn generated_asyncapi_document_is_what_is_committed() {
    let document = asyncapi::document::document();
    check(&folder("asyncapi.json"), &pretty(&document), false);
}

/// Every reference of the document leads somewhere.
#[test]
fn the_references_of_the_asyncapi_document_lead_somewhere() {
    fn references(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                into.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|value| references(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, into)),
            _ => {}
        }
    }
    let document = asyncapi::document::document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for reference in found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    for event in catalogue() {
        let told = document["channels"].as_object().unwrap().values();
        let channels = told.filter(|channel| channel["messages"].get(event.name).is_some());
        assert_eq!(channels.count(), 3, "{}", event.name);
    }
}

#[test]
fn generated_schemas_and_golden_files_are_what_is_committed() {
    let examples = examples::all();
    for event in catalogue() {
        let file = format!("{}.json", event.name);
        check(&folder("schemas").join(&file), &pretty(&event.schema), false);
        let (_, example) = examples
            .iter()
            .find(|(name, _)| *name == event.name)
            .expect(event.name);
        check(&folder("golden").join(&file), &pretty(example), true);
    }
    let names: BTreeSet<String> = catalogue()
        .iter()
        .map(|event| format!("{}.json", event.name))
        .collect();
    assert_eq!(names.len(), examples.len(), "one example for each type");
    assert_eq!(files("golden"), names, "a published type is never taken away");
    assert_eq!(files("schemas"), names);
}

#[test]
fn a_type_ends_with_its_version() {
    fn check<T: EventData>() {
        assert!(T::TYPE.ends_with(&format!(".v{}", T::SCHEMA_VERSION)));
    }
    check::<UserCreated>();
    check::<RegistrationRequested>();
    for event in catalogue() {
        assert!(
            event.name.starts_with("vestibule.") && event.name.ends_with(".v1"),
            "{}",
            event.name
        );
    }
}

#[test]
fn readers_ignore_fields_and_words_of_the_future() {
    let mut data = serde_json::to_value(examples::ann()).unwrap();
    data["shoe_size"] = json!(42);
    data.as_object_mut().unwrap().remove("locale");
    let read: UserState = serde_json::from_value(data).unwrap();
    assert_eq!(
        read,
        UserState {
            locale: None,
            ..examples::ann()
        }
    );
    let reason: RejectionReason = serde_json::from_value(json!("invented_in_2030")).unwrap();
    assert_eq!(reason, RejectionReason::Other);
}

fn envelope() -> Value {
    json!({
        "specversion": "1.0",
        "id": "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0009",
        "source": "http://localhost:8001",
        "type": "vestibule.user.updated.v1",
        "subject": "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001",
        "time": "2026-11-22T10:05:00.123456Z",
        "datacontenttype": "application/json",
        "partitionkey": "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001",
        "sequence": "00000000000000000003",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "position": "17",
        "data": examples::ann(),
    })
}

#[test]
fn an_envelope_is_a_cloudevent_and_reads_back_what_it_wrote() {
    let read: Envelope = serde_json::from_str(&envelope().to_string()).unwrap();
    assert_eq!((read.sequence, read.position), (3, Some(17)));
    assert_eq!(
        read.open::<UserUpdated>().unwrap(),
        Some(UserUpdated(examples::ann()))
    );
    assert_eq!(read.open::<UserDeleted>().unwrap(), None);
    assert_eq!(serde_json::to_value(&read).unwrap(), envelope());
    for (attribute, wrong) in [
        ("specversion", "0.3"),
        ("sequence", "three"),
        ("id", "7"),
        ("time", "noon"),
    ] {
        let mut envelope = envelope();
        envelope[attribute] = json!(wrong);
        serde_json::from_str::<Envelope>(&envelope.to_string()).unwrap_err();
    }
}

#[test]
fn data_that_does_not_fit_its_type_is_an_error_of_that_event() {
    let mut wrong = envelope();
    wrong["data"] = json!({ "id": "nobody" });
    let read: Envelope = serde_json::from_str(&wrong.to_string()).unwrap();
    assert!(read.open::<UserUpdated>().is_err());
}
