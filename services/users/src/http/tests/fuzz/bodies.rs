//! Valid bodies, which the mutations start from.

use serde_json::{Value, json};

use super::Existing;
use super::random::Random;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PROFILE: &str = "urn:vestibule:params:scim:schemas:extension:profile:1.0:User";
const CUSTOM: &str = "urn:vestibule:params:scim:schemas:extension:attributes:1.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const MESSAGES: &str = "urn:ietf:params:scim:api:messages:2.0";

/// The body of a route, if it takes one.
pub(super) fn body(method: &str, path: &str, known: &Existing, random: &mut Random) -> Option<Value> {
    let of_users = path.contains("/Users");
    match method {
        "POST" if path.ends_with("/.search") => Some(search(of_users, known, random)),
        "POST" if path.ends_with("/Bulk") => Some(bulk(known, random)),
        "PATCH" => Some(patch(of_users, known, random)),
        "POST" | "PUT" if of_users => Some(user(known, random)),
        "POST" | "PUT" => Some(group(known, random)),
        _ => None,
    }
}

fn user(known: &Existing, random: &mut Random) -> Value {
    let number = random.below(300);
    let mut user =
        json!({"schemas": [CORE, ENTERPRISE, PROFILE, CUSTOM], "userName": format!("person{number}")});
    let optional = [
        ("externalId", json!(format!("hr-{}", random.below(200)))),
        (
            "name",
            json!({"givenName": "Ann", "familyName": format!("Family{}", random.below(20)), "formatted": "Ann Example"}),
        ),
        ("displayName", json!(format!("Ann {number}"))),
        ("active", json!(random.chance(70))),
        ("locale", json!("en_US")),
        ("timezone", json!("Europe/Paris")),
        ("title", json!("Archer")),
        ("profileUrl", json!("https://example.com/ann")),
        (
            "emails",
            json!([{"value": format!("person{number}@example.com"), "type": "work", "primary": true},
                   {"value": format!("home{number}@example.org"), "type": "home"}]),
        ),
        (
            "phoneNumbers",
            json!([{"value": "tel:+1-201-555-0123", "type": "mobile"}]),
        ),
        (
            "addresses",
            json!([{"type": "work", "streetAddress": "1 Main St", "country": "US"}]),
        ),
        (
            "roles",
            json!([{"value": "archer"}, {"value": "bowyer", "primary": true}]),
        ),
        ("x509Certificates", json!([{"value": "MIIDQzCC"}])),
        (
            ENTERPRISE,
            json!({"employeeNumber": number.to_string(), "manager": {"value": known.user(random)}}),
        ),
        (PROFILE, json!({"birthdate": "1990-02-03", "gender": "female"})),
        (CUSTOM, json!({"values": {"theme": "dark", "size": 7}})),
    ];
    for (name, value) in optional {
        if random.chance(45) {
            user[name] = value;
        }
    }
    if known.passwords && random.chance(30) {
        let passwords = ["plover-quilt-anvil", "short", "", "plover-quilt-anvil-2"];
        user["password"] = json!(random.pick(&passwords));
    }
    user
}

fn group(known: &Existing, random: &mut Random) -> Value {
    let members: Vec<Value> = (0..random.below(4)).map(|_| member(known, random)).collect();
    json!({
        "schemas": [GROUP], "displayName": format!("Group {}", random.below(60)),
        "externalId": format!("g-{}", random.below(50)), "members": members,
    })
}

fn member(known: &Existing, random: &mut Random) -> Value {
    match random.chance(75) {
        true => json!({"value": known.user(random), "type": "User"}),
        false => json!({"value": known.group(random), "type": "Group"}),
    }
}

fn patch(of_users: bool, known: &Existing, random: &mut Random) -> Value {
    let operations: Vec<Value> = (0..=random.below(3))
        .map(|_| match of_users {
            true => user_operation(known, random),
            false => group_operation(known, random),
        })
        .collect();
    json!({"schemas": [format!("{MESSAGES}:PatchOp")], "Operations": operations})
}

fn user_operation(known: &Existing, random: &mut Random) -> Value {
    let number = random.below(300);
    let manager = known.user(random);
    let all = [
        json!({"op": "Replace", "path": "active", "value": "False"}),
        json!({"op": "replace", "value": {"active": true, "name.givenName": "Bob"}}),
        json!({"op": "add", "path": "emails[type eq \"home\"].value", "value": format!("new{number}@example.com")}),
        json!({"op": "add", "value": {"emails": [{"value": format!("more{number}@example.com")}], "nickName": "Annie"}}),
        json!({"op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]"}),
        json!({"op": "remove", "path": "phoneNumbers"}),
        json!({"op": "replace", "path": "userName", "value": format!("person{number}")}),
        json!({"op": "replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "2 Main St"}),
        json!({"op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": manager}),
        json!({"op": "remove", "path": format!("{ENTERPRISE}:employeeNumber")}),
        json!({"op": "add", "path": format!("{CUSTOM}:values"), "value": {"theme": "light"}}),
        json!({"op": "replace", "path": "externalId", "value": format!("hr-{number}")}),
        json!({"op": "add", "path": "roles", "value": [{"value": "captain", "primary": true}]}),
    ];
    random.pick(&all).clone()
}

fn group_operation(known: &Existing, random: &mut Random) -> Value {
    let one = member(known, random);
    let id = one["value"].clone();
    let all = [
        json!({"op": "add", "path": "members", "value": [one.clone()]}),
        json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": id}]}),
        json!({"op": "remove", "path": format!("members[value eq {id}]")}),
        json!({"op": "replace", "path": "members", "value": [one]}),
        json!({"op": "replace", "value": {"displayName": format!("Group {}", random.below(60))}}),
        json!({"op": "remove", "path": "externalId"}),
        json!({"op": "remove", "path": "members"}),
    ];
    random.pick(&all).clone()
}

fn search(of_users: bool, known: &Existing, random: &mut Random) -> Value {
    let mut search = json!({"schemas": [format!("{MESSAGES}:SearchRequest")]});
    for (name, value) in super::queries::parameters(of_users, known, random) {
        search[name] = match name {
            "attributes" | "excludedAttributes" => json!(value.split(',').collect::<Vec<_>>()),
            "count" | "startIndex" => value.parse::<i64>().map_or(json!(value), Value::from),
            _ => json!(value),
        };
    }
    search
}

fn bulk(known: &Existing, random: &mut Random) -> Value {
    let operations: Vec<Value> = (0..=random.below(5))
        .map(|number| {
            let of_users = random.chance(65);
            let (endpoint, id) = match of_users {
                true => ("/Users", known.user(random)),
                false => ("/Groups", known.group(random)),
            };
            let one = format!("{endpoint}/{id}");
            match random.below(10) {
                0..=4 => {
                    let mut data = body("POST", endpoint, known, random).unwrap();
                    if !of_users && random.chance(50) {
                        data["members"] = json!([{"value": format!("bulkId:b{}", random.below(6))}]);
                    }
                    json!({"method": "POST", "path": endpoint, "bulkId": format!("b{number}"), "data": data})
                }
                5 | 6 => json!({"method": "PATCH", "path": one, "data": patch(of_users, known, random)}),
                7 | 8 => json!({"method": "PUT", "path": one, "data": body("PUT", endpoint, known, random)}),
                _ => json!({"method": "DELETE", "path": one}),
            }
        })
        .collect();
    json!({"schemas": [format!("{MESSAGES}:BulkRequest")], "failOnErrors": random.below(4), "Operations": operations})
}
