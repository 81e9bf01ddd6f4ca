//! Indexed attributes: the values of users by which filters and orders find them without looking at everybody.
//!
//! The table `user_values` has a row for each value of such an attribute. The function that writes a user writes them too; those
//! of users that another version wrote are filled in by [`fill`].

pub(super) mod fill;
pub(super) mod range;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use contract::{UserName, UserState};
use scim::schema::{
    AttributeRef, AttributeType, ENTERPRISE_USER, Instant, Referent, ResourceType, Uniqueness,
};
use serde_json::Value;

use super::resource::to_resource;
pub(super) use store::{Keyed, Position, after, before, delete, holder, ids, insert};

/// The characters of a text that an index holds. Longer texts are found by their beginning and compared whole after that.
pub(super) const MAX_KEY_CHARS: usize = 200;

/// The attributes of the standards that are indexed.
const STANDARD: [&str; 8] = [
    "userName",
    "externalId",
    "emails.value",
    "name.familyName",
    "name.givenName",
    "name.formatted",
    "displayName",
    "meta.lastModified",
];

/// A row of `user_values` without its user: the attribute and the key of its value.
pub(super) type Row = (String, String);

/// The form of the keys of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyForm {
    /// That of a user name (RFC 8265 §3.3).
    UserName,
    /// A text, in lower case unless case matters.
    Text,
    /// A whole number, as text of the same order.
    Integer,
    /// A time in microseconds, as text of the same order.
    Time,
}

/// An attribute whose values are indexed.
#[derive(Clone, Debug)]
pub(super) struct IndexedAttribute {
    /// The name, by which `user_values` knows it.
    pub(super) name: String,
    pub(super) attribute: AttributeRef,
    pub(super) form: KeyForm,
    /// True if no two users may have the same value.
    pub(super) unique: bool,
}

/// The indexed attributes of an installation: those of [`STANDARD`], the employee number, and the unique ones of the
/// configuration.
#[derive(Clone, Debug)]
pub(super) struct IndexedAttributes(Vec<IndexedAttribute>);

impl IndexedAttributes {
    pub(super) fn new(users: &ResourceType) -> Self {
        let mut names: Vec<(String, bool)> = STANDARD.map(|name| (name.to_owned(), false)).into();
        names.push((format!("{ENTERPRISE_USER}:employeeNumber"), false));
        for extension in &users.extensions {
            let unique = |it: &&scim::schema::Attribute| it.uniqueness != Uniqueness::None;
            let unique = extension.attributes.iter().filter(unique);
            names.extend(unique.map(|it| (format!("{}:{}", extension.id, it.name), true)));
        }
        let indexed = names.into_iter().filter_map(|(name, unique)| {
            let Some(Referent::Attribute(location)) = users.resolve(&name) else {
                return None;
            };
            let attribute = location.to_ref();
            let form = match attribute.data_type {
                _ if name == "userName" => KeyForm::UserName,
                AttributeType::Integer => KeyForm::Integer,
                AttributeType::DateTime => KeyForm::Time,
                _ => KeyForm::Text,
            };
            Some(IndexedAttribute {
                name,
                attribute,
                form,
                unique,
            })
        });
        Self(indexed.collect())
    }

    /// The names.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(|indexed| indexed.name.as_str()).collect()
    }

    /// The indexed attribute that is referred to. A complex attribute stands for its sub-attribute `value`.
    pub(super) fn find(&self, attribute: &AttributeRef) -> Option<&IndexedAttribute> {
        let sub = match (&attribute.sub, attribute.data_type) {
            (None, AttributeType::Complex) => Some("value"),
            (sub, _) => sub.as_deref(),
        };
        self.0.iter().find(|indexed| {
            let known = &indexed.attribute;
            known.schema == attribute.schema && known.name == attribute.name && known.sub.as_deref() == sub
        })
    }

    /// The rows of a user.
    pub(super) fn rows_of(&self, state: &UserState, users: &ResourceType) -> BTreeSet<Row> {
        let resource = to_resource(state, users, "");
        let rows = self.0.iter().flat_map(|indexed| {
            let keys = indexed.keys(&resource);
            keys.map(|key| (indexed.name.clone(), key))
        });
        rows.collect()
    }

    /// True if there is an attribute of which no two users may have the same value.
    pub(super) fn has_unique(&self) -> bool {
        self.0.iter().any(|indexed| indexed.unique)
    }

    /// True if no two users may have the value of this row.
    pub(super) fn is_unique(&self, row: &Row) -> bool {
        self.0
            .iter()
            .any(|indexed| indexed.unique && indexed.name == row.0)
    }
}

impl IndexedAttribute {
    /// The keys of the values that a resource has.
    pub(super) fn keys<'a>(&'a self, resource: &'a Value) -> impl Iterator<Item = String> + 'a {
        let holder = match &self.attribute.schema {
            Some(urn) => resource.get(urn),
            None => Some(resource),
        };
        let value = holder.and_then(|holder| holder.get(&self.attribute.name));
        let (list, one) = match value {
            Some(Value::Array(items)) => (items.as_slice(), None),
            one => (&[] as &[Value], one),
        };
        let values = list
            .iter()
            .chain(one)
            .filter_map(|value| match &self.attribute.sub {
                Some(sub) => value.get(sub),
                None => Some(value),
            });
        values.filter_map(|value| self.key(value))
    }

    fn key(&self, value: &Value) -> Option<String> {
        match (self.form, value) {
            (KeyForm::UserName, Value::String(text)) => Some(user_name_key(text)),
            (KeyForm::Text, Value::String(text)) => {
                Some(shorten(&self.folded(text)).to_owned()).filter(|key| !key.is_empty())
            }
            (KeyForm::Integer, Value::Number(number)) => number.as_i64().map(integer_key),
            (KeyForm::Time, Value::String(text)) => Some(integer_key(micros(Instant::parse(text)?)?)),
            _ => None,
        }
    }

    /// A text as this attribute compares it (RFC 7643 §2.2, `caseExact`).
    pub(super) fn folded(&self, text: &str) -> String {
        match self.attribute.case_exact {
            true => text.to_owned(),
            false => text.to_lowercase(),
        }
    }
}

/// The key of a user name, or of a text that cannot be one.
pub(super) fn user_name_key(text: &str) -> String {
    match text.parse::<UserName>() {
        Ok(name) => name.key().to_owned(),
        Err(_) => shorten(&text.to_lowercase()).to_owned(),
    }
}

/// The first [`MAX_KEY_CHARS`] characters.
pub(super) fn shorten(text: &str) -> &str {
    match text.char_indices().nth(MAX_KEY_CHARS) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

/// A whole number as text of the same order.
pub(super) fn integer_key(number: i64) -> String {
    format!("{:016x}", number.cast_unsigned() ^ (1 << 63))
}

/// Whole microseconds since 1970 UTC.
pub(super) fn micros(time: Instant) -> Option<i64> {
    i64::try_from(time.0.div_euclid(1000)).ok()
}
