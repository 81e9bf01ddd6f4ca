//! serde access to lists and tables of configured values. Errors receive their key and source here.

use std::collections::{BTreeMap, btree_map};

use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};

use super::error::{Origin, ReadError};
use super::value::ConfigValue;

pub(super) fn visit_seq<'de, V: Visitor<'de>>(
    items: Vec<ConfigValue>,
    visitor: V,
) -> Result<V::Value, ReadError> {
    let mut list = SeqDeserializer::new(items.into_iter());
    let value = visitor.visit_seq(&mut list)?;
    list.end()?;
    Ok(value)
}

pub(super) fn visit_map<'de, V: Visitor<'de>>(
    entries: BTreeMap<String, ConfigValue>,
    visitor: V,
) -> Result<V::Value, ReadError> {
    let origins: BTreeMap<String, Option<Origin>> = entries
        .iter()
        .map(|(key, value)| (key.clone(), deepest_origin(value)))
        .collect();
    let table = ConfigMapAccess {
        rest: entries.into_iter(),
        value: None,
    };
    visitor.visit_map(table).map_err(|mut error| {
        // The visitor itself refused: an unknown key, or a missing one.
        if error.origin.is_none() {
            error.origin = error
                .path
                .last()
                .and_then(|key| origins.get(key).cloned().flatten());
        }
        error
    })
}

/// The source of the first value in a tree: the variable that made a table, if no file did.
fn deepest_origin(value: &ConfigValue) -> Option<Origin> {
    match value {
        ConfigValue::Table(entries) => entries.values().find_map(deepest_origin),
        ConfigValue::List(items) => items.iter().find_map(deepest_origin),
        leaf => leaf.origin(),
    }
}

struct ConfigMapAccess {
    rest: btree_map::IntoIter<String, ConfigValue>,
    value: Option<(String, ConfigValue)>,
}

impl<'de> MapAccess<'de> for ConfigMapAccess {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(IntoDeserializer::<ReadError>::into_deserializer(key.as_str()))?;
        self.value = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some((key, value)) = self.value.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        let origin = value.origin();
        let read = value.resolve().and_then(|value| {
            let text = value.text();
            seed.deserialize(value)
                .map_err(|error| error.without_value(text.as_deref()))
        });
        read.map_err(|mut error| {
            error.path.push(key);
            if error.origin.is_none() {
                error.origin = origin;
            }
            error
        })
    }
}
