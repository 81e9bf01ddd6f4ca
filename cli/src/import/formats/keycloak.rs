//! Users and groups of a realm of Keycloak, as `kc.sh export` writes them: the lists `groups` and `users` of a realm, or `users` of a
//! file `REALM-users-0.json`.
//!
//! The members are those of Keycloak's documentation, Server Administration Guide, *Importing and exporting realms*, and of
//! `UserRepresentation`, `CredentialRepresentation` and `GroupRepresentation` of its Admin REST API. A group in a group has the
//! path as its name, because Keycloak gives the same name to groups in different groups.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::super::{GroupRecord, MemberReference, Record, Rejection};
use super::{put, put_value};
use crate::api::text_at;

/// Realm roles that Keycloak gives to everybody by itself.
fn is_own_role(name: &str) -> bool {
    matches!(name, "offline_access" | "uma_authorization") || name.starts_with("default-roles-")
}

/// The record of a `UserRepresentation`. The user who stands for a client (`serviceAccountClientId`) is not a person. With
/// `with_roles` the realm roles are groups.
pub(super) fn user(source: Map<String, Value>, with_roles: bool) -> Result<Record, Rejection> {
    let source = Value::Object(source);
    let text = |pointer: &str| text_at(&source, pointer);
    let name = text("/username");
    if !text("/serviceAccountClientId").is_empty() {
        return Err(Rejection::new("", "is the account of a client, not of a person").of(&name));
    }
    let mut record = Record::default();
    let user = &mut record.user;
    put(user, &["userName"], Some(&name));
    put(user, &["externalId"], Some(&text("/id")));
    put(user, &["name", "givenName"], Some(&text("/firstName")));
    put(user, &["name", "familyName"], Some(&text("/lastName")));
    put_value(user, "emails", None, Some(&text("/email")));
    put(user, &["locale"], Some(&text("/attributes/locale/0")));
    put_value(
        user,
        "phoneNumbers",
        None,
        Some(&text("/attributes/phoneNumber/0")),
    );
    if let Some(Value::Bool(enabled)) = source.get("enabled") {
        user.insert("active".to_owned(), (*enabled).into());
    }
    let texts = |name: &str| {
        let list = source.get(name).and_then(Value::as_array);
        let list: Vec<String> = list.into_iter().flatten().map(|it| text_at(it, "")).collect();
        list
    };
    let groups = texts("groups");
    record.groups = groups.iter().map(|path| group_name(path)).collect();
    if with_roles {
        let roles = texts("realmRoles").into_iter();
        record.groups.extend(roles.filter(|role| !is_own_role(role)));
    }
    let credentials = source.get("credentials").and_then(Value::as_array);
    let mut credentials = credentials.into_iter().flatten();
    record.password_hash = credentials
        .find(|credential| text_at(credential, "/type") == "password")
        // `auth` reads the whole credential as text.
        .map(|credential| SecretString::from(credential.to_string()));
    Ok(record)
}

/// The name of the group with a path.
fn group_name(path: &str) -> String {
    path.strip_prefix('/').unwrap_or(path).to_owned()
}

fn reference(path: &str) -> String {
    format!("group {path}")
}

/// The records of a `GroupRepresentation` and of the groups below it, the upper ones first.
pub(super) fn groups(source: Map<String, Value>) -> Vec<GroupRecord> {
    let (mut found, mut left) = (Vec::new(), vec![(String::new(), Value::Object(source))]);
    while let Some((above, group)) = left.pop() {
        let path = path_of(&group, &above);
        let mut record = GroupRecord {
            references: vec![reference(&path)],
            ..GroupRecord::default()
        };
        put(&mut record.group, &["displayName"], Some(&group_name(&path)));
        put(&mut record.group, &["externalId"], Some(&text_at(&group, "/id")));
        let below = group.get("subGroups").and_then(Value::as_array);
        for child in below.into_iter().flatten() {
            let child_path = path_of(child, &path);
            record.members.push(MemberReference {
                reference: reference(&child_path),
                kind: Some("Group"),
            });
            left.push((path.clone(), child.clone()));
        }
        found.push(record);
    }
    found
}

/// The path of a group in the group with the path `above`.
fn path_of(group: &Value, above: &str) -> String {
    match text_at(group, "/path") {
        path if path.is_empty() => format!("{above}/{}", text_at(group, "/name")),
        path => path,
    }
}
