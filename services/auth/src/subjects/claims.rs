//! The values of claims about a subject (OpenID Connect Core §5.1), from the state of the user: its fields, and the attributes of SCIM
//! that travel with it.

use std::collections::BTreeMap;

use contract::{Email, UserState};
use serde_json::{Map, Value};

use super::Subject;

/// Vestibule's SCIM extension for the claims that no attribute of RFC 7643 carries.
const PROFILE_EXTENSION: &str = "urn:vestibule:params:scim:schemas:extension:profile:1.0:User";

/// Vestibule's SCIM extension for the attributes that the configuration of the user service defines singly.
const CONFIGURED_EXTENSION: &str = "urn:vestibule:params:scim:schemas:extension:configured:1.0:User";

/// The members of the claim `address` (OpenID Connect Core §5.1.1), and their attributes (RFC 7643 §4.1.2).
const ADDRESS: [(&str, &str); 6] = [
    ("formatted", "formatted"),
    ("street_address", "streetAddress"),
    ("locality", "locality"),
    ("region", "region"),
    ("postal_code", "postalCode"),
    ("country", "country"),
];

/// An attribute of a user, by its SCIM path: `title`, `costCenter`, `addresses.country`, or `URN:department` in an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath {
    schema: Option<String>,
    name: String,
    sub: Option<String>,
}

impl AttributePath {
    /// Parses a path; `None` when it cannot be one.
    pub fn parse(path: &str) -> Option<Self> {
        let (schema, rest) = match path.get(..4).filter(|start| start.eq_ignore_ascii_case("urn:")) {
            Some(_) => path
                .rsplit_once(':')
                .map(|(schema, rest)| (Some(schema.to_owned()), rest))?,
            None => (None, path),
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name
                    .chars()
                    .all(|char| char.is_ascii_alphanumeric() || "-_$".contains(char))
        };
        (is_name(name) && sub.is_none_or(is_name)).then(|| Self {
            schema,
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// The value for a user. A list stays a list; of complex values the members `sub`.
    fn value(&self, state: &UserState) -> Option<Value> {
        let attributes = &state.attributes;
        let value = match &self.schema {
            Some(schema) => attributes.get(schema)?.get(&self.name)?,
            None => attributes
                .get(&self.name)
                .or_else(|| attributes.get(CONFIGURED_EXTENSION)?.get(&self.name))?,
        };
        match (&self.sub, value) {
            (None, value) => Some(value.clone()),
            (Some(sub), Value::Array(items)) => {
                let values: Vec<Value> = items.iter().filter_map(|item| item.get(sub).cloned()).collect();
                (!values.is_empty()).then_some(Value::Array(values))
            }
            (Some(sub), value) => value.get(sub).cloned(),
        }
    }
}

/// The claims of the configuration, each with its attribute.
pub type ConfiguredClaims = BTreeMap<String, AttributePath>;

/// The value of the claim `name` about a subject. A claim of the configuration takes the place of one of the standard.
pub(crate) fn value(subject: &Subject, configured: &ConfiguredClaims, name: &str) -> Option<Value> {
    match configured.get(name) {
        Some(path) => path.value(&subject.claims),
        None => standard(subject, name),
    }
}

fn standard(subject: &Subject, name: &str) -> Option<Value> {
    let state = &subject.claims;
    let text = |text: &Option<String>| text.clone().map(Value::from);
    match name {
        "name" => full_name(state).map(Value::from),
        "given_name" => text(&state.name.given_name),
        "family_name" => text(&state.name.family_name),
        "middle_name" => text(&state.name.middle_name),
        "nickname" => attribute(state, "nickName").cloned(),
        "preferred_username" => Some(subject.user_name.clone().into()),
        "profile" => attribute(state, "profileUrl").cloned(),
        "picture" => preferred(state, "photos")?.get("value").cloned(),
        "website" | "gender" | "birthdate" => attribute(state, PROFILE_EXTENSION)?.get(name).cloned(),
        "zoneinfo" => text(&state.zoneinfo),
        "locale" => text(&state.locale),
        "updated_at" => Some(state.updated_at.as_secs().into()),
        "email" => Some(email(state)?.value.as_str().into()),
        "email_verified" => Some(email(state)?.verified.into()),
        "phone_number" => preferred(state, "phoneNumbers")?.get("value").cloned(),
        "phone_number_verified" => {
            preferred(state, "phoneNumbers")?;
            let verified = attribute(state, PROFILE_EXTENSION).and_then(|it| it.get("phoneNumberVerified"));
            Some(verified.cloned().unwrap_or(Value::Bool(false)))
        }
        "address" => address(preferred(state, "addresses")?),
        "groups" => Some(subject.groups.clone().into()),
        _ => None,
    }
}

fn attribute<'a>(state: &'a UserState, name: &str) -> Option<&'a Value> {
    state.attributes.get(name).filter(|value| !value.is_null())
}

/// The full name for display: as the person writes it, as it is shown to others, or its parts.
fn full_name(state: &UserState) -> Option<String> {
    let name = &state.name;
    if let Some(formatted) = &name.formatted {
        return Some(formatted.clone());
    }
    if let Some(shown) = attribute(state, "displayName").and_then(Value::as_str) {
        return Some(shown.to_owned());
    }
    let parts = [&name.given_name, &name.middle_name, &name.family_name];
    let parts: Vec<&str> = parts.into_iter().filter_map(|part| part.as_deref()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The address to write to, or the first.
fn email(state: &UserState) -> Option<&Email> {
    let emails = &state.emails;
    emails.iter().find(|email| email.primary).or(emails.first())
}

/// The primary value of a multi-valued attribute, or the first (RFC 7643 §2.4).
fn preferred<'a>(state: &'a UserState, name: &str) -> Option<&'a Value> {
    let items = attribute(state, name)?.as_array()?;
    let primary = |item: &&Value| item.get("primary") == Some(&Value::Bool(true));
    items.iter().find(primary).or(items.first())
}

fn address(value: &Value) -> Option<Value> {
    let claim: Map<String, Value> = ADDRESS
        .iter()
        .filter_map(|(member, sub)| Some(((*member).to_owned(), value.get(sub)?.clone())))
        .collect();
    (!claim.is_empty()).then_some(Value::Object(claim))
}
