//! The tree of configured values. Each value remembers its source, and deserializes as the type that is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{Origin, ReadError};
use super::map_access::{visit_map, visit_seq};
use crate::text::Text;

/// A configured value: a table, a list or a scalar.
#[derive(Clone, Debug)]
pub(super) enum ConfigValue {
    Table(BTreeMap<String, ConfigValue>),
    List(Vec<ConfigValue>),
    /// A TOML value that is neither a table nor a list.
    Scalar(toml::Value),
    /// The text of an environment variable. The target type decides how it is read.
    Text(String, Origin),
    /// The path of a file whose content is the value.
    FromFile(PathBuf, Origin),
}

impl ConfigValue {
    pub(super) fn origin(&self) -> Option<Origin> {
        match self {
            Self::Table(_) | Self::List(_) => None,
            Self::Scalar(_) => Some(Origin::File),
            Self::Text(_, origin) | Self::FromFile(_, origin) => Some(origin.clone()),
        }
    }

    /// Converts a TOML value; relative paths are relative to `folder`.
    pub(super) fn from_toml(value: toml::Value, folder: &Path) -> Result<Self, ReadError> {
        Ok(match value {
            toml::Value::Table(table) => {
                let mut entries = BTreeMap::new();
                for (key, value) in table {
                    let (key, value) = entry(key, value, folder)?;
                    if entries.insert(key.clone(), value).is_some() {
                        return Err(ReadError {
                            path: vec![key.clone()],
                            origin: Some(Origin::File),
                            missing: false,
                            problem: format!("both {key} and {key}_file are set"),
                        });
                    }
                }
                Self::Table(entries)
            }
            toml::Value::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(|item| Self::from_toml(item, folder))
                    .collect::<Result<_, _>>()?,
            ),
            other => Self::Scalar(other),
        })
    }

    /// Reads the file, if the value is the content of one.
    pub(super) fn resolve(self) -> Result<Self, ReadError> {
        match self {
            Self::FromFile(path, _) => Self::read_file(&path),
            other => Ok(other),
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text, _) | Self::Scalar(toml::Value::String(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn read_file(path: &Path) -> Result<Self, ReadError> {
        let refused = |problem: String| ReadError {
            path: Vec::new(),
            origin: Some(Origin::Secret(path.to_owned())),
            missing: false,
            problem,
        };
        let bytes =
            std::fs::read(path).map_err(|error| refused(format!("cannot read this file: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| refused("this file is not UTF-8".to_owned()))?;
        Ok(Self::Text(
            text.trim().to_owned(),
            Origin::Secret(path.to_owned()),
        ))
    }
}

/// The key and value of one TOML entry; `X_file = "PATH"` becomes `X`.
fn entry(key: String, value: toml::Value, folder: &Path) -> Result<(String, ConfigValue), ReadError> {
    match (key.strip_suffix("_file"), value) {
        (Some(plain), toml::Value::String(path)) if !plain.is_empty() => Ok((
            plain.to_owned(),
            ConfigValue::FromFile(folder.join(path), Origin::File),
        )),
        (_, value) => {
            let value = ConfigValue::from_toml(value, folder).map_err(|mut error| {
                error.path.push(key.clone());
                error
            })?;
            Ok((key, value))
        }
    }
}

/// Parses a list or table that was written as TOML into one variable.
fn structured(text: &str) -> Option<ConfigValue> {
    let trimmed = text.trim();
    if !trimmed.starts_with(['[', '{']) {
        return None;
    }
    let mut table: toml::Table = toml::from_str(&format!("value = {trimmed}")).ok()?;
    ConfigValue::from_toml(table.remove("value")?, Path::new("")).ok()
}

impl<'de> IntoDeserializer<'de, ReadError> for ConfigValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl ConfigValue {
    /// Parses a text that holds a list or table; returns every other value unchanged.
    fn expand(self) -> Self {
        match &self {
            Self::Text(text, _) => match structured(text) {
                Some(value) => value,
                None => self,
            },
            _ => self,
        }
    }
}

macro_rules! as_text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            match self {
                ConfigValue::Text(text, _) => Text::new(text).$method(visitor),
                other => other.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for ConfigValue {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self {
            Self::Table(entries) => visit_map(entries, visitor),
            Self::List(items) => visit_seq(items, visitor),
            Self::Scalar(toml::Value::Integer(value)) => visitor.visit_i64(value),
            Self::Scalar(toml::Value::Float(value)) => visitor.visit_f64(value),
            Self::Scalar(toml::Value::Boolean(value)) => visitor.visit_bool(value),
            Self::Scalar(toml::Value::String(value)) => visitor.visit_string(value),
            Self::Scalar(other) => visitor.visit_string(other.to_string()),
            Self::Text(text, _) => visitor.visit_string(text),
            Self::FromFile(path, _) => Self::read_file(&path)?.deserialize_any(visitor),
        }
    }

    as_text! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
        deserialize_char
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.expand() {
            Self::Text(text, origin) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let items = parts.map(|part| Self::Text(part.to_owned(), origin.clone()));
                visit_seq(items.collect(), visitor)
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.expand().deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.expand().deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self {
            Self::Scalar(toml::Value::String(text)) | Self::Text(text, _) => {
                Text::new(text).deserialize_enum(name, variants, visitor)
            }
            _ => Err(de::Error::unknown_variant("", variants)),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 str string bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }

    /// An ignored value is not read: the file of a secret is not opened.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }
}
