//! Validation of values against the attribute registry: it canonicalizes names, checks types and lengths, and refuses unknown
//! attributes (SB-35, mass assignment).

use serde_json::{Map, Value};

use super::attribute::find;
use super::{Attribute, AttributeType, Instant, MAX_STRING_CHARS, Mutability, text};
use crate::Error;

/// The source of values that are validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    /// A body of a client: read-only attributes are ignored (RFC 7644 §3.3, §3.5.1).
    Request,
    /// A value of a client that names values which are there: read-only sub-attributes are ignored, and none is required.
    Selection,
    /// A resource of the server, which has read-only attributes too.
    Stored,
}

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
    members(object, [attributes, &[]], path, Validation::Request)
}

/// As [`canonicalize`], against the attributes of two tables.
///
/// # Errors
/// As [`canonicalize`].
pub(crate) fn members(
    object: &Map<String, Value>,
    tables: [&[Attribute]; 2],
    path: &str,
    validation: Validation,
) -> Result<Map<String, Value>, Error> {
    let read = optional_members(object, tables, path, validation)?;
    if validation != Validation::Selection {
        check_required(&read, tables.into_iter().flatten(), path)?;
    }
    Ok(read)
}

/// As [`members`], but no attribute is required.
///
/// # Errors
/// As [`canonicalize`].
pub(super) fn optional_members(
    object: &Map<String, Value>,
    tables: [&[Attribute]; 2],
    path: &str,
    validation: Validation,
) -> Result<Map<String, Value>, Error> {
    let mut read = Map::new();
    for (name, value) in object {
        let Some(attribute) = tables.into_iter().find_map(|table| find(table, name)) else {
            // Entra ID names every attribute that it has no value for.
            if value.is_null() && validation != Validation::Stored {
                continue;
            }
            return Err(Error::invalid_syntax(format!(
                "{}: no such attribute, or it cannot be set here",
                join(path, name)
            )));
        };
        let attribute_path = join(path, &attribute.name);
        let ignored = attribute.mutability == Mutability::ReadOnly && validation != Validation::Stored;
        if ignored || value.is_null() {
            continue;
        }
        if read.contains_key(&attribute.name) {
            return Err(Error::invalid_syntax(format!("{attribute_path}: occurs twice")));
        }
        if let Some(value) = attribute_value(value, attribute, &attribute_path, validation)? {
            read.insert(attribute.name.clone(), value);
        }
    }
    Ok(read)
}

/// Checks that `members`, which have canonical names, have the required ones of `attributes`.
///
/// # Errors
/// `invalidValue`, naming the first that is missing.
pub(crate) fn check_required<'a>(
    members: &Map<String, Value>,
    attributes: impl IntoIterator<Item = &'a Attribute>,
    path: &str,
) -> Result<(), Error> {
    let missing = |attribute: &&Attribute| attribute.required && !members.contains_key(&attribute.name);
    match attributes.into_iter().find(missing) {
        Some(missing) => Err(Error::invalid_value(&join(path, &missing.name), "is required")),
        None => Ok(()),
    }
}

/// The path of the member `name` of what is at `path`. A URN, whose path ends with a colon, and its attributes are joined by that
/// colon (RFC 7644 §3.10).
pub(crate) fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        _ if path.ends_with(':') => format!("{path}{name}"),
        _ => format!("{path}.{name}"),
    }
}

/// Validates the value of an attribute, and returns it as it is stored; `None` means unassigned.
///
/// # Errors
/// As [`canonicalize`].
pub(crate) fn attribute_value(
    value: &Value,
    attribute: &Attribute,
    path: &str,
    validation: Validation,
) -> Result<Option<Value>, Error> {
    if !attribute.multi_valued {
        return single_value(value, attribute, path, validation);
    }
    let Value::Array(items) = value else {
        return Err(Error::invalid_value(path, "expected a list"));
    };
    if items.len() > attribute.max_values {
        return Err(Error::invalid_value(
            path,
            format_args!("more than {} values", attribute.max_values),
        ));
    }
    let mut read = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let item_path = format!("{path}[{index}]");
        let mut item = single_value(item, attribute, &item_path, validation)?;
        // RFC 7643 §2.4: a value without `primary` is not primary, so there is one form for that.
        if let Some(Value::Object(members)) = &mut item
            && members.get("primary") == Some(&Value::Bool(false))
        {
            members.shift_remove("primary");
        }
        read.extend(item.filter(|item| item.as_object().is_none_or(|members| !members.is_empty())));
    }
    let primary = |item: &&Value| item.get("primary") == Some(&Value::Bool(true));
    if read.iter().filter(primary).count() > 1 {
        return Err(Error::invalid_value(path, "only one value may be primary"));
    }
    Ok((!read.is_empty()).then_some(Value::Array(read)))
}

/// One value of an attribute.
fn single_value(
    value: &Value,
    attribute: &Attribute,
    path: &str,
    validation: Validation,
) -> Result<Option<Value>, Error> {
    let expected = |what: &str| Err(Error::invalid_value(path, format_args!("expected {what}")));
    match (attribute.data_type, value) {
        (_, Value::Null) if attribute.multi_valued => Ok(None),
        (AttributeType::String | AttributeType::Reference, Value::String(text)) => {
            let text = text::read(text, attribute, path)?;
            Ok((!text.is_empty()).then_some(Value::String(text)))
        }
        (AttributeType::Binary, Value::String(text)) => {
            text::check_base64(text, attribute, path)?;
            Ok((!text.is_empty()).then(|| value.clone()))
        }
        (AttributeType::DateTime, Value::String(text)) => match Instant::parse(text) {
            Some(_) => Ok(Some(value.clone())),
            None => expected("a time such as 2008-01-23T04:56:22Z"),
        },
        (AttributeType::Boolean, _) => match boolean(value) {
            Some(read) => Ok(Some(Value::Bool(read))),
            None => expected("true or false"),
        },
        (AttributeType::Integer, Value::Number(number)) if number.is_i64() => Ok(Some(value.clone())),
        (AttributeType::Decimal, Value::Number(_)) => Ok(Some(value.clone())),
        (AttributeType::Complex, Value::Object(object)) => {
            let read = members(object, [&attribute.sub, &[]], path, validation)?;
            Ok((!read.is_empty()).then_some(Value::Object(read)))
        }
        // Entra ID sends the id of a manager so.
        (AttributeType::Complex, Value::String(text))
            if validation == Validation::Request
                && !attribute.multi_valued
                && attribute.find_sub("value").is_some() =>
        {
            let object = Map::from_iter([("value".to_owned(), Value::String(text.clone()))]);
            single_value(&Value::Object(object), attribute, path, validation)
        }
        (AttributeType::Any, Value::Object(members)) => {
            check_any(value, path)?;
            Ok((!members.is_empty()).then(|| value.clone()))
        }
        (AttributeType::String | AttributeType::Reference | AttributeType::Binary, _) => expected("text"),
        (AttributeType::DateTime, _) => expected("text with a time"),
        (AttributeType::Integer, _) => expected("a whole number of 64 bits"),
        (AttributeType::Decimal, _) => expected("a number"),
        (AttributeType::Complex | AttributeType::Any, _) => expected("an object"),
    }
}

/// A truth value. Entra ID sends it as the text `"True"` or `"False"`.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn check_any(value: &Value, path: &str) -> Result<(), Error> {
    match value {
        Value::String(text) => text::check_characters(text, path, MAX_STRING_CHARS, false),
        Value::Array(items) => items.iter().try_for_each(|item| check_any(item, path)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            text::check_characters(name, path, MAX_STRING_CHARS, false)?;
            check_any(value, &join(path, name))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}
