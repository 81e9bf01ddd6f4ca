//! Client metadata with one more member, such as `client_secret` in the configuration (RFC 7591 §3.2.1).
//!
//! `#[serde(flatten)]` would do the same, but its errors do not name the member, and it reads every value before its type
//! is known, so that the text of an environment variable could not become a list.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, de::Error as _};
use serde_json::Value;

use super::ClientMetadata;

/// The members of [`ClientMetadata`].
const MEMBERS: [&str; 9] = [
    "client_name",
    "redirect_uris",
    "post_logout_redirect_uris",
    "grant_types",
    "scope",
    "token_endpoint_auth_method",
    "id_token_signed_response_alg",
    "audiences",
    "require_pkce",
];

/// The names of all members: `more`, then those of [`ClientMetadata`].
pub const fn extended_members(more: &'static str) -> [&'static str; 10] {
    let [a, b, c, d, e, f, g, h, i] = MEMBERS;
    [more, a, b, c, d, e, f, g, h, i]
}

/// Deserializes client metadata from a map that may have one more member: the first of `members`, which are
/// [`extended_members`]. It may be null or left out.
///
/// # Errors
/// Those of [`ClientMetadata`], and of the value of the additional member.
pub fn deserialize_extended<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    members: &'static [&'static str; 10],
) -> Result<(Option<T>, ClientMetadata), D::Error> {
    deserializer.deserialize_map(ExtendedVisitor {
        members,
        value: PhantomData,
    })
}

/// The JSON Schema of client metadata with one more member, a text.
pub fn extended_schema(generator: &mut SchemaGenerator, more: &str, description: &str) -> Schema {
    let mut schema = ClientMetadata::json_schema(generator);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let member = serde_json::json!({ "description": description, "type": ["string", "null"] });
        properties.insert(more.to_owned(), member);
    }
    schema
}

struct ExtendedVisitor<T> {
    members: &'static [&'static str; 10],
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ExtendedVisitor<T> {
    type Value = (Option<T>, ClientMetadata);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut more = None;
        let metadata = ClientMetadata::deserialize(MapAccessDeserializer::new(ExtendedMap {
            map,
            members: self.members,
            more: &mut more,
        }))?;
        Ok((more.flatten(), metadata))
    }
}

/// The entries of a map without the additional member, whose value goes to `more`.
struct ExtendedMap<'a, A, T> {
    map: A,
    members: &'static [&'static str; 10],
    more: &'a mut Option<Option<T>>,
}

impl<'de, A: MapAccess<'de>, T: Deserialize<'de>> MapAccess<'de> for ExtendedMap<'_, A, T> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let [name, ..] = *self.members;
        while let Some(key) = self.map.next_key::<String>()? {
            if key != name {
                if !self.members.contains(&key.as_str()) {
                    return Err(A::Error::unknown_field(&key, self.members));
                }
                let key: de::value::StringDeserializer<A::Error> = key.into_deserializer();
                return seed.deserialize(key).map(Some);
            }
            if self.more.is_some() {
                return Err(A::Error::duplicate_field(name));
            }
            *self.more = Some(self.map.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
