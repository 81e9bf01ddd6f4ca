//! Form bodies, query strings and path parameters: pairs of text, each name once.

use ::http::StatusCode;
use ::http::request::Parts;
use axum::extract::{FromRequest, FromRequestParts, Request};
use oidc::params::decode_bytes;
use serde::de::value::{Error as ValueError, MapDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::json::field_and_detail;
use super::{Problem, body};
use crate::text::Text;

/// The maximum number of fields of a form or a query.
pub(super) const MAX_FIELDS: usize = 64;

/// An extractor for a form body, `application/x-www-form-urlencoded`. A repeated parameter is refused (RFC 6749 §3.1), and
/// so is one that `T` does not know, if `T` is `#[serde(deny_unknown_fields)]`.
#[derive(Clone, Copy, Debug)]
pub struct Form<T>(pub T);

/// An extractor for a query string, as strict as [`Form`].
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// An extractor for path parameters. A value that does not fit its type is 404.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Pairs::from_request(request, state).await?.read().map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Pairs::parse(parts.uri.query().unwrap_or_default().as_bytes())?
            .read()
            .map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(_) => Err(Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found")
                .detail("An id in the path is not one.")),
        }
    }
}

/// Names and values of a form or a query, each name once, in order. The extractor reads a form body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Pairs {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        body::check_type(
            request.headers(),
            "application/x-www-form-urlencoded",
            |essence| essence == "application/x-www-form-urlencoded",
        )?;
        Self::parse(&body::read(request).await?)
    }
}

impl Pairs {
    /// Parses `name=value&…` (WHATWG URL §5.1), but refuses what that standard accepts: bad percent-encoding, bad UTF-8,
    /// U+0000, a repeated name, and more than 64 names. Parsing stops at the first error, so that the comparison of names
    /// costs linear time.
    ///
    /// # Errors
    /// The problem to respond with; it names the parameter and never repeats a value.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            // SB-43
            if pairs.len() == MAX_FIELDS {
                return Err(Problem::bad_request(format!(
                    "There are more than {MAX_FIELDS} parameters."
                )));
            }
            let middle = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(middle);
            let name = decode(name)
                .map_err(|reason| Problem::bad_request(format!("The name of a parameter {reason}.")))?;
            let value = decode(value.get(1..).unwrap_or_default())
                .map_err(|reason| parameter_problem(&name, &reason))?;
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(parameter_problem(&name, "is there twice"));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Deserializes the pairs as `T`: texts, numbers, booleans, options and enums of names.
    ///
    /// # Errors
    /// 422, with the parameter that does not fit.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Problem> {
        let pairs = self.0.into_iter().map(|(name, value)| (name, Value(value)));
        serde_path_to_error::deserialize(MapDeserializer::new(pairs)).map_err(|error| {
            let path = error.path().to_string();
            let (field, detail) = field_and_detail(&path, &error.into_inner().to_string());
            Problem::invalid().field(field, detail)
        })
    }
}

fn parameter_problem(name: &str, reason: &str) -> Problem {
    Problem::bad_request(format!("The parameter {name} {reason}.")).field(name, reason)
}

fn decode(bytes: &[u8]) -> Result<String, String> {
    let text = decode_bytes(bytes).map_err(|error| error.to_string())?;
    if text.contains('\0') {
        return Err("contains the character U+0000".to_owned());
    }
    Ok(text)
}

struct Value(String);

impl<'de> IntoDeserializer<'de, ValueError> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! as_text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            Text::new(self.0).$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value {
    type Error = ValueError;

    as_text! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
        deserialize_char deserialize_option
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        Text::new(self.0).deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        Text::new(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
