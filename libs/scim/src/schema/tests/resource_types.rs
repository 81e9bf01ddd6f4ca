//! Resource types: names, characteristics, and schemas of requests.

use serde_json::json;

use crate::schema::{Accessor, CUSTOM_USER, ENTERPRISE_USER, Mutability, PROFILE_USER, Referent, Registry};

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
    // RFC 7644 §3.4.2.2 (5)
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
    // RFC 7643 §2.4 (1)
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
