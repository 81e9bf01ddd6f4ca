//! The limits of what may be stored of a person.

use std::collections::BTreeMap;

use contract::{Email, MAX_NAME_LENGTH, PersonName, UserState, is_language_tag};
use scim::schema::{Attribute, CORE_USER, Registry, TextForm, canonicalize};
use serde_json::{Map, Value};

/// E-mail addresses at most.
pub(crate) const MAX_EMAILS: usize = 20;
/// Levels of objects and lists in an attribute at most: a reader that stops at some depth can still read the record, in a
/// list of events too.
pub(crate) const MAX_DEPTH: usize = 16;
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
}

/// Holds a person against the limits.
///
/// # Errors
/// The first value that does not fit.
pub(crate) fn check(state: &UserState) -> Result<(), Invalid> {
    check_beside(state, None)
}

/// Holds the new state of a person against the limits. An attribute that the person has keeps its name, though it would be
/// refused today.
///
/// # Errors
/// The first value that does not fit.
pub(super) fn check_change(old: &UserState, new: &UserState) -> Result<(), Invalid> {
    check_beside(new, Some(old))
}

fn check_beside(state: &UserState, old: Option<&UserState>) -> Result<(), Invalid> {
    check_name(&state.name)?;
    check_emails(&state.emails)?;
    // What a user has stays, though it would be refused today.
    let kept = old.and_then(|old| old.locale.as_ref());
    if let Some(locale) = &state.locale
        && kept != Some(locale)
        && !is_language_tag(locale)
    {
        return Err(Invalid::new("locale", "expected a language tag such as fr-CH"));
    }
    if let Some(zone) = &state.zoneinfo {
        check_zone(zone)?;
    }
    check_attributes(state, old.map_or(&BTreeMap::new(), |old| &old.attributes))
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

fn check_attributes(state: &UserState, known: &BTreeMap<String, Value>) -> Result<(), Invalid> {
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
            check_attribute_name(name)?;
        }
        let standard = standard(name).filter(|attribute| attribute.name == *name);
        value_text(&format!("attributes.{name}"), value, MAX_DEPTH, standard)?;
        if let Some(standard) = standard {
            check_standard(standard, value)?;
        }
    }
    Ok(())
}

/// Case does not matter in the names of SCIM (RFC 7643 §2.1), so it does not help anybody past a guarded one.
fn check_attribute_name(name: &str) -> Result<(), Invalid> {
    let place = || format!("attributes.{name}");
    if FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name)) {
        return Err(Invalid::new(
            place(),
            "is a field of the record, not an attribute",
        ));
    }
    match standard(name) {
        Some(standard) if standard.name != name => Err(Invalid::new(
            place(),
            format!("is spelled {} in {CORE_USER}", standard.name),
        )),
        _ => Ok(()),
    }
}

/// The attribute of the SCIM standard with this name, without regard to case.
fn standard(name: &str) -> Option<&'static Attribute> {
    let users = Registry::standard().users();
    match name.eq_ignore_ascii_case("externalId") {
        true => users.find(name),
        false => users.schema.find(name),
    }
}

/// An attribute that the SCIM standard names has the standard's shape, so that `/scim/v2` can show it.
fn check_standard(attribute: &Attribute, value: &Value) -> Result<(), Invalid> {
    let name = attribute.name.as_str();
    let one = Map::from_iter([(name.to_owned(), value.clone())]);
    match canonicalize(&one, std::slice::from_ref(attribute), "attributes") {
        Ok(same) if same.get(name) == Some(value) => Ok(()),
        Ok(_) => Err(Invalid::new(
            format!("attributes.{name}"),
            format!("does not have the form that {CORE_USER} gives it"),
        )),
        Err(refused) => Err(Invalid::new(format!("attributes.{name}"), refused.detail)),
    }
}

/// `depth`: the levels that may be below. `standard`: what the SCIM standard says of the value.
fn value_text(field: &str, value: &Value, depth: usize, standard: Option<&Attribute>) -> Result<(), Invalid> {
    let below = || {
        let left = depth.checked_sub(1);
        left.ok_or_else(|| Invalid::new(field, format!("at most {MAX_DEPTH} levels")))
    };
    match value {
        Value::String(value) if value.is_empty() => Ok(()),
        Value::String(value) if standard.is_some_and(|attribute| attribute.form == TextForm::Lines) => {
            lines(field, value, MAX_ATTRIBUTES)
        }
        Value::String(value) => text(field, value, MAX_ATTRIBUTES),
        Value::Array(items) => {
            let below = below()?;
            items
                .iter()
                .try_for_each(|item| value_text(field, item, below, standard))
        }
        Value::Object(members) => {
            let below = below()?;
            members.iter().try_for_each(|(name, value)| {
                text(field, name, 256)?;
                let part = standard.and_then(|whole| whole.sub.iter().find(|part| part.name == *name));
                value_text(field, value, below, part)
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

/// The form of a name in the database of time zones, of 64 characters at most.
fn check_zone(zone: &str) -> Result<(), Invalid> {
    let fits = (1..=64).contains(&zone.len())
        && zone
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/_+-".contains(c));
    match fits {
        true => Ok(()),
        false => Err(Invalid::new(
            "zoneinfo",
            "expected a time zone such as Europe/Paris",
        )),
    }
}
