use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contract").join(name)
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

fn key(name: &str) -> Result<String, InvalidUserName> {
    name.parse::<UserName>().map(|name| name.key().to_owned())
}

#[test]
fn the_same_name_in_other_letters_is_the_same_name() {
    // RFC 8265 §3.3: case, width and composition do not tell names apart.
    for (one, other) in [
        ("Ann", "ann"),
        ("ＡＮＮ", "ann"),
        ("Zoë", "ZOE\u{308}"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("ann@example.org", "Ann@Example.ORG"),
        ("ｱﾝﾅ", "アンナ"),
    ] {
        assert_eq!(key(one).unwrap(), key(other).unwrap(), "{one} {other}");
    }
    assert_ne!(key("ann"), key("anna"));
    let shown: UserName = "Ann".parse().unwrap();
    assert_eq!(
        (shown.as_str(), shown.key(), shown.to_string().as_str()),
        ("Ann", "ann", "Ann")
    );
}

#[test]
fn what_cannot_be_seen_or_typed_is_no_user_name() {
    for (name, why) in [
        ("", InvalidUserName::Empty),
        ("ann archer", InvalidUserName::Characters),
        (" ann", InvalidUserName::Characters),
        ("ann\u{a0}", InvalidUserName::Characters),
        ("ann\n", InvalidUserName::Characters),
        ("ann\0", InvalidUserName::Characters),
        ("an\u{200b}n", InvalidUserName::Characters), // zero-width space
        ("an\u{200d}n", InvalidUserName::Characters), // zero-width joiner without its context
        ("an\u{202e}n", InvalidUserName::Characters), // right-to-left override
        ("an\u{2066}n", InvalidUserName::Characters), // left-to-right isolate
        ("an\u{feff}n", InvalidUserName::Characters), // byte order mark
        ("an\u{ad}n", InvalidUserName::Characters),   // soft hyphen
        ("ann\u{fe0f}", InvalidUserName::Characters), // variation selector
        ("אann", InvalidUserName::Characters),        // RFC 5893: two directions in one name
        ("annא", InvalidUserName::Characters),
        ("ann★", InvalidUserName::Characters),
        ("ﬁona", InvalidUserName::Characters), // a ligature is not its letters
    ] {
        assert_eq!(name.parse::<UserName>().unwrap_err(), why, "{name:?}");
    }
    assert_eq!(key("אבגד").as_deref(), Ok("אבגד"));
    assert!(key(&"é".repeat(UserName::MAX_CHARACTERS)).is_ok());
    assert_eq!(
        key(&"é".repeat(UserName::MAX_CHARACTERS + 1)),
        Err(InvalidUserName::TooLong)
    );
    assert_eq!(key(&"a".repeat(1 << 20)), Err(InvalidUserName::TooLong));
}

fn check_new(name: &str) -> Result<(), InvalidUserName> {
    name.parse::<UserName>().unwrap().check_new()
}

#[test]
fn a_new_name_is_no_id_no_markup_and_of_one_script() {
    // SB-49
    for name in [
        "018f0000-0000-7000-8000-00000000a001",
        "018F0000-0000-7000-8000-00000000A001",
        "018f00000000700080000000000a0001",
        "{018f0000-0000-7000-8000-00000000a001}",
        "urn:uuid:018f0000-0000-7000-8000-00000000a001",
        "０18f0000-0000-7000-8000-00000000a001",
    ] {
        assert_eq!(check_new(name), Err(InvalidUserName::IdShaped), "{name}");
    }
    for name in ["<b>ann</b>", "a&amp;b", "\"ann\"", "`id`", "a\\nn", "ann>"] {
        assert_eq!(check_new(name), Err(InvalidUserName::Markup), "{name}");
    }
    // Cyrillic о; Greek ο; Armenian ո; Latin after Cyrillic; Cyrillic with Greek.
    for name in ["rооt", "rοοt", "rոot", "аdmin", "аβ"] {
        assert_eq!(check_new(name), Err(InvalidUserName::MixedScripts), "{name}");
    }
    for name in ["ᚠᚢᚦ", "ann·", "ſara"] {
        assert!(
            name.parse::<UserName>()
                .map_or(true, |name| name.check_new().is_err()),
            "{name}"
        );
    }
    for name in [
        "ann",
        "Ann",
        "a",
        "7",
        "ann.archer",
        "ann+test@example.org",
        "o'brien",
        "zoë",
        "straße",
        "иван",
        "σίσυφος",
        "山田太郎",
        "ヤマダ太郎",
        "taro山田たろう",
        "김철수kim",
        "אבגד",
        "用户@example.org",
        "ann_1-2",
        "#1",
        "018f0000-ann",
        "deadbeef",
    ] {
        assert_eq!(check_new(name), Ok(()), "{name}");
    }
}

#[test]
fn names_that_look_alike_have_one_skeleton() {
    // SB-49
    let skeleton = |name: &str| name.parse::<UserName>().unwrap().skeleton();
    for (one, other) in [
        ("soso", "ѕоѕо"), // Cyrillic
        ("paul", "pau1"),
        ("root", "r00t"),
        ("root", "RO0T"),
        ("corn", "com"),
        ("ann", "Ann"),
    ] {
        assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
    }
    for (one, other) in [("ann", "anna"), ("zoe", "zoë"), ("ann1", "ann2"), ("a-b", "a_b")] {
        assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
    }
}

#[test]
fn an_address_has_a_name_and_a_domain() {
    for good in [
        "ann@example.org",
        "a.b+c@example.org",
        "o'neil@example.org",
        "ann@localhost",
        "用户@例子.广告",
        "a@xn--bcher-kva.example",
    ] {
        assert_eq!(
            good.parse::<EmailAddress>()
                .map(|address| address.to_string())
                .as_deref(),
            Ok(good)
        );
    }
    assert_eq!(
        "Ann@EXAMPLE.org".parse::<EmailAddress>().unwrap().as_str(),
        "Ann@example.org"
    );
    assert_eq!(
        "Ann@EXAMPLE.org".parse::<EmailAddress>().unwrap().key(),
        "ann@example.org"
    );
    // SB-34: nothing that could start another header or another recipient.
    for bad in [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@@example.org",
        "a b@example.org",
        "ann@exam ple.org",
        "ann@example.org\r\nBcc: all@example.org",
        "ann\n@example.org",
        "ann,bob@example.org",
        "\"ann\"@example.org",
        "ann@[127.0.0.1]",
        ".ann@example.org",
        "ann.@example.org",
        "a..b@example.org",
        "ann@-example.org",
        "ann@example..org",
        "ann@example.org.",
        "ann\0@example.org",
        "ann<b@example.org",
        "an\u{202e}n@example.org",
    ] {
        assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
    }
    assert!(
        format!("{}@example.org", "a".repeat(65))
            .parse::<EmailAddress>()
            .is_err()
    );
    assert!(
        format!("a@{}org", "example.".repeat(40))
            .parse::<EmailAddress>()
            .is_err()
    );
}

proptest! {
    /// RFC 8264 §7: what is stored as a key is its own key, and what is shown still names the same person.
    #[test]
    fn a_key_is_its_own_key(text in "\\PC{1,24}") {
        if let Ok(name) = text.parse::<UserName>() {
            prop_assert_eq!(key(name.key()), Ok(name.key().to_owned()));
            prop_assert_eq!(key(name.as_str()), Ok(name.key().to_owned()));
        }
    }

    #[test]
    fn an_address_reads_back_what_it_shows(text in "\\PC{1,10}@\\PC{1,10}") {
        if let Ok(address) = text.parse::<EmailAddress>() {
            prop_assert_eq!(address.as_str().parse::<EmailAddress>(), Ok(address.clone()));
        }
    }
}
