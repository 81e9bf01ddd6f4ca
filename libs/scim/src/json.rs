//! Strict JSON parsing: a member of an object may occur once (SB-42).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::Error;

/// Parses one JSON document. `serde_json` limits the nesting (128 levels), the caller the size.
///
/// # Errors
/// `invalidSyntax` for bad UTF-8, malformed JSON, text after the document and repeated members; the message names the
/// position or the member.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::invalid_syntax("the body is not UTF-8"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = StrictValue
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| Error::invalid_syntax(format!("the body cannot be read: {error}")))?;
    Ok(value)
}

/// 2^53: from here on not every whole number has an exact 64-bit float (IEEE 754).
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

struct StrictValue;

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    // A number that does not fit into 64 bits arrives here as the nearest float, which is another number than was sent.
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() >= EXACT_BELOW {
            return Err(E::custom("a number cannot be kept exactly"));
        }
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(StrictValue)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(StrictValue)?;
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} occurs twice")));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_member_that_stands_twice_is_named() {
        // SB-42
        let refused = parse(br#"{"name":{"a":1,"a":2}}"#).unwrap_err();
        assert!(refused.detail.contains("\"a\""), "{}", refused.detail);
        assert!(parse(b"{} {}").is_err());
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse("[".repeat(10_000).as_bytes()).is_err());
    }

    #[test]
    fn a_number_is_kept_as_it_is_or_refused() {
        for kept in [
            "9007199254740993",
            "-9007199254740993",
            "18446744073709551615",
            "0.5",
            "-1e3",
        ] {
            let read = parse(format!("{{\"n\":{kept}}}").as_bytes()).unwrap();
            assert_eq!(read["n"], serde_json::from_str::<Value>(kept).unwrap());
        }
        for rounded in [
            "18446744073709551616",
            "-9223372036854775809",
            "9007199254740993.0",
            "1e300",
        ] {
            let refused = parse(format!("{{\"n\":{rounded}}}").as_bytes()).unwrap_err();
            assert!(
                refused.detail.contains("exactly"),
                "{rounded}: {}",
                refused.detail
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
            // SB-42
            let strict = parse(&bytes).ok();
            let lenient = serde_json::from_slice::<Value>(&bytes).ok();
            if strict.is_some() {
                prop_assert_eq!(strict, lenient);
            }
        }
    }
}
