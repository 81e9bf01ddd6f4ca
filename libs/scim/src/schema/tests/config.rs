//! Schemas of the configuration.

use serde_json::{Value, json};

use crate::schema::{
    Accessor, AttributeType, CONFIGURED_USER, CORE_GROUP, CORE_USER, ENTERPRISE_USER, Mutability, Referent,
    Registry, Returned, read,
};

const URN: &str = "urn:example:params:scim:schemas:extension:2.0:User";

fn registry(config: Value) -> Result<Registry, String> {
    let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
    Registry::new(&config).map_err(|error| error.to_string())
}

#[test]
fn attributes_and_extensions_are_those_of_the_configuration() {
    // RFC 7643 §3.3, §7
    let registry = registry(json!({
        "attributes": [
            {"name": "badgeNumber", "uniqueness": "server", "mutability": "immutable", "case_exact": true},
            {"name": "salary", "type": "decimal", "read": ["administrator"], "write": ["client"], "returned": "request"},
            {"name": "startDate", "type": "dateTime"},
            {"name": "pin", "mutability": "writeOnly"},
            {"name": "theme", "canonical_values": ["dark", "light"], "write": ["self"]},
        ],
        "extensions": [
            {"schema": URN, "name": "Library", "attributes": [
                {"name": "cards", "type": "complex", "multi_valued": true, "sub_attributes": [
                    {"name": "value", "required": true}, {"name": "fees", "type": "integer"},
                ]},
            ]},
            {"schema": "urn:example:params:scim:schemas:extension:2.0:Group", "name": "Rooms",
             "resource_type": "Group", "attributes": [{"name": "room"}]},
        ],
    }))
    .unwrap();
    let users = registry.users();
    let attribute = |name: &str| match users.resolve(name) {
        Some(Referent::Attribute(location)) => location.attribute.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(attribute("pin").returned, Returned::Never);
    assert_eq!(attribute("salary").read, [Accessor::Administrator].into());
    assert_eq!(attribute("startDate").data_type, AttributeType::DateTime);
    assert_eq!(attribute("badgeNumber").mutability, Mutability::Immutable);
    assert!(attribute("theme").is_writable_by(Accessor::Own));
    assert!(registry.groups().resolve("room").is_some());
    let body = json!({
        "schemas": [CORE_USER, URN, CONFIGURED_USER], "userName": "ann",
        CONFIGURED_USER: {"BADGENUMBER": "7", "theme": "DARK", "salary": 1.5},
        URN: {"cards": [{"value": "a", "fees": 3}]},
    });
    let expected = json!({
        "userName": "ann", CONFIGURED_USER: {"badgeNumber": "7", "theme": "dark", "salary": 1.5},
        URN: {"cards": [{"value": "a", "fees": 3}]},
    });
    assert_eq!(Value::Object(read(&body, users).unwrap()), expected);
    let mut wrong = body.clone();
    wrong[URN]["cards"][0]["fees"] = json!("3");
    let refused = read(&wrong, users).unwrap_err();
    assert_eq!(
        refused.detail,
        format!("{URN}:cards[0].fees: expected a whole number of 64 bits")
    );
    let shown = Registry::schema_documents([users], "https://users.example/scim/v2");
    let library = shown.iter().find(|schema| schema["id"] == URN).unwrap();
    assert_eq!(library["attributes"][0]["subAttributes"][1]["type"], "integer");
}

#[test]
fn a_configuration_that_does_not_fit_is_refused_by_its_key() {
    let one = |attribute: Value| json!({"attributes": [attribute]});
    let extension =
        |urn: &str| json!({"extensions": [{"schema": urn, "name": "X", "attributes": [{"name": "a"}]}]});
    let below = format!("{ENTERPRISE_USER}:more");
    let above = CORE_GROUP.trim_end_matches(":Group");
    let many: Vec<Value> = (0..201)
        .map(|number| json!({"name": format!("a{number}")}))
        .collect();
    for (config, named) in [
        (one(json!({"name": "1a"})), "attributes[0].name"),
        (one(json!({"name": "a.b"})), "attributes[0].name"),
        (one(json!({"name": "a", "kind": "text"})), "kind"),
        (one(json!({"name": "a", "type": "any"})), "any"),
        (
            json!({"attributes": [{"name": "a"}, {"name": "A"}]}),
            "attributes[1].name",
        ),
        (
            one(json!({"name": "a", "type": "complex"})),
            "attributes[0].sub_attributes",
        ),
        (
            one(json!({"name": "a", "sub_attributes": [{"name": "b"}]})),
            "attributes[0].sub_attributes",
        ),
        (
            one(
                json!({"name": "a", "type": "complex", "sub_attributes": [{"name": "b", "type": "complex"}]}),
            ),
            "attributes[0].sub_attributes[0].type",
        ),
        (
            one(json!({"name": "a", "type": "boolean", "uniqueness": "server"})),
            "uniqueness",
        ),
        (
            one(json!({"name": "a", "multi_valued": true, "uniqueness": "server"})),
            "uniqueness",
        ),
        (
            one(json!({"name": "a", "type": "integer", "canonical_values": ["1"]})),
            "canonical_values",
        ),
        (
            one(json!({"name": "a", "reference_types": ["User"]})),
            "reference_types",
        ),
        (
            one(json!({"name": "a", "required": true, "mutability": "readOnly"})),
            "required",
        ),
        (
            one(json!({"name": "a", "mutability": "writeOnly", "returned": "default"})),
            "returned",
        ),
        (
            one(
                json!({"name": "a", "type": "complex", "sub_attributes": [{"name": "b", "multi_valued": true}]}),
            ),
            "attributes[0].sub_attributes[0].multi_valued",
        ),
        (
            one(
                json!({"name": "a", "type": "complex", "sub_attributes": [{"name": "b", "write": ["self"]}]}),
            ),
            "sub_attributes[0].write",
        ),
        (
            one(json!({"name": "a", "type": "complex", "sub_attributes": [{"name": "b", "read": []}]})),
            "sub_attributes[0].read",
        ),
        (one(json!({"name": "a", "write": ["everyone"]})), "everyone"),
        (json!({"attributes": many}), "attributes[200]"),
        (extension("example"), "extensions[0].schema"),
        (extension("urn:a:b"), "extensions[0].schema"),
        (extension("urn:example:a b:c"), "extensions[0].schema"),
        (extension(CORE_USER), "extensions[0].schema"),
        (extension(&ENTERPRISE_USER.to_lowercase()), "extensions[0].schema"),
        (extension(&below), "extensions[0].schema"),
        (extension(above), "extensions[0].schema"),
        (
            json!({"extensions": [{"schema": URN, "name": "X", "attributes": []}]}),
            "extensions[0].attributes",
        ),
    ] {
        let refused = registry(config.clone()).err().unwrap_or_default();
        assert!(refused.contains(named), "{config}: {refused}");
    }
    let twice = json!({"extensions": [
        {"schema": URN, "name": "X", "attributes": [{"name": "a"}]},
        {"schema": URN, "name": "Y", "attributes": [{"name": "b"}]},
    ]});
    assert!(registry(twice).unwrap_err().starts_with("extensions[1].schema"));
    assert!(registry(extension(URN)).is_ok());
    assert!(registry(json!({})).is_ok());
}

#[test]
fn an_attribute_of_groups_has_nothing_that_is_for_users_alone() {
    let of_group = |attribute: Value| {
        registry(json!({"extensions": [{
            "schema": "urn:example:params:scim:schemas:extension:2.0:Team", "name": "Team", "resource_type": "Group",
            "attributes": [{"name": "room"}, attribute],
        }]}))
    };
    assert!(of_group(json!({"name": "floor", "type": "integer"})).is_ok());
    for (name, attribute) in [
        ("uniqueness", json!({"name": "code", "uniqueness": "server"})),
        ("indexed", json!({"name": "code", "indexed": true})),
    ] {
        let refused = of_group(attribute).unwrap_err();
        assert!(
            refused.starts_with(&format!("extensions[0].attributes[1].{name}: ")),
            "{refused}"
        );
    }
}

#[test]
fn an_index_is_of_what_has_an_order_and_can_be_searched() {
    let of_user = |attribute: Value| registry(json!({ "attributes": [attribute] }));
    for attribute in [
        json!({"name": "code", "indexed": true}),
        json!({"name": "tags", "multi_valued": true, "indexed": true}),
        json!({"name": "floor", "type": "integer", "indexed": true}),
        json!({"name": "since", "type": "dateTime", "indexed": true}),
        json!({"name": "desk", "type": "complex", "sub_attributes": [{"name": "room", "indexed": true}]}),
    ] {
        assert!(of_user(attribute.clone()).is_ok(), "{attribute}");
    }
    for attribute in [
        json!({"name": "late", "type": "boolean", "indexed": true}),
        json!({"name": "salary", "type": "decimal", "indexed": true}),
        json!({"name": "key", "type": "binary", "indexed": true}),
        json!({"name": "desk", "type": "complex", "indexed": true, "sub_attributes": [{"name": "room"}]}),
        json!({"name": "pin", "mutability": "writeOnly", "indexed": true}),
        json!({"name": "note", "returned": "never", "indexed": true}),
    ] {
        let refused = of_user(attribute.clone()).unwrap_err();
        assert!(
            refused.starts_with("attributes[0].indexed: "),
            "{attribute}: {refused}"
        );
    }
}
