//! Lists and tables of settings, as serde walks through them; an error learns here where it happened.

use std::collections::{BTreeMap, btree_map};

use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};

use super::error::{Failure, Origin};
use super::node::Node;

pub(super) fn visit_list<'de, V: Visitor<'de>>(items: Vec<Node>, visitor: V) -> Result<V::Value, Failure> {
    let mut list = SeqDeserializer::new(items.into_iter());
    let value = visitor.visit_seq(&mut list)?;
    list.end()?;
    Ok(value)
}

pub(super) fn visit_table<'de, V: Visitor<'de>>(
    nodes: BTreeMap<String, Node>,
    visitor: V,
) -> Result<V::Value, Failure> {
    let origins: BTreeMap<String, Option<Origin>> = nodes
        .iter()
        .map(|(key, node)| (key.clone(), deepest_origin(node)))
        .collect();
    let table = Table {
        rest: nodes.into_iter(),
        value: None,
    };
    visitor.visit_map(table).map_err(|mut failure| {
        // The visitor itself refused: a key that nobody knows, or one that is missing.
        if failure.origin.is_none() {
            failure.origin = failure
                .path
                .last()
                .and_then(|key| origins.get(key).cloned().flatten());
        }
        failure
    })
}

/// The variable that made a table, if no file did.
fn deepest_origin(node: &Node) -> Option<Origin> {
    match node {
        Node::Table(nodes) => nodes.values().find_map(deepest_origin),
        Node::List(items) => items.iter().find_map(deepest_origin),
        leaf => leaf.origin(),
    }
}

struct Table {
    rest: btree_map::IntoIter<String, Node>,
    value: Option<(String, Node)>,
}

impl<'de> MapAccess<'de> for Table {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some((key, node)) = self.rest.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(IntoDeserializer::<Failure>::into_deserializer(key.as_str()))?;
        self.value = Some((key, node));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let Some((key, node)) = self.value.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        let origin = node.origin();
        let read = node.resolve().and_then(|node| {
            let text = node.text();
            seed.deserialize(node)
                .map_err(|failure| failure.without(text.as_deref()))
        });
        read.map_err(|mut failure| {
            failure.path.push(key);
            if failure.origin.is_none() {
                failure.origin = origin;
            }
            failure
        })
    }
}
