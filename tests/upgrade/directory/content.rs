//! The directory of the old release: people with all attributes that it has, groups in groups, and the disabled and deleted.

use serde_json::{Value, json};

use super::client::Client;

pub(super) const PEOPLE: usize = 25;
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PROFILE: &str = "urn:vestibule:params:scim:schemas:extension:profile:1.0:User";
const CUSTOM: &str = "urn:vestibule:params:scim:schemas:extension:attributes:1.0:User";
pub(super) const CONFIGURED: &str = "urn:vestibule:params:scim:schemas:extension:configured:1.0:User";
pub(super) const HR: &str = "urn:example:params:scim:schemas:extension:hr:1.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The attributes of the configuration of `users`, of both releases.
pub(super) const ATTRIBUTES_TOML: &str = r#"
[[scim.attributes]]
name = "badgeNumber"
uniqueness = "server"
[[scim.attributes]]
name = "skills"
multi_valued = true
[[scim.extensions]]
schema = "urn:example:params:scim:schemas:extension:hr:1.0:User"
name = "HR"
[[scim.extensions.attributes]]
name = "grade"
type = "integer"
[[scim.extensions.attributes]]
name = "contract"
type = "complex"
[[scim.extensions.attributes.sub_attributes]]
name = "since"
type = "dateTime"
[[scim.extensions.attributes.sub_attributes]]
name = "temporary"
type = "boolean"
"#;

/// The ids of what was made.
pub(super) struct Content {
    /// The people, by their numbers. The first one is the manager of the others.
    pub(super) people: Vec<String>,
    pub(super) archers: String,
    /// A group that the group of the archers is a member of.
    pub(super) club: String,
    pub(super) deleted_user: String,
    pub(super) deleted_group: String,
}

/// A user with every attribute that the old release takes.
pub(super) fn person(number: usize, manager: Option<&String>) -> Value {
    let mut person = json!({
        "schemas": [CORE, ENTERPRISE, PROFILE, CUSTOM, CONFIGURED, HR],
        "userName": format!("Person{number}"),
        "externalId": format!("hr-{number}"),
        "name": {
            "givenName": "Zoë", "familyName": format!("Quillfeather{number}"), "middleName": "Maria",
            "formatted": format!("Dr. Zoë Maria Quillfeather{number} III"), "honorificPrefix": "Dr.", "honorificSuffix": "III",
        },
        "displayName": format!("Zoë {number}"),
        "nickName": "Zo",
        "profileUrl": "https://example.org/zoe",
        "title": "Fletcher",
        "userType": "Employee",
        "preferredLanguage": "fr-CH",
        "locale": "fr-CH",
        "timezone": "Europe/Zurich",
        "active": !number.is_multiple_of(5),
        "emails": [
            {"value": format!("person{number}@example.com"), "type": "work", "primary": true},
            {"value": format!("zoe{number}@example.org"), "type": "home"},
        ],
        "phoneNumbers": [{"value": "+41 44 668 18 00", "type": "work", "display": "Desk"}],
        "ims": [{"value": format!("zoe{number}"), "type": "xmpp"}],
        "photos": [{"value": "https://example.org/zoe.png", "type": "photo"}],
        "addresses": [{
            "formatted": "Bahnhofstrasse 1\n8001 Zürich", "streetAddress": "Bahnhofstrasse 1", "locality": "Zürich", "region": "ZH",
            "postalCode": "8001", "country": "CH", "type": "work", "primary": true,
        }],
        "entitlements": [{"value": "range"}],
        "roles": [{"value": "fletcher", "display": "Fletcher"}],
        "x509Certificates": [{"value": "MIIBCgKCAQEA"}],
        ENTERPRISE: {
            "employeeNumber": number.to_string(), "costCenter": "7", "organization": "Club", "division": "Range",
            "department": "Archery",
        },
        PROFILE: {"website": "https://example.org", "gender": "female", "birthdate": "1990-02-28"},
        CUSTOM: {"values": {"theme": "dark", "levels": [1, 2, {"deep": true}]}},
        CONFIGURED: {"badgeNumber": format!("B-{number}"), "skills": ["bow", "arrow"]},
        HR: {"grade": number, "contract": {"since": "2020-01-31T12:00:00Z", "temporary": false}},
    });
    if let Some(manager) = manager {
        person[ENTERPRISE]["manager"] = json!({ "value": manager });
    }
    person
}

/// Makes the directory. `ann` is an archer too.
pub(super) async fn create(client: &Client, ann: &str) -> Content {
    let mut people: Vec<String> = Vec::new();
    for number in 0..PEOPLE {
        people.push(
            client
                .create("/scim/v2/Users", &person(number, people.first()))
                .await,
        );
    }
    let archers: Vec<Value> = people
        .iter()
        .map(String::as_str)
        .chain([ann])
        .map(|id| json!({ "value": id }))
        .collect();
    let archers =
        json!({"schemas": [GROUP], "displayName": "Archers", "externalId": "g-1", "members": archers});
    let archers = client.create("/scim/v2/Groups", &archers).await;
    let members = json!([{"value": archers}, {"value": people[1]}]);
    let club = json!({"schemas": [GROUP], "displayName": "Club", "members": members});
    let club = client.create("/scim/v2/Groups", &club).await;
    let gone = json!({"schemas": [CORE], "userName": "leaver"});
    let deleted_user = client.create("/scim/v2/Users", &gone).await;
    let gone = json!({"schemas": [GROUP], "displayName": "Gone", "members": [{"value": people[2]}]});
    let deleted_group = client.create("/scim/v2/Groups", &gone).await;
    client.delete(&format!("/scim/v2/Users/{deleted_user}")).await;
    client.delete(&format!("/scim/v2/Groups/{deleted_group}")).await;
    Content {
        people,
        archers,
        club,
        deleted_user,
        deleted_group,
    }
}
