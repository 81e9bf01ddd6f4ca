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

/// A member whose absence is told from its default.
const REQUIRE_CONSENT: &str = "require_consent";

/// The names of all members: `more`, then those of [`ClientMetadata`] in their order. They are read from the type itself, so
/// that a new member of the metadata is listed nowhere else.
pub fn extended_members(more: &'static str) -> Vec<&'static str> {
    let mut members = vec![more];
    // The probe fails always: it has the names by then, and no value.
    let _ = ClientMetadata::deserialize(FieldProbe(&mut members));
    members
}

/// A deserializer without a value, which notes the fields of the struct that asks it for one.
struct FieldProbe<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for FieldProbe<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("expected a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.extend(fields);
        Err(Self::Error::custom("there is no value"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Client metadata with one more member.
#[derive(Clone, Debug)]
pub struct Extended<T> {
    /// The value of the additional member.
    pub more: Option<T>,
    /// The metadata.
    pub metadata: ClientMetadata,
    /// True if `require_consent` has a value. Null does not count.
    pub says_consent: bool,
}

/// Deserializes client metadata from a map that may have one more member: the first of `members`, which are
/// [`extended_members`]. It may be null or left out.
///
/// # Errors
/// Those of [`ClientMetadata`], and of the value of the additional member.
pub fn deserialize_extended<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    members: &'static [&'static str],
) -> Result<Extended<T>, D::Error> {
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
    members: &'static [&'static str],
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ExtendedVisitor<T> {
    type Value = Extended<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let (mut more, mut says_consent) = (None, false);
        let metadata = ClientMetadata::deserialize(MapAccessDeserializer::new(ExtendedMap {
            map,
            members: self.members,
            more: &mut more,
            is_consent: false,
            says_consent: &mut says_consent,
        }))?;
        Ok(Extended {
            more: more.flatten(),
            metadata,
            says_consent,
        })
    }
}

/// The entries of a map without the additional member, whose value goes to `more`.
struct ExtendedMap<'a, A, T> {
    map: A,
    members: &'static [&'static str],
    more: &'a mut Option<Option<T>>,
    /// True if the next value is that of `require_consent`.
    is_consent: bool,
    says_consent: &'a mut bool,
}

impl<'de, A: MapAccess<'de>, T: Deserialize<'de>> MapAccess<'de> for ExtendedMap<'_, A, T> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(&name) = self.members.first() else {
            return Err(A::Error::custom("there is no additional member"));
        };
        while let Some(key) = self.map.next_key::<String>()? {
            if key != name {
                if !self.members.contains(&key.as_str()) {
                    return Err(A::Error::unknown_field(&key, self.members));
                }
                self.is_consent = key == REQUIRE_CONSENT;
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
        if !std::mem::take(&mut self.is_consent) {
            return self.map.next_value_seed(seed);
        }
        let said: Option<bool> = self.map.next_value()?;
        *self.says_consent = said.is_some();
        seed.deserialize(said.map_or(Value::Null, Value::Bool))
            .map_err(A::Error::custom)
    }
}
