//! The desired state of a user, as a caller sends it: checked before it is written.

use std::collections::BTreeMap;

use chassis::clock::Timestamp;
use contract::{Email, PersonName, UserId, UserName, UserState};
use serde_json::{Map, Value};

use super::{Invalid, UserError};

/// Everything that a directory client may say of a person. Groups, versions, dates and what was verified are not
/// among it.
#[derive(Clone, Debug)]
pub(crate) struct DesiredState {
    pub(crate) user_name: UserName,
    pub(crate) name: PersonName,
    pub(crate) emails: Vec<Email>,
    pub(crate) locale: Option<String>,
    pub(crate) zoneinfo: Option<String>,
    pub(crate) active: Option<bool>,
    pub(crate) attributes: BTreeMap<String, Value>,
}

impl DesiredState {
    /// A person that is new at `now`.
    pub(crate) fn into_state(self, id: UserId, now: Timestamp) -> UserState {
        UserState {
            id,
            user_name: self.user_name,
            name: self.name,
            emails: self.emails.into_iter().map(unverified).collect(),
            locale: self.locale,
            zoneinfo: self.zoneinfo,
            active: self.active.unwrap_or(true),
            attributes: self.attributes,
            groups: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Takes the place of what `state` says. An address that stays keeps its proof; without a word about `active`
    /// nobody is switched on again.
    pub(super) fn replace(self, state: &mut UserState) -> Result<(), UserError> {
        let known = std::mem::take(&mut state.emails);
        state.emails = self
            .emails
            .into_iter()
            .map(|email| {
                let verified = known.iter().any(|old| old.verified && old.value == email.value);
                Email { verified, ..email }
            })
            .collect();
        state.user_name = self.user_name;
        state.name = self.name;
        state.locale = self.locale;
        state.zoneinfo = self.zoneinfo;
        state.active = self.active.unwrap_or(state.active);
        state.attributes = self.attributes;
        Ok(())
    }
}

fn unverified(email: Email) -> Email {
    Email {
        verified: false,
        ..email
    }
}

/// Attributes that say what a person is entitled to, or which record of another system is theirs: only the
/// directory sets them, never the person.
pub(crate) fn directory_only(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "externalId",
        "title",
        "userType",
        "entitlements",
        "roles",
        "x509Certificates",
        "groups",
    ];
    name.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
        || NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A change that a person makes to themselves: a JSON merge patch (RFC 7396) over four members of their own
/// record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patch {
    name: Option<Map<String, Value>>,
    locale: Option<Option<String>>,
    zoneinfo: Option<Option<String>>,
    attributes: Option<Map<String, Value>>,
}

impl Patch {
    /// Reads a patch.
    ///
    /// # Errors
    /// The first member that a person may not change, that does not exist, or that has the wrong type (SB-35).
    pub(crate) fn from_json(body: Value) -> Result<Self, Invalid> {
        let Value::Object(members) = body else {
            return Err(Invalid::new("(body)", "expected a JSON object"));
        };
        let mut patch = Self::default();
        for (field, value) in members {
            match field.as_str() {
                "name" => patch.name = Some(nullable_object(&field, value, &NAME_PARTS)?),
                "locale" => patch.locale = Some(nullable_text(&field, value)?),
                "zoneinfo" => patch.zoneinfo = Some(nullable_text(&field, value)?),
                "attributes" => patch.attributes = Some(attributes(value)?),
                "emails" => {
                    return Err(Invalid::new(field, "an address is changed by an administrator"));
                }
                "id" | "user_name" | "active" | "groups" | "version" | "created_at" | "updated_at" => {
                    return Err(Invalid::new(field, "cannot be changed here"));
                }
                _ => return Err(Invalid::new(field, "no such field")),
            }
        }
        Ok(patch)
    }

    /// Applies the patch.
    pub(super) fn apply(self, state: &mut UserState) -> Result<(), Invalid> {
        if let Some(parts) = self.name {
            for (part, value) in parts {
                let field = format!("name.{part}");
                let value = nullable_text(&field, value)?;
                match part.as_str() {
                    "given_name" => state.name.given_name = value,
                    "family_name" => state.name.family_name = value,
                    "formatted" => state.name.formatted = value,
                    "middle_name" => state.name.middle_name = value,
                    "honorific_prefix" => state.name.honorific_prefix = value,
                    "honorific_suffix" => state.name.honorific_suffix = value,
                    _ => return Err(Invalid::new(field, "no such field")),
                }
            }
        }
        if let Some(locale) = self.locale {
            state.locale = locale;
        }
        if let Some(zoneinfo) = self.zoneinfo {
            state.zoneinfo = zoneinfo;
        }
        for (name, value) in self.attributes.into_iter().flatten() {
            if value.is_null() {
                state.attributes.remove(&name);
            } else {
                let merged = merge(state.attributes.remove(&name).unwrap_or_default(), value);
                state.attributes.insert(name, merged);
            }
        }
        Ok(())
    }
}

const NAME_PARTS: [&str; 6] = [
    "given_name",
    "family_name",
    "formatted",
    "middle_name",
    "honorific_prefix",
    "honorific_suffix",
];

/// `null` removes every known member.
fn nullable_object(field: &str, value: Value, known: &[&str]) -> Result<Map<String, Value>, Invalid> {
    match value {
        Value::Object(members) => match members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(Invalid::new(format!("{field}.{unknown}"), "no such field")),
            None => Ok(members),
        },
        Value::Null => Ok(known
            .iter()
            .map(|name| ((*name).to_owned(), Value::Null))
            .collect()),
        _ => Err(Invalid::new(field, "expected an object")),
    }
}

fn nullable_text(field: &str, value: Value) -> Result<Option<String>, Invalid> {
    match value {
        Value::String(text) => Ok(Some(text)),
        Value::Null => Ok(None),
        _ => Err(Invalid::new(field, "expected text")),
    }
}

fn attributes(value: Value) -> Result<Map<String, Value>, Invalid> {
    let Value::Object(members) = value else {
        return Err(Invalid::new("attributes", "expected an object"));
    };
    match members.keys().find(|name| directory_only(name)) {
        Some(name) => Err(Invalid::new(
            format!("attributes.{name}"),
            "is set by an administrator",
        )),
        None => Ok(members),
    }
}

/// RFC 7396 §2.
fn merge(target: Value, patch: Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch;
    };
    let mut merged = match target {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, change) in changes {
        if change.is_null() {
            merged.remove(&name);
        } else {
            let old = merged.remove(&name).unwrap_or_default();
            merged.insert(name, merge(old, change));
        }
    }
    Value::Object(merged)
}
