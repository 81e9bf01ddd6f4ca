//! NDJSON: one JSON object a line.

use std::io::{self, BufRead};

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::lines::Lines;
use super::{Record, Rejection, Row};

/// Attributes that the server sets. A file that was exported has them.
const OF_THE_SERVER: [&str; 3] = ["id", "meta", "groups"];

/// A reader of NDJSON. `convert` makes the record of an object.
pub(super) struct Ndjson<R> {
    lines: Lines<R>,
    number: u64,
    convert: fn(Map<String, Value>) -> Result<Record, Rejection>,
}

impl<R: BufRead> Ndjson<R> {
    /// The rows of `input`.
    pub(super) fn new(input: R, convert: fn(Map<String, Value>) -> Result<Record, Rejection>) -> Self {
        Self {
            lines: Lines::new(input),
            number: 0,
            convert,
        }
    }

    /// The next row. Empty lines are passed over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next_row(&mut self) -> io::Result<Option<Row>> {
        while let Some((line, text)) = self.lines.next_line()? {
            if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            self.number += 1;
            let record = text
                .and_then(|text| parse_object(text.as_bytes()))
                .and_then(self.convert);
            return Ok(Some(Row {
                number: self.number,
                line: Some(line),
                record,
            }));
        }
        Ok(None)
    }
}

/// Parses one JSON object. A member may occur once.
pub(super) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, Rejection> {
    match scim::json::parse(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Rejection::new("", "expected a JSON object")),
        Err(error) => {
            let text = error.to_string();
            let reason = text.strip_prefix("the body cannot be read: ").unwrap_or(&text);
            Err(Rejection::new("", format!("is not a JSON object: {reason}")))
        }
    }
}

/// The record of a SCIM `User` that has `password_hash` beside its attributes.
pub(super) fn scim_user(mut user: Map<String, Value>) -> Result<Record, Rejection> {
    let hash = user.remove("password_hash");
    user.retain(|name, _| !OF_THE_SERVER.iter().any(|known| name.eq_ignore_ascii_case(known)));
    let mut record = Record {
        user,
        password_hash: None,
    };
    match hash {
        None | Some(Value::Null) => {}
        Some(Value::String(hash)) => record.password_hash = Some(SecretString::from(hash)),
        // A credential of Keycloak is an object, and `auth` reads it as text.
        Some(Value::Object(credential)) => {
            record.password_hash = Some(SecretString::from(Value::Object(credential).to_string()));
        }
        Some(_) => {
            return Err(Rejection::new("password_hash", "expected text").of(record.user_name()));
        }
    }
    Ok(record)
}
