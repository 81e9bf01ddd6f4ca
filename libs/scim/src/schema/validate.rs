//! Validation of a body against the attribute tables: it canonicalizes names, checks types and lengths, and refuses unknown
//! attributes (SB-35, mass assignment).

use serde_json::{Map, Value};

use super::{Attribute, AttributeType, Mutability};
use crate::Error;

/// The maximum number of characters of a string.
pub const MAX_STRING_CHARS: usize = 2048;
/// The maximum number of values of a multi-valued attribute.
pub const MAX_VALUES: usize = 50;

/// Validates the members of `object` against `attributes`, and returns them under their canonical names.
///
/// Names are compared without regard to case (RFC 7643 §2.1); `null` and empty lists mean unassigned (§2.5); read-only
/// attributes are ignored (RFC 7644 §3.3).
///
/// # Errors
/// `invalidSyntax` for an unknown or repeated attribute, `invalidValue` for an invalid value; both name the path.
pub fn canonicalize(
    object: &Map<String, Value>,
    attributes: &[Attribute],
    path: &str,
) -> Result<Map<String, Value>, Error> {
    let mut read = Map::new();
    for (name, value) in object {
        let Some(attribute) = attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name)) else {
            return Err(Error::invalid_syntax(format!(
                "{}: no such attribute, or it cannot be set here",
                join(path, name)
            )));
        };
        let attribute_path = join(path, attribute.name);
        if attribute.mutability == Mutability::ReadOnly || value.is_null() {
            continue;
        }
        if read.contains_key(attribute.name) {
            return Err(Error::invalid_syntax(format!(
                "{attribute_path}: stands in the body twice"
            )));
        }
        if let Some(value) = attribute_value(value, attribute, &attribute_path)? {
            read.insert(attribute.name.to_owned(), value);
        }
    }
    match attributes
        .iter()
        .find(|a| a.required && !read.contains_key(a.name))
    {
        Some(missing) => Err(Error::invalid_value(&join(path, missing.name), "is required")),
        None => Ok(read),
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        // A URN and its attributes are joined by a colon (RFC 7644 §3.10).
        _ if path.starts_with("urn:") && !path.rsplit(':').next().is_some_and(|last| last.contains('.')) => {
            format!("{path}:{name}")
        }
        _ => format!("{path}.{name}"),
    }
}

fn attribute_value(value: &Value, attribute: &Attribute, path: &str) -> Result<Option<Value>, Error> {
    if !attribute.multi_valued {
        return single_value(value, attribute, path);
    }
    let Value::Array(items) = value else {
        return Err(Error::invalid_value(path, "expected a list"));
    };
    if items.len() > MAX_VALUES {
        return Err(Error::invalid_value(
            path,
            format_args!("more than {MAX_VALUES} values"),
        ));
    }
    let mut read = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        read.extend(single_value(item, attribute, &format!("{path}[{index}]"))?);
    }
    let primary = |item: &&Value| item.get("primary") == Some(&Value::Bool(true));
    if read.iter().filter(primary).count() > 1 {
        return Err(Error::invalid_value(path, "only one value may be primary"));
    }
    Ok((!read.is_empty()).then_some(Value::Array(read)))
}

fn single_value(value: &Value, attribute: &Attribute, path: &str) -> Result<Option<Value>, Error> {
    match (attribute.data_type, value) {
        (AttributeType::String | AttributeType::Reference | AttributeType::Binary, Value::String(text)) => {
            check_text(text, path, attribute.multi_line)?;
            Ok((!text.is_empty() || attribute.required).then(|| value.clone()))
        }
        (AttributeType::Boolean, Value::Bool(_)) => Ok(Some(value.clone())),
        (AttributeType::Complex, Value::Object(members)) => {
            let read = canonicalize(members, attribute.sub, path)?;
            Ok((!read.is_empty()).then_some(Value::Object(read)))
        }
        (AttributeType::Any, Value::Object(members)) => {
            check_any(value, path)?;
            Ok((!members.is_empty()).then(|| value.clone()))
        }
        (AttributeType::String | AttributeType::Reference | AttributeType::Binary, _) => {
            Err(Error::invalid_value(path, "expected text"))
        }
        (AttributeType::Boolean, _) => Err(Error::invalid_value(path, "expected true or false")),
        (AttributeType::Complex | AttributeType::Any, _) => {
            Err(Error::invalid_value(path, "expected an object"))
        }
    }
}

fn check_text(text: &str, path: &str, multi_line: bool) -> Result<(), Error> {
    if text.chars().count() > MAX_STRING_CHARS {
        return Err(Error::invalid_value(
            path,
            format_args!("longer than {MAX_STRING_CHARS} characters"),
        ));
    }
    // SB-34: no control character, and no line end but in a postal address (RFC 7643 §4.1.2).
    let line_end = |c| multi_line && matches!(c, '\n' | '\r');
    if text.chars().any(|c| c.is_control() && !line_end(c)) {
        return Err(Error::invalid_value(path, "control characters are not allowed"));
    }
    Ok(())
}

fn check_any(value: &Value, path: &str) -> Result<(), Error> {
    match value {
        Value::String(text) => check_text(text, path, false),
        Value::Array(items) => items.iter().try_for_each(|item| check_any(item, path)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            check_text(name, path, false)?;
            check_any(value, &join(path, name))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}
