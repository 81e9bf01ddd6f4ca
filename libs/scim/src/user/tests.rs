//! Tests of parsing and serializing users.

use proptest::prelude::*;

use super::*;
use crate::ScimType;
use crate::schema::{ENTERPRISE_USER, Registry};

fn users() -> &'static ResourceType {
    Registry::standard().users()
}

fn from_json(body: &Value) -> Result<User, Error> {
    User::from_json(body, users())
}

fn meta() -> Meta<'static> {
    Meta {
        id: "018f",
        created: "2026-01-01T00:00:00Z",
        last_modified: "2026-01-02T00:00:00Z",
        location: "https://users.example/scim/v2/Users/018f",
        version: 3,
    }
}

fn ann() -> Value {
    json!({
        "schemas": [CORE_USER, ENTERPRISE_USER, CUSTOM_USER],
        "userName": "ann",
        "name": {"givenName": "Ann", "familyName": "Example"},
        "displayName": "Ann",
        "emails": [{"value": "ann@example.com", "type": "work", "primary": true}],
        "active": true,
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "26118915"}},
        CUSTOM_USER: {"values": {"theme": "dark", "limits": [1, null]}},
    })
}

#[test]
fn what_was_read_can_be_sent_back() {
    let read = from_json(&ann()).unwrap();
    let shown = read.to_json(&meta());
    assert_eq!(shown["meta"]["version"], "W/\"3\"");
    assert_eq!(shown["schemas"], ann()["schemas"]);
    assert_eq!(from_json(&shown).unwrap(), read);
}

#[test]
fn names_are_read_without_regard_to_case() {
    let read = from_json(&json!({
        "SCHEMAS": [CORE_USER.to_uppercase()],
        "USERNAME": "ann",
        "Name": {"GIVENNAME": "Ann"},
    }))
    .unwrap();
    assert_eq!(read.user_name, "ann");
    assert_eq!(read.name.given_name.as_deref(), Some("Ann"));
}

#[test]
fn null_and_the_empty_list_mean_not_there() {
    // RFC 7643 §2.5 (1)
    let read = from_json(&json!({
        "schemas": [CORE_USER], "userName": "ann", "name": null, "emails": [], "nickName": "",
    }))
    .unwrap();
    let expected = User {
        user_name: "ann".to_owned(),
        ..User::default()
    };
    assert_eq!(read, expected);
}

#[test]
fn what_only_the_server_sets_is_ignored() {
    // RFC 7644 §3.3 (1)
    // SB-35
    let read = from_json(&json!({
        "schemas": [CORE_USER], "userName": "ann", "id": "someone-else", "groups": [{"value": "vestibule-admins"}],
        "meta": {"version": "W/\"99\""},
    }))
    .unwrap();
    assert!(read.other.is_empty());
    assert_eq!(read.to_json(&meta()).get("groups"), None);
}

#[test]
fn bad_bodies_are_refused_by_name() {
    // RFC 7643 §2.4 (2)
    // SB-35
    let cases = [
        (json!([]), ScimType::InvalidSyntax, "object"),
        (json!({"userName": "ann"}), ScimType::InvalidValue, "schemas"),
        (
            json!({"schemas": [ENTERPRISE_USER], "userName": "ann"}),
            ScimType::InvalidValue,
            "schemas",
        ),
        (
            json!({"schemas": [CORE_USER, "urn:x"], "userName": "a"}),
            ScimType::InvalidValue,
            "schemas",
        ),
        (
            json!({"schemas": [CORE_USER]}),
            ScimType::InvalidValue,
            "userName",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": 7}),
            ScimType::InvalidValue,
            "userName",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", "USERname": "b"}),
            ScimType::InvalidSyntax,
            "userName",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", "version": 9}),
            ScimType::InvalidSyntax,
            "version",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a\r\nb"}),
            ScimType::InvalidValue,
            "userName",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", "name": {"x": "y"}}),
            ScimType::InvalidSyntax,
            "name.x",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", "emails": [{"type": "work"}]}),
            ScimType::InvalidValue,
            "emails[0].value",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", "emails": [
                {"value": "a@b.example", "primary": true}, {"value": "c@d.example", "primary": true},
            ]}),
            ScimType::InvalidValue,
            "emails",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", "displayName": "x".repeat(2049)}),
            ScimType::InvalidValue,
            "displayName",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", "roles": vec![json!({"value": "r"}); 51]}),
            ScimType::InvalidValue,
            "roles",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", ENTERPRISE_USER: {"salary": "1"}}),
            ScimType::InvalidSyntax,
            "enterprise:2.0:User:salary",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", "urn:example:2.0:User": {}}),
            ScimType::InvalidSyntax,
            "urn:example:2.0:User",
        ),
        (
            json!({"schemas": [CORE_USER], "userName": "a", CUSTOM_USER: {"values": {"k": "a\nb"}}}),
            ScimType::InvalidValue,
            "values",
        ),
    ];
    for (body, scim_type, named) in cases {
        let refused = from_json(&body).unwrap_err();
        assert_eq!(refused.scim_type, Some(scim_type), "{body}: {refused}");
        assert!(refused.detail.contains(named), "{body}: {refused}");
    }
}

#[test]
fn the_schemas_shown_are_those_accepted() {
    let shown = Registry::schema_documents([users()], "https://users.example/scim/v2");
    let names = |schema: &Value| -> Vec<String> {
        let listed = schema["attributes"].as_array().unwrap();
        listed
            .iter()
            .map(|a| a["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(shown.len(), 4);
    assert!(names(&shown[0]).contains(&"userName".to_owned()));
    assert!(names(&shown[0]).contains(&"password".to_owned()));
    for name in names(&shown[1]) {
        let refused = from_json(&json!({
            "schemas": [CORE_USER], "userName": "a", ENTERPRISE_USER: {name.clone(): 1},
        }))
        .unwrap_err();
        assert_eq!(refused.scim_type, Some(ScimType::InvalidValue), "{name} is known");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-zA-Z.:]{0,10}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused_and_reading_is_stable(attribute in 0_usize..21, value in json_value()) {
        // SB-42
        let name = &users().schema.attributes[attribute].name;
        let mut body = json!({"schemas": [CORE_USER], "userName": "ann"});
        body[name.as_str()] = value.clone();
        body[CUSTOM_USER] = json!({"values": {"k": value}});
        if let Ok(mut read) = from_json(&body) {
            // It is not shown again.
            read.password = None;
            prop_assert_eq!(from_json(&read.to_json(&meta())).unwrap(), read);
        }
    }
}

#[test]
fn attributes_are_sorted_by_their_names_and_come_back() {
    // RFC 7643 §3.3, §4.1, §4.3
    for (name, place) in [
        ("title", "other"),
        ("Title", "custom"),
        (ENTERPRISE_USER, "extension"),
        ("URN:x", "extension"),
        ("urn", "custom"),
        ("ärn:x", "custom"),
        ("favourite", "custom"),
    ] {
        let sent = std::collections::BTreeMap::from([(name.to_owned(), json!("x"))]);
        let split = Attributes::split(&sent, users());
        let found = match (split.other.len(), split.extensions.len(), split.custom.len()) {
            (1, 0, 0) => "other",
            (0, 1, 0) => "extension",
            (0, 0, 1) => "custom",
            _ => "lost",
        };
        assert_eq!(found, place, "{name}");
        assert_eq!(
            split
                .join(users())
                .unwrap()
                .collect::<std::collections::BTreeMap<_, _>>(),
            sent
        );
    }
}

#[test]
fn an_application_cannot_take_the_name_of_a_scim_attribute() {
    for name in ["title", "userName", "urn:x", "URN:x"] {
        let attributes = Attributes {
            custom: [(name.to_owned(), json!("x"))].into_iter().collect(),
            ..Attributes::default()
        };
        let refused = attributes.join(users()).err().unwrap();
        assert_eq!(
            refused,
            Error::invalid_value(&format!("values.{name}"), "is the name of a SCIM attribute")
        );
    }
}
