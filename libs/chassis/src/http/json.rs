//! JSON bodies and responses (RFC 8259), parsed strictly.

use std::collections::HashSet;
use std::fmt;

use ::http::header::{CONTENT_TYPE, HeaderValue};
use ::http::{Response, StatusCode};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{Problem, body};

/// A JSON body or response. The extractor refuses another content type (415), bad UTF-8, malformed JSON, a repeated member
/// (400), and values that `T` does not accept (422); each refusal names the field. `T` should be
/// `#[serde(deny_unknown_fields)]`, so that a misspelt member is refused as well.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        body::check_type(request.headers(), "application/json", |essence| {
            essence == "application/json"
                || (essence.starts_with("application/") && essence.ends_with("+json"))
        })?;
        parse_json(&body::read(request).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let mut response = Response::new(Body::from(bytes));
                response
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// Parses a whole JSON text as strictly as [`Json`] does.
///
/// # Errors
/// The problem to respond with. It names the field and never repeats a value.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        malformed(format!(
            "The body is not UTF-8: byte {} is wrong.",
            error.valid_up_to() + 1
        ))
    })?;
    check_strictly(text)?;
    // Every body here is an object; serde would also accept an array of a struct's fields in their order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Problem::invalid().field("(body)", "expected a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let (field, detail) = field_and_detail(&path, &error.into_inner().to_string());
        Problem::invalid().field(field, detail)
    })
}

fn malformed(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON").detail(detail)
}

/// 2^53: from here on not every whole number has an exact 64-bit float (IEEE 754).
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// Checks what serde accepts: repeated members, U+0000 in a text, numbers that would be rounded, anything after the end.
fn check_strictly(text: &str) -> Result<(), Problem> {
    if text.trim_ascii().is_empty() {
        return Err(malformed("The body is empty.".to_owned()));
    }
    let mut violation = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome = StrictCheck {
        path: &mut String::new(),
        violation: &mut violation,
    }
    .deserialize(&mut deserializer)
    .and_then(|()| deserializer.end());
    match (outcome, violation) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(StrictnessError { field, detail })) => {
            Err(Problem::bad_request(format!("{field} {detail}.")).field(field, detail))
        }
        (Err(error), None) => Err(malformed(format!("The JSON is malformed: {error}."))),
    }
}

struct StrictnessError {
    field: String,
    detail: &'static str,
}

struct StrictCheck<'a> {
    path: &'a mut String,
    violation: &'a mut Option<StrictnessError>,
}

impl StrictCheck<'_> {
    fn refuse<E: de::Error>(self, detail: &'static str) -> E {
        let field = if self.path.is_empty() { "(body)" } else { self.path };
        *self.violation = Some(StrictnessError {
            field: field.to_owned(),
            detail,
        });
        E::custom(detail)
    }
}

impl<'de> DeserializeSeed<'de> for StrictCheck<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictCheck<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    // A number that does not fit into 64 bits arrives here as the nearest float, which is another number than was sent.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        if number.abs() >= EXACT_BELOW {
            return Err(self.refuse("is a number that cannot be kept exactly"));
        }
        Ok(())
    }

    // PostgreSQL cannot store U+0000 in a text, and no name or address has one.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            return Err(self.refuse("contains the character U+0000"));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let length = self.path.len();
        for index in 0.. {
            self.path.push_str(&format!("[{index}]"));
            let item = StrictCheck {
                path: &mut *self.path,
                violation: &mut *self.violation,
            };
            if items.next_element_seed(item)?.is_none() {
                break;
            }
            self.path.truncate(length);
        }
        self.path.truncate(length);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let length = self.path.len();
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            if !seen.insert(name) {
                return Err(self.refuse("is there twice"));
            }
            members.next_value_seed(StrictCheck {
                path: &mut *self.path,
                violation: &mut *self.violation,
            })?;
            self.path.truncate(length);
        }
        Ok(())
    }
}

/// Extracts the field and the reason from a serde error, without the value, which may be a secret.
pub(super) fn field_and_detail(path: &str, message: &str) -> (String, String) {
    let message = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    let quoted = |prefix: &str| {
        let (name, rest) = message.strip_prefix(prefix)?.split_once('`')?;
        Some((name.to_owned(), rest))
    };
    let within = |name: &str| match path {
        "." | "" => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    if let Some((name, _)) = quoted("missing field `") {
        return (within(&name), "is missing".to_owned());
    }
    if let Some((name, rest)) = quoted("unknown field `") {
        let expected = rest.strip_prefix(", expected ").unwrap_or("no fields at all");
        return (within(&name), format!("is not known; expected {expected}"));
    }
    let field = if path == "." || path.is_empty() {
        "(body)"
    } else {
        path
    };
    let hides_value = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant ",
    ]
    .iter()
    .any(|prefix| message.starts_with(prefix));
    let detail = match message.rsplit_once("expected ") {
        Some((_, expected)) if hides_value => format!("expected {expected}"),
        // Some parsers quote the value at the end of their texts.
        _ => message
            .split('"')
            .next()
            .unwrap_or_default()
            .trim_end_matches([':', ' '])
            .to_owned(),
    };
    (field.to_owned(), detail)
}

/// Reads the value of a member of a patch that may be left out, and not be `null`: for `#[serde(deserialize_with)]`.
///
/// # Errors
/// When the value is of another type.
pub fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
