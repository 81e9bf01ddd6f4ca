//! Indexed attributes: the values of users by which filters and orders find them without looking at everybody.
//!
//! The table `user_values` has a row for each value of such an attribute. The function that writes a user writes them too; those
//! of users that another version wrote are filled in by [`fill`].

mod changes;
pub(super) mod fill;
pub(super) mod range;
mod store;
#[cfg(test)]
mod tests;
pub(super) mod words;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use contract::{UserName, UserState};
use scim::schema::{
    AttributeRef, AttributeType, ENTERPRISE_USER, Instant, Referent, ResourceType, Uniqueness,
};
use serde_json::Value;

use super::resource::to_resource;
pub(super) use store::{Keyed, Position, after, before, delete, holder, ids, insert, insert_all};
#[cfg(test)]
pub(crate) use tests::assert_index_agrees;

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

/// The indexed attributes of an installation: those of [`STANDARD`], the employee number, and those of the configuration that are
/// unique or marked.
#[derive(Clone, Debug)]
pub(super) struct IndexedAttributes {
    all: Vec<IndexedAttribute>,
    /// The names of those whose rows are not complete yet: no search uses them.
    filling: Arc<RwLock<BTreeSet<String>>>,
}

impl IndexedAttributes {
    pub(super) fn new(users: &ResourceType) -> Self {
        let mut names: Vec<(String, bool)> = STANDARD.map(|name| (name.to_owned(), false)).into();
        names.push((format!("{ENTERPRISE_USER}:employeeNumber"), false));
        for extension in &users.extensions {
            for attribute in &extension.attributes {
                let (name, unique) = (
                    format!("{}:{}", extension.id, attribute.name),
                    attribute.uniqueness != Uniqueness::None,
                );
                let subs = attribute.sub.iter().filter(|sub| sub.indexed);
                names.extend(subs.map(|sub| (format!("{name}.{}", sub.name), false)));
                if unique || attribute.indexed {
                    names.push((name, unique));
                }
            }
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
        Self {
            all: indexed.collect(),
            filling: Arc::default(),
        }
    }

    /// The names.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.all.iter().map(|indexed| indexed.name.as_str()).collect()
    }

    /// The names of everything that rows are written for: the attributes, and the words of text searches.
    fn written(&self) -> BTreeSet<&str> {
        let mut names = self.names();
        names.insert(words::WORDS);
        names
    }

    /// The indexed attribute that is referred to, if its rows are complete. A complex attribute stands for its sub-attribute `value`.
    pub(super) fn find(&self, attribute: &AttributeRef) -> Option<&IndexedAttribute> {
        self.find_any(attribute)
            .filter(|indexed| !self.is_filling(&indexed.name))
    }

    /// True if an attribute, or the words of text searches ([`words::WORDS`]), has rows that are not complete yet.
    pub(super) fn is_filling(&self, name: &str) -> bool {
        let filling = self.filling.read().unwrap_or_else(PoisonError::into_inner);
        filling.contains(name)
    }

    /// True if an attribute is indexed, and its rows are not complete yet.
    pub(super) fn is_incomplete(&self, attribute: &AttributeRef) -> bool {
        self.find_any(attribute)
            .is_some_and(|indexed| self.is_filling(&indexed.name))
    }

    /// Notes the attributes whose rows are not complete yet.
    fn set_filling(&self, names: BTreeSet<String>) {
        *self.filling.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    fn find_any(&self, attribute: &AttributeRef) -> Option<&IndexedAttribute> {
        let sub = match (&attribute.sub, attribute.data_type) {
            (None, AttributeType::Complex) => Some("value"),
            (sub, _) => sub.as_deref(),
        };
        self.all.iter().find(|indexed| {
            let known = &indexed.attribute;
            known.schema == attribute.schema && known.name == attribute.name && known.sub.as_deref() == sub
        })
    }

    /// The rows of a user.
    pub(super) fn rows_of(&self, state: &UserState, users: &ResourceType) -> BTreeSet<Row> {
        let resource = to_resource(state, users, "");
        let rows = self.all.iter().flat_map(|indexed| {
            let keys = indexed.keys(&resource);
            keys.map(|key| (indexed.name.clone(), key))
        });
        rows.chain(words::UserWords::of(state).rows()).collect()
    }

    /// True if there is an attribute of which no two users may have the same value.
    pub(super) fn has_unique(&self) -> bool {
        self.all.iter().any(|indexed| indexed.unique)
    }

    /// True if no two users may have the value of this row.
    pub(super) fn is_unique(&self, row: &Row) -> bool {
        self.all
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
