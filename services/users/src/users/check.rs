//! The limits of what may be stored of a person.

use std::collections::BTreeMap;

use contract::{Email, MAX_NAME_LENGTH, PersonName, UserState};
use scim::schema::{Attribute, CORE_USER, ResourceType, Schema, TextForm, canonicalize};
use serde_json::{Map, Value};

use super::external_ids::{EXTERNAL_ID, MAX_EXTERNAL_ID};

/// E-mail addresses at most.
pub(crate) const MAX_EMAILS: usize = 20;
/// Levels of objects and lists in an attribute at most: a reader that stops at some depth can still read the record, in a
/// list of events too.
pub(crate) const MAX_DEPTH: usize = 16;
/// The greatest length of a locale and of a time zone, in characters.
const MAX_LOCALE_CHARS: usize = 64;
/// Bytes of all attributes at most, as JSON.
pub(crate) const MAX_ATTRIBUTES: usize = 16 * 1024;

/// Attributes of the SCIM standard that are fields of the record. As an attribute, one would speak for its field wherever
/// that is empty: a person could give themselves an e-mail address (SB-35).
const FIELDS: [&str; 6] = ["userName", "name", "emails", "active", "locale", "timezone"];

/// A value that cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub(crate) struct Invalid {
    /// The path of the value in the record: `name.given_name`, `emails[0].value`.
    pub(crate) field: String,
    /// The fault of the value.
    pub(crate) reason: String,
}

impl Invalid {
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// The refusal of the value of `field`, whose detail begins with the path.
    pub(super) fn of_scim(field: impl Into<String>, refused: &scim::Error) -> Self {
        let field = field.into();
        let (path, reason) = refused.detail.split_once(": ").unwrap_or(("", &refused.detail));
        match path.is_empty() || field.ends_with(path) {
            true => Self::new(field, reason),
            false => Self::new(field, &refused.detail),
        }
    }
}

/// Holds a person against the limits.
///
/// # Errors
/// The first value that does not fit.
pub(super) fn check(state: &UserState, users: &ResourceType) -> Result<(), Invalid> {
    check_beside(state, None, users)
}

/// Holds the new state of a person against the limits. An attribute that the person has keeps its name and its value, though
/// they would be refused today.
///
/// # Errors
/// The first value that does not fit.
pub(super) fn check_change(old: &UserState, new: &UserState, users: &ResourceType) -> Result<(), Invalid> {
    check_beside(new, Some(old), users)
}

fn check_beside(state: &UserState, old: Option<&UserState>, users: &ResourceType) -> Result<(), Invalid> {
    check_name(&state.name)?;
    check_emails(&state.emails)?;
    // What other directories send is kept (RFC 7643 §4.1.1), and so is what a user has, though it would be refused today.
    for (field, value, kept) in [
        ("locale", &state.locale, old.map(|old| &old.locale)),
        ("zoneinfo", &state.zoneinfo, old.map(|old| &old.zoneinfo)),
    ] {
        if let Some(value) = value
            && kept.and_then(Option::as_ref) != Some(value)
        {
            text(field, value, MAX_LOCALE_CHARS)?;
        }
    }
    for (client, value) in &state.external_ids {
        if old.is_none_or(|old| old.external_ids.get(client) != Some(value)) {
            check_external_id(value)?;
        }
    }
    check_attributes(state, old.map_or(&BTreeMap::new(), |old| &old.attributes), users)
}

fn check_external_id(value: &str) -> Result<(), Invalid> {
    match value {
        "" => Err(Invalid::new(EXTERNAL_ID, "must not be empty")),
        value => text(EXTERNAL_ID, value, MAX_EXTERNAL_ID),
    }
}

fn check_name(name: &PersonName) -> Result<(), Invalid> {
    for (field, value) in [
        ("name.given_name", &name.given_name),
        ("name.family_name", &name.family_name),
        ("name.formatted", &name.formatted),
        ("name.middle_name", &name.middle_name),
        ("name.honorific_prefix", &name.honorific_prefix),
        ("name.honorific_suffix", &name.honorific_suffix),
    ] {
        if let Some(value) = value {
            text(field, value, MAX_NAME_LENGTH)?;
        }
    }
    Ok(())
}

fn check_emails(emails: &[Email]) -> Result<(), Invalid> {
    if emails.len() > MAX_EMAILS {
        return Err(Invalid::new("emails", format!("at most {MAX_EMAILS} addresses")));
    }
    if emails.iter().filter(|email| email.primary).count() > 1 {
        return Err(Invalid::new("emails", "only one address may be primary"));
    }
    for (index, email) in emails.iter().enumerate() {
        if let Some(kind) = &email.kind {
            text(&format!("emails[{index}].type"), kind, 64)?;
        }
        if emails.iter().take(index).any(|other| other.value == email.value) {
            return Err(Invalid::new(
                format!("emails[{index}].value"),
                "stands in the list twice",
            ));
        }
    }
    Ok(())
}

fn check_attributes(
    state: &UserState,
    known: &BTreeMap<String, Value>,
    users: &ResourceType,
) -> Result<(), Invalid> {
    let size = serde_json::to_vec(&state.attributes).map_or(usize::MAX, |json| json.len());
    if size > MAX_ATTRIBUTES {
        return Err(Invalid::new(
            "attributes",
            format!("at most {MAX_ATTRIBUTES} bytes as JSON"),
        ));
    }
    for (name, value) in &state.attributes {
        text("attributes (a name)", name, 256)?;
        if !known.contains_key(name) {
            check_attribute_name(name, users)?;
        }
        let place = format!("attributes.{name}");
        let standard = standard(name, users).filter(|attribute| attribute.name == *name);
        let extension = users.extensions.iter().find(|extension| extension.id == *name);
        let parts = match (standard, extension) {
            (Some(standard), _) => Parts::Of(standard),
            (None, Some(extension)) => Parts::In(&extension.attributes),
            (None, None) => Parts::Free,
        };
        value_text(&place, value, MAX_DEPTH, parts)?;
        if known.get(name) == Some(value) {
            continue;
        }
        match (standard, extension, value) {
            (Some(standard), ..) => check_standard(standard, value)?,
            (None, Some(extension), Value::Object(inner)) => {
                check_form(&place, inner, &extension.attributes, &extension.id)?;
            }
            (None, Some(_), _) => return Err(Invalid::new(place, "expected an object")),
            (None, None, _) => {}
        }
    }
    Ok(())
}

/// Case does not matter in the names of SCIM (RFC 7643 §2.1), so it does not help anybody past a guarded one.
fn check_attribute_name(name: &str, users: &ResourceType) -> Result<(), Invalid> {
    let place = || format!("attributes.{name}");
    if FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name)) {
        return Err(Invalid::new(
            place(),
            "is a field of the record, not an attribute",
        ));
    }
    match standard(name, users) {
        Some(standard) if standard.name != name => Err(Invalid::new(
            place(),
            format!("is spelled {} in {CORE_USER}", standard.name),
        )),
        _ => Ok(()),
    }
}

/// The attribute of the SCIM standard with this name, without regard to case.
fn standard<'a>(name: &str, users: &'a ResourceType) -> Option<&'a Attribute> {
    match name.eq_ignore_ascii_case("externalId") {
        true => users.find(name),
        false => users.schema.find(name),
    }
}

/// An attribute that the SCIM standard names has the standard's shape, so that `/scim/v2` can show it.
fn check_standard(attribute: &Attribute, value: &Value) -> Result<(), Invalid> {
    let name = attribute.name.as_str();
    let one = Map::from_iter([(name.to_owned(), value.clone())]);
    let place = format!("attributes.{name}");
    check_form(&place, &one, std::slice::from_ref(attribute), CORE_USER)
}

/// Checks that values have the form in which they are stored.
fn check_form(
    place: &str,
    members: &Map<String, Value>,
    attributes: &[Attribute],
    schema: &str,
) -> Result<(), Invalid> {
    match canonicalize(members, attributes, "attributes") {
        Ok(same) if same == *members => Ok(()),
        Ok(_) => Err(Invalid::new(
            place,
            format!("does not have the form that {schema} gives it"),
        )),
        Err(refused) => Err(Invalid::new(place, refused.detail)),
    }
}

/// The attributes that the parts of a value are.
#[derive(Clone, Copy)]
enum Parts<'a> {
    /// The value is that of an attribute.
    Of(&'a Attribute),
    /// The members of the value are those of an extension.
    In(&'a [Attribute]),
    /// No schema says anything of the value.
    Free,
}

impl<'a> Parts<'a> {
    fn member(self, name: &str) -> Self {
        let of: &[Attribute] = match self {
            Self::Of(attribute) => &attribute.sub,
            Self::In(attributes) => attributes,
            Self::Free => &[],
        };
        let found = of.iter().find(|attribute| attribute.name == name);
        found.map_or(Self::Free, Parts::Of)
    }

    fn has_lines(self) -> bool {
        matches!(self, Self::Of(attribute) if attribute.form == TextForm::Lines)
    }
}

/// Checks the texts of an extension, whose values have the types of its attributes.
///
/// # Errors
/// The first value that cannot be stored.
pub(crate) fn check_extension_text(field: &str, value: &Value, extension: &Schema) -> Result<(), Invalid> {
    value_text(field, value, MAX_DEPTH, Parts::In(&extension.attributes))
}

/// `depth`: the levels that may be below. `parts`: what the schemas say of the value.
fn value_text(field: &str, value: &Value, depth: usize, parts: Parts<'_>) -> Result<(), Invalid> {
    let below = || {
        let left = depth.checked_sub(1);
        left.ok_or_else(|| Invalid::new(field, format!("at most {MAX_DEPTH} levels")))
    };
    match value {
        Value::String(value) if value.is_empty() => Ok(()),
        Value::String(value) if parts.has_lines() => lines(field, value, MAX_ATTRIBUTES),
        Value::String(value) => text(field, value, MAX_ATTRIBUTES),
        Value::Array(items) => {
            let below = below()?;
            items
                .iter()
                .try_for_each(|item| value_text(field, item, below, parts))
        }
        Value::Object(members) => {
            let below = below()?;
            members.iter().try_for_each(|(name, value)| {
                text(field, name, 256)?;
                value_text(field, value, below, parts.member(name))
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// SB-34: no line feed and no other control character reaches a mail, a log or an export.
fn text(field: &str, value: &str, max: usize) -> Result<(), Invalid> {
    if value.contains(['\n', '\r']) {
        return Err(Invalid::new(field, "control characters are not allowed"));
    }
    lines(field, value, max)
}

/// Text that may have line ends, as a postal address has (RFC 7643 §4.1.2).
fn lines(field: &str, value: &str, max: usize) -> Result<(), Invalid> {
    if value.is_empty() {
        return Err(Invalid::new(field, "must not be empty"));
    }
    if value.chars().count() > max {
        return Err(Invalid::new(field, format!("at most {max} characters")));
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r')) {
        return Err(Invalid::new(field, "control characters are not allowed"));
    }
    Ok(())
}
