//! NDJSON: one JSON object a line.

use std::io::{self, BufRead};

use scim::schema::CORE_GROUP;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::lines::Lines;
use super::{GroupRecord, Item, MemberReference, Record, Rejection, Row};
use crate::api::text_at;

/// A reader of NDJSON. `convert` makes the user or the group of an object.
pub(super) struct Ndjson<R> {
    lines: Lines<R>,
    number: u64,
    convert: fn(Map<String, Value>) -> Result<Item, Rejection>,
}

impl<R: BufRead> Ndjson<R> {
    /// The rows of `input`.
    pub(super) fn new(input: R, convert: fn(Map<String, Value>) -> Result<Item, Rejection>) -> Self {
        Self {
            lines: Lines::new(input),
            number: 0,
            convert,
        }
    }

    /// The next row. Empty lines are passed over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next_row(&mut self) -> io::Result<Option<Row>> {
        while let Some((line, text)) = self.lines.next_line()? {
            if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            self.number += 1;
            let item = text
                .and_then(|text| parse_object(text.as_bytes()))
                .and_then(self.convert);
            return Ok(Some(Row {
                number: self.number,
                line: Some(line),
                item,
            }));
        }
        Ok(None)
    }
}

/// Parses one JSON object. A member may occur once.
pub(super) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, Rejection> {
    match scim::json::parse(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Rejection::new("", "expected a JSON object")),
        Err(error) => {
            let text = error.to_string();
            let reason = text.strip_prefix("the body cannot be read: ").unwrap_or(&text);
            Err(Rejection::new("", format!("is not a JSON object: {reason}")))
        }
    }
}

/// The user or the group of a SCIM resource (RFC 7643 §4). A user has `password_hash` or `encrypted_password_hash` beside the attributes.
pub(super) fn scim_resource(resource: Map<String, Value>) -> Result<Item, Rejection> {
    match is_group(&resource) {
        true => scim_group(resource).map(Item::Group),
        false => scim_user(resource).map(Item::User),
    }
}

fn is_group(resource: &Map<String, Value>) -> bool {
    let schemas = resource.get("schemas").and_then(Value::as_array);
    let mut schemas = schemas.into_iter().flatten().filter_map(Value::as_str);
    schemas.any(|schema| schema.eq_ignore_ascii_case(CORE_GROUP))
        || resource.get("meta").and_then(|meta| meta.get("resourceType")) == Some(&Value::from("Group"))
}

fn scim_group(mut resource: Map<String, Value>) -> Result<GroupRecord, Rejection> {
    let references = keep_identity(&mut resource);
    let mut group = GroupRecord {
        references,
        ..GroupRecord::default()
    };
    let members = match resource.remove("members") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(members)) => members,
        Some(_) => Vec::from([Value::Null]),
    };
    resource.remove("schemas");
    group.group = resource;
    for member in &members {
        let reference = text_at(member, "/value");
        if reference.is_empty() {
            let rejection = Rejection::new("members", "expected a list of objects with value");
            return Err(rejection.of_group(group.name()));
        }
        let kind = match text_at(member, "/type").to_lowercase().as_str() {
            "user" => Some("User"),
            "group" => Some("Group"),
            _ => None,
        };
        group.members.push(MemberReference { reference, kind });
    }
    Ok(group)
}

/// Leaves of what the server sets the id, if it is a UUID, and the time of the creation. Returns another id, by which the file
/// refers to the resource.
fn keep_identity(resource: &mut Map<String, Value>) -> Vec<String> {
    let id = resource
        .remove("id")
        .map(|id| text_at(&id, ""))
        .unwrap_or_default();
    let created = resource
        .remove("meta")
        .and_then(|mut meta| Some(meta.get_mut("created")?.take()));
    if let Some(created) = created {
        resource.insert("meta".to_owned(), json!({ "created": created }));
    }
    match Uuid::try_parse(&id) {
        Ok(_) => {
            resource.insert("id".to_owned(), id.into());
            Vec::new()
        }
        Err(_) if id.is_empty() => Vec::new(),
        Err(_) => Vec::from([id]),
    }
}

/// The record of a SCIM `User` that may have `password_hash` or `encrypted_password_hash` beside its attributes. `groups` is passed over:
/// the lines of groups have the same memberships (RFC 7643 §4.1.2).
fn scim_user(mut user: Map<String, Value>) -> Result<Record, Rejection> {
    let hash = user.remove("password_hash");
    let encrypted = user.remove("encrypted_password_hash");
    user.retain(|name, _| !name.eq_ignore_ascii_case("groups"));
    let mut record = Record {
        references: keep_identity(&mut user),
        user,
        ..Record::default()
    };
    match hash {
        None | Some(Value::Null) => {}
        Some(Value::String(hash)) => record.password_hash = Some(SecretString::from(hash)),
        // A credential of Keycloak is an object, and `auth` reads it as text.
        Some(Value::Object(credential)) => {
            record.password_hash = Some(SecretString::from(Value::Object(credential).to_string()));
        }
        Some(_) => {
            return Err(Rejection::new("password_hash", "expected text").of(record.user_name()));
        }
    }
    match encrypted {
        None | Some(Value::Null) => {}
        Some(Value::String(encrypted)) if record.password_hash.is_none() => {
            record.encrypted_hash = Some(encrypted);
        }
        Some(_) => {
            let rejection = Rejection::new("encrypted_password_hash", "expected text, without password_hash");
            return Err(rejection.of(record.user_name()));
        }
    }
    Ok(record)
}
