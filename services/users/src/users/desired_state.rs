//! The desired state of a user, as a caller sends it: checked before it is written.

use std::collections::BTreeMap;

use chassis::clock::Timestamp;
use contract::{Email, PersonName, UserId, UserName, UserState};
use scim::schema::{Accessor, ResourceType, canonicalize};
use serde_json::{Map, Value};

use super::Invalid;
use super::resource::is_extension;

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
            group_ids: Some(Vec::new()),
            external_ids: BTreeMap::new(),
            credential_id: None,
            deleted_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Takes the place of what `state` says. An address that stays keeps its proof; without a word about `active`
    /// nobody is switched on again.
    pub(super) fn replace(self, state: &mut UserState) {
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
    }
}

fn unverified(email: Email) -> Email {
    Email {
        verified: false,
        ..email
    }
}

/// True if a name has the form of a URN, as those of extensions have.
pub(super) fn is_urn(name: &str) -> bool {
    name.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

/// Checks that a person may write an attribute of their own record (SB-35): one that the registry marks for it, parts of an
/// extension that are marked, or a name of the application's own.
fn check_own(name: &str, value: &Value, users: &ResourceType) -> Result<(), Invalid> {
    let refused = |path: String, reason: &str| Err(Invalid::new(format!("attributes.{path}"), reason));
    const DIRECTORY: &str = "is set by an administrator";
    if is_extension(name, users) {
        let extension = users.extensions.iter().find(|extension| extension.id == name);
        let Value::Object(members) = value else {
            return refused(
                name.to_owned(),
                "expected an object with the attributes to change",
            );
        };
        for member in members.keys() {
            let path = || format!("{name}:{member}");
            match extension.and_then(|extension| extension.find(member)) {
                Some(attribute) if attribute.name != *member => {
                    return refused(path(), &format!("is spelled {}", attribute.name));
                }
                Some(attribute) if attribute.is_writable_by(Accessor::Own) => {}
                Some(_) => return refused(path(), DIRECTORY),
                None => return refused(path(), "no such attribute"),
            }
        }
        return Ok(());
    }
    let closed = users
        .find(name)
        .is_some_and(|attribute| !attribute.is_writable_by(Accessor::Own));
    match closed || is_urn(name) {
        true => refused(name.to_owned(), DIRECTORY),
        false => Ok(()),
    }
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
    pub(crate) fn from_json(body: Value, users: &ResourceType) -> Result<Self, Invalid> {
        let Value::Object(members) = body else {
            return Err(Invalid::new("(body)", "expected a JSON object"));
        };
        let mut patch = Self::default();
        for (field, value) in members {
            match field.as_str() {
                "name" => patch.name = Some(nullable_object(&field, value, &NAME_PARTS)?),
                "locale" => patch.locale = Some(nullable_text(&field, value)?),
                "zoneinfo" => patch.zoneinfo = Some(nullable_text(&field, value)?),
                "attributes" => patch.attributes = Some(attributes(value, users)?),
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
    pub(super) fn apply(self, state: &mut UserState, users: &ResourceType) -> Result<(), Invalid> {
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
            state.locale = locale.map(|text| canonical("locale", text, users)).transpose()?;
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

fn attributes(value: Value, users: &ResourceType) -> Result<Map<String, Value>, Invalid> {
    let Value::Object(members) = value else {
        return Err(Invalid::new("attributes", "expected an object"));
    };
    for (name, value) in &members {
        check_own(name, value, users)?;
    }
    Ok(members)
}

/// A text of the core schema in its canonical spelling.
fn canonical(name: &str, text: String, users: &ResourceType) -> Result<String, Invalid> {
    let Some(attribute) = users.schema.find(name) else {
        return Ok(text);
    };
    let one = Map::from_iter([(name.to_owned(), Value::from(text.as_str()))]);
    let read = canonicalize(&one, std::slice::from_ref(attribute), "")
        .map_err(|refused| Invalid::of_scim(name, &refused))?;
    match read.get(name) {
        Some(Value::String(canonical)) => Ok(canonical.clone()),
        _ => Ok(text),
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
