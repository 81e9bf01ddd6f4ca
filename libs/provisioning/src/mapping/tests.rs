//! Tests of the mapping of users.

use scim::schema::Registry;
use serde_json::json;

use super::*;

const ID: Uuid = Uuid::from_u128(7);

fn ann() -> Map<String, Value> {
    let ann = json!({
        "schemas": [CORE_USER, ENTERPRISE_USER],
        "id": ID.to_string(),
        "externalId": "hr-1",
        "userName": "ann",
        "name": { "givenName": "Ann", "familyName": "Archer" },
        "emails": [
            { "value": "ann@home.example", "type": "home" },
            { "value": "ann@example.org", "type": "work", "primary": true }
        ],
        "active": true,
        "roles": [{ "value": "boss" }],
        "groups": [{ "value": "g" }],
        "meta": { "resourceType": "User" },
        ENTERPRISE_USER: { "department": "Tools", "manager": { "value": "m" } }
    });
    ann.as_object().unwrap().clone()
}

fn users() -> &'static ResourceType {
    Registry::standard().users()
}

fn rule(attribute: &str, origin: &str, value: Value) -> MappingRule {
    serde_json::from_value(json!({ "attribute": attribute, origin: value })).unwrap()
}

fn map(rules: &[MappingRule]) -> Value {
    check(rules, users()).unwrap();
    DesiredResource::of_user(rules, ID, &ann(), users())
        .attributes
        .into()
}

#[test]
fn without_a_mapping_the_standard_attributes_are_pushed_and_nothing_of_the_server() {
    let desired = DesiredResource::of_user(&[], ID, &ann(), users());
    let expected = json!({
        "userName": "ann",
        "name": { "givenName": "Ann", "familyName": "Archer" },
        "active": true,
        "emails": [
            { "value": "ann@home.example", "type": "home" },
            { "value": "ann@example.org", "type": "work", "primary": true }
        ],
        ENTERPRISE_USER: { "department": "Tools" },
        "externalId": ID.to_string(),
        "schemas": [CORE_USER, ENTERPRISE_USER]
    });
    assert_eq!(Value::Object(desired.attributes), expected);
    assert!(desired.absent.contains(&"title".to_owned()));
    assert!(
        !desired.absent.contains(&"roles".to_owned()),
        "roles are the target's"
    );
}

#[test]
fn a_mapping_renames_has_constants_templates_and_values_of_lists() {
    let rules = [
        rule("userName", "from", json!("emails[primary eq true].value")),
        rule(
            "displayName",
            "template",
            json!("{name.givenName} {name.familyName}!"),
        ),
        rule("title", "constant", json!("Guest")),
        rule(
            "emails[type eq \"work\"].value",
            "from",
            json!("emails[type eq \"work\"].value"),
        ),
        rule("emails[type eq \"work\"].primary", "constant", json!(true)),
        rule("urn:example:2.0:User:unit", "from", json!("department")),
        rule("nickName", "from", json!("nickName")),
    ];
    assert_eq!(
        map(&rules),
        json!({
            "userName": "ann@example.org",
            "displayName": "Ann Archer!",
            "title": "Guest",
            "emails": [{ "type": "work", "value": "ann@example.org", "primary": true }],
            "urn:example:2.0:User": { "unit": "Tools" },
            "externalId": ID.to_string(),
            "schemas": [CORE_USER, "urn:example:2.0:User"]
        })
    );
    let desired = DesiredResource::of_user(&rules, ID, &ann(), users());
    assert_eq!(desired.absent, ["nickName"]);
}

#[test]
fn a_list_of_which_no_rule_gives_a_value_is_absent() {
    let desired = |rules: &[MappingRule]| {
        check(rules, users()).unwrap();
        DesiredResource::of_user(rules, ID, &ann(), users()).absent
    };
    let user_name = || rule("userName", "from", json!("userName"));
    let phone = |kind: &str| {
        let path = format!("phoneNumbers[type eq \"{kind}\"].value");
        rule(&path, "from", json!(path))
    };
    assert_eq!(
        desired(&[user_name(), phone("work"), phone("home")]),
        ["phoneNumbers"]
    );
    let number = rule("phoneNumbers[type eq \"work\"].value", "constant", json!("1"));
    assert!(desired(&[user_name(), number, phone("home")]).is_empty());
}

#[test]
fn a_template_without_a_value_gives_none() {
    let rules = [
        rule("userName", "from", json!("userName")),
        rule("displayName", "template", json!("{nickName} of {userName}")),
    ];
    assert_eq!(map(&rules).get("displayName"), None);
}

#[test]
fn a_rule_that_does_not_fit_is_named() {
    let user_name = || rule("userName", "from", json!("userName"));
    let refused = |rules: &[MappingRule]| check(rules, users()).unwrap_err().field;
    assert_eq!(refused(&[rule("title", "constant", json!("x"))]), "rules.mapping");
    for (bad, field) in [
        (rule("id", "constant", json!("x")), "attribute"),
        (rule("password", "constant", json!("x")), "attribute"),
        (rule("emails[", "constant", json!("x")), "attribute"),
        (rule("emails[type pr].value", "constant", json!("x")), "attribute"),
        (rule("userName", "constant", json!("x")), "attribute"),
        (rule("title", "from", json!("shoeSize")), "from"),
        (rule("title", "from", json!("password")), "from"),
        (rule("title", "template", json!("{title")), "template"),
        (rule("title", "template", json!("{shoeSize}")), "template"),
    ] {
        assert_eq!(refused(&[user_name(), bad]), format!("rules.mapping[1].{field}"));
    }
    let both =
        serde_json::from_value(json!({ "attribute": "title", "from": "title", "constant": 1 })).unwrap();
    assert_eq!(refused(&[user_name(), both]), "rules.mapping[1].attribute");
}
