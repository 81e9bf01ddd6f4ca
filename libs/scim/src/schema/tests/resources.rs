//! Resource types, their tables and bodies.

use serde_json::{Value, json};

use crate::ScimType;
use crate::schema::{
    Accessor, CORE_GROUP, CORE_USER, CUSTOM_USER, ENTERPRISE_USER, Mutability, PROFILE_USER, Referent,
    Registry, Returned, read,
};

fn registry() -> &'static Registry {
    Registry::standard()
}

/// The canonical spelling of a name, or `None` if it refers to nothing.
fn resolved(name: &str) -> Option<String> {
    match registry().users().resolve(name)? {
        Referent::Extension(schema) => Some(schema.id.clone()),
        Referent::Attribute(location) => Some(location.to_ref().to_string()),
    }
}

#[test]
fn a_name_is_resolved_with_its_urn_and_without() {
    for (section, name, expected) in [
        ("RFC 7643 §2.1", "USERNAME", Some("userName".to_owned())),
        (
            "RFC 7643 §3.1",
            "Meta.LastModified",
            Some("meta.lastModified".to_owned()),
        ),
        ("RFC 7643 §3.1", "externalid", Some("externalId".to_owned())),
        (
            "RFC 7644 §3.10",
            "name.givenname",
            Some("name.givenName".to_owned()),
        ),
        (
            "RFC 7644 §3.10",
            "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName",
            Some("name.familyName".to_owned()),
        ),
        (
            "RFC 7644 §3.10",
            "URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:Manager.Value",
            Some(format!("{ENTERPRISE_USER}:manager.value")),
        ),
        (
            "RFC 7644 §3.10",
            ENTERPRISE_USER,
            Some(ENTERPRISE_USER.to_owned()),
        ),
        (
            "Entra, example 5",
            "manager",
            Some(format!("{ENTERPRISE_USER}:manager")),
        ),
        (
            "Entra before 2018",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department",
            Some(format!("{ENTERPRISE_USER}:department")),
        ),
        (
            "our own",
            "urn:vestibule:params:scim:schemas:extension:attributes:1.0:User:values.Theme",
            Some(format!("{CUSTOM_USER}:values.Theme")),
        ),
        ("RFC 7644 §3.10", "name.nick", None),
        ("RFC 7644 §3.10", "userName.value", None),
        ("RFC 7644 §3.10", "favourite", None),
        ("RFC 7644 §3.10", "urn:example:User:userName", None),
        (
            "RFC 7644 §3.10",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            None,
        ),
        (
            "RFC 7644 §3.10",
            "urn:ietf:params:scim:schemas:core:2.0:User:department",
            None,
        ),
        (
            "RFC 7644 §3.10",
            "urn:ietf:params:scim:schemas:core:2.0:Users:userName",
            None,
        ),
        ("RFC 7644 §3.10", "", None),
    ] {
        assert_eq!(resolved(name), expected, "{section}: {name}");
    }
}

#[test]
fn the_attributes_of_the_standard_are_there_with_their_characteristics() {
    // RFC 7643 §8.7.1: attribute, type, multi-valued, mutability, returned, uniqueness
    let table = "userName string false readWrite default server
        name complex false readWrite default none
        name.formatted string false readWrite default none
        name.middleName string false readWrite default none
        name.honorificPrefix string false readWrite default none
        name.honorificSuffix string false readWrite default none
        profileUrl reference false readWrite default none
        active boolean false readWrite default none
        password string false writeOnly never none
        emails complex true readWrite default none
        phoneNumbers complex true readWrite default none
        ims complex true readWrite default none
        photos complex true readWrite default none
        photos.value reference true readWrite default none
        addresses complex true readWrite default none
        addresses.postalCode string true readWrite default none
        addresses.primary boolean true readWrite default none
        groups complex true readOnly default none
        groups.$ref reference true readOnly default none
        entitlements complex true readWrite default none
        roles complex true readWrite default none
        x509Certificates complex true readWrite default none
        x509Certificates.value binary true readWrite default none
        manager complex false readWrite default none
        manager.$ref reference false readWrite default none
        manager.displayName string false readOnly default none
        id string false readOnly always none
        meta.created dateTime false readOnly default none";
    for row in table.lines() {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let Some(Referent::Attribute(location)) = registry().users().resolve(cells[0]) else {
            panic!("{row}: is missing");
        };
        let of = location.sub.unwrap_or(location.attribute);
        let found = [
            of.data_type.as_str(),
            if location.attribute.multi_valued {
                "true"
            } else {
                "false"
            },
            of.mutability.as_str(),
            of.returned.as_str(),
            of.uniqueness.as_str(),
        ];
        assert_eq!(found, cells[1..], "{row}");
    }
    let groups = registry().groups();
    let members = groups.find("members").unwrap();
    assert!(
        groups.find("displayName").unwrap().required,
        "RFC 7643 §4.2, erratum 5368"
    );
    let names: Vec<&str> = members.sub.iter().map(|sub| sub.name.as_str()).collect();
    assert_eq!(names, ["value", "$ref", "type", "display"]);
    assert_eq!(
        members.find_sub("value").unwrap().mutability,
        Mutability::Immutable
    );
    assert!(members.stored_apart);
}

#[test]
fn a_person_writes_what_is_theirs_and_no_right_of_theirs() {
    // SB-35
    let own = |name: &str| {
        let Some(Referent::Attribute(location)) = registry().users().resolve(name) else {
            panic!("{name} is missing");
        };
        location.attribute.is_writable_by(Accessor::Own)
    };
    for name in [
        "name",
        "displayName",
        "locale",
        "timezone",
        "photos",
        "addresses",
        "website",
        "birthdate",
    ] {
        assert!(own(name), "{name}");
    }
    for name in [
        "userName",
        "externalId",
        "active",
        "emails",
        "groups",
        "roles",
        "entitlements",
        "x509Certificates",
        "title",
        "userType",
        "password",
        "department",
        "manager",
        "id",
        "meta",
        "emailVerified",
    ] {
        assert!(!own(name), "{name}");
    }
}

#[test]
fn a_group_is_read_with_what_entra_adds() {
    let groups = registry().groups();
    let body = json!({
        "schemas": [CORE_GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0", "displayName": "Sales", "meta": {"resourceType": "Group"},
        "members": [{"$ref": null, "value": "1", "display": "Ann", "type": "User"}],
    });
    let expected = json!({
        "externalId": "8aa1a0c0", "displayName": "Sales", "members": [{"value": "1", "type": "User"}],
    });
    assert_eq!(Value::Object(read(&body, groups).unwrap()), expected);
    // RFC 7643 §2.5, §4.2; RFC 7644 §3.12
    for (nameless, detail) in [
        (json!({"members": []}), "displayName: is required"),
        (json!({"displayName": ""}), "displayName: is required"),
        (
            json!({"displayName": "x", "members": [{"value": ""}]}),
            "members[0].value: is required",
        ),
    ] {
        let mut body = json!({"schemas": [CORE_GROUP]});
        body.as_object_mut()
            .unwrap()
            .extend(nameless.as_object().unwrap().clone());
        let refused = read(&body, groups).unwrap_err();
        assert_eq!(
            (refused.scim_type, refused.detail.as_str()),
            (Some(ScimType::InvalidValue), detail)
        );
    }
    let refused = json!({"schemas": [CORE_GROUP], "displayName": "x", "members": [{"display": "Ann"}]});
    assert_eq!(
        read(&refused, groups).unwrap_err().detail,
        "members[0].value: is required"
    );
}

#[test]
fn attributes_that_are_unknown_are_refused_unless_they_have_no_value() {
    // RFC 7643 §2.5; Entra, example 2
    let body = |name: &str, value: Value| json!({"schemas": [CORE_USER], "userName": "a", name: value});
    let users = registry().users();
    assert!(read(&body("department", json!(null)), users).is_ok());
    assert!(read(&body(ENTERPRISE_USER, json!(null)), users).is_ok());
    // An extension without a value is not there, whatever it requires.
    let urn = "urn:example:params:scim:schemas:extension:2.0:User";
    let config = json!({"extensions": [{"schema": urn, "name": "X", "attributes": [
        {"name": "a", "required": true}, {"name": "b"},
    ]}]});
    let registry = Registry::new(&serde_json::from_value(config).unwrap()).unwrap();
    for (value, is_read) in [
        (json!(null), true),
        (json!({}), true),
        (json!({"a": null}), true),
        (json!({"b": "x"}), false),
        (json!({"a": "", "b": "x"}), false),
    ] {
        let outcome = read(&body(urn, value.clone()), registry.users());
        assert_eq!(outcome.is_ok(), is_read, "{value}");
    }
    let refused = read(&body("department", json!("Sales")), users).unwrap_err();
    assert_eq!(refused.scim_type, Some(ScimType::InvalidSyntax));
}

#[test]
fn a_password_is_read_and_never_shown() {
    let body = json!({"schemas": [CORE_USER], "userName": "ann", "password": "correct horse"});
    let user = crate::User::from_json(&body, registry().users()).unwrap();
    assert_eq!(
        user.password.as_ref().map(crate::Password::expose),
        Some("correct horse")
    );
    assert!(!format!("{user:?}").contains("correct horse"));
    let meta = crate::Meta {
        id: "1",
        created: "",
        last_modified: "",
        location: "",
        version: 1,
        groups: &[],
    };
    assert!(!user.to_json(&meta).to_string().contains("correct horse"));
    assert_eq!(
        registry().users().find("password").unwrap().returned,
        Returned::Never
    );
    let shown = registry().users().response_schema();
    assert!(shown["properties"].get("password").is_none());
    assert_eq!(
        registry().users().request_schema()["properties"]["password"]["writeOnly"],
        true
    );
}

#[test]
fn a_request_has_every_attribute_that_a_client_may_change_and_no_other() {
    let users = registry().users();
    let request = users.request_schema();
    assert_eq!(request["required"], json!(["schemas", "userName"]));
    assert_eq!(
        request["properties"]["emails"]["items"]["properties"]["value"]["type"],
        "string"
    );
    assert!(request["properties"].get("groups").is_none(), "the server's own");
    assert!(users.response_schema()["properties"].get("groups").is_some());
    for extension in &users.extensions {
        assert!(
            request["properties"].get(&extension.id).is_some(),
            "{}",
            extension.id
        );
    }
    assert!(
        request["properties"][PROFILE_USER]["properties"]
            .get("emailVerified")
            .is_none()
    );
}

#[test]
fn a_stored_resource_is_checked_with_what_the_server_sets() {
    let users = registry().users();
    let check = |resource: Value| users.check(resource.as_object().unwrap());
    let mut resource = json!({
        "id": "1", "userName": "ann", "groups": [{"value": "g", "display": "G"}],
        "meta": {"lastModified": "2026-01-01T00:00:00Z"}, ENTERPRISE_USER: {"manager": {"displayName": "Bob"}},
    });
    assert_eq!(check(resource.clone()), Ok(()));
    resource["groups"][0]["value"] = json!(7);
    assert_eq!(
        check(resource).unwrap_err().detail,
        "groups[0].value: expected text"
    );
    assert!(check(json!({"id": "1"})).is_err(), "userName is required");
    assert!(check(json!({"userName": "a", "unknown": null})).is_err());
}
