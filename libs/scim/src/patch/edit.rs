//! Edits of one attribute without a value filter.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Write, list};
use crate::Error;
use crate::schema::{
    Attribute, AttributeLocation, AttributeType, Mutability, Validation, attribute_value, join,
};

/// Adds or replaces the value of an attribute or of a sub-attribute.
///
/// # Errors
/// `invalidValue`, `invalidSyntax`, `invalidPath`, `mutability`.
pub(super) fn write(
    current: &mut Option<Value>,
    write: Write,
    location: &AttributeLocation<'_>,
    value: &Value,
    path: &str,
) -> Result<(), Error> {
    let attribute = location.attribute;
    if attribute.mutability == Mutability::ReadOnly {
        return unchanged(current.as_ref(), location, value, path);
    }
    if let Some(member) = location.member {
        object_of(current)?.insert(member.to_owned(), value.clone());
        return Ok(());
    }
    match (location.sub, attribute.multi_valued) {
        (Some(sub), true) => list::write_sub(current, attribute, sub, value, path),
        (Some(sub), false) => put_sub(object_of(current)?, sub, Some(value), path, true),
        (None, true) => list::write(current, write, attribute, value, path),
        (None, false) => write_single(current, write, attribute, value, path),
    }
}

/// A read-only attribute that is sent back as it is changes nothing. Okta sends the `id` of a group so.
fn unchanged(
    current: Option<&Value>,
    location: &AttributeLocation<'_>,
    value: &Value,
    path: &str,
) -> Result<(), Error> {
    let known = match location.sub {
        Some(sub) => current.and_then(|current| current.get(&sub.name)),
        None => current,
    };
    match known == Some(value) {
        true => Ok(()),
        false => Err(Error::mutability(path, "is read-only")),
    }
}

fn write_single(
    current: &mut Option<Value>,
    write: Write,
    attribute: &Attribute,
    value: &Value,
    path: &str,
) -> Result<(), Error> {
    // Entra ID sends the manager in a list.
    let value = match value {
        Value::Array(items) => match items.as_slice() {
            [one] => one,
            _ => return Err(Error::invalid_value(path, "expected one value")),
        },
        value => value,
    };
    match attribute.data_type {
        AttributeType::Complex => {
            let members = complex_members(value, attribute, path)?;
            put_subs(object_of(current)?, attribute, &members, path)
        }
        AttributeType::Any if write == Write::Add => match value {
            Value::Object(members) => {
                object_of(current)?.extend(members.clone());
                Ok(())
            }
            _ => Err(Error::invalid_value(path, "expected an object")),
        },
        _ => {
            *current = attribute_value(value, attribute, path, Validation::Request)?;
            Ok(())
        }
    }
}

/// The sub-attributes of a value. What is no object is the sub-attribute `value`: Entra ID sends a manager's id so.
pub(super) fn complex_members(
    value: &Value,
    attribute: &Attribute,
    path: &str,
) -> Result<Map<String, Value>, Error> {
    match value {
        Value::Object(members) => Ok(members.clone()),
        Value::String(_) | Value::Number(_) | Value::Bool(_) if attribute.find_sub("value").is_some() => {
            Ok(Map::from_iter([("value".to_owned(), value.clone())]))
        }
        _ => Err(Error::invalid_value(path, "expected an object")),
    }
}

/// Checks that no name is in a value twice. Names are compared without regard to case (RFC 7643 §2.1), but for the filters of paths.
///
/// # Errors
/// `invalidSyntax`, naming the second.
pub(super) fn check_names(members: &Map<String, Value>, path: &str) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for name in members.keys() {
        let (attribute, filter) = name.split_at(name.find('[').unwrap_or(name.len()));
        if !seen.insert((attribute.to_ascii_lowercase(), filter)) {
            return Err(Error::invalid_syntax(format!(
                "{}: occurs twice",
                join(path, name)
            )));
        }
    }
    Ok(())
}

/// Writes sub-attributes into a complex value; those that are not named stay (RFC 7644 §3.5.2.3).
///
/// # Errors
/// `invalidSyntax`, `invalidValue`, `mutability`.
pub(super) fn put_subs(
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    members: &Map<String, Value>,
    path: &str,
) -> Result<(), Error> {
    check_names(members, path)?;
    for (name, value) in members {
        let Some(sub) = attribute.find_sub(name) else {
            if value.is_null() {
                continue;
            }
            return Err(Error::invalid_syntax(format!(
                "{}: no such attribute",
                join(path, name)
            )));
        };
        put_sub(
            object,
            sub,
            Some(value).filter(|value| !value.is_null()),
            path,
            false,
        )?;
    }
    Ok(())
}

/// Writes or removes one sub-attribute. A read-only one is ignored, unless the path of the operation names it.
///
/// # Errors
/// `invalidValue`, `mutability`.
pub(super) fn put_sub(
    object: &mut Map<String, Value>,
    sub: &Attribute,
    value: Option<&Value>,
    path: &str,
    named: bool,
) -> Result<(), Error> {
    let path = join(path, &sub.name);
    let known = object.get(&sub.name);
    if sub.mutability == Mutability::ReadOnly {
        return match named && known != value {
            true => Err(Error::mutability(&path, "is read-only")),
            false => Ok(()),
        };
    }
    let value = match value {
        Some(Value::Array(items)) if !sub.multi_valued && items.len() == 1 => items.first(),
        value => value,
    };
    let value = match value {
        Some(value) => attribute_value(value, sub, &path, Validation::Request)?,
        None => None,
    };
    if sub.mutability == Mutability::Immutable && known.is_some() && known != value.as_ref() {
        return Err(Error::mutability(&path, "has a value, which cannot be changed"));
    }
    match value {
        Some(value) => {
            object.insert(sub.name.clone(), value);
        }
        None if sub.required && known.is_some() => return Err(Error::mutability(&path, "is required")),
        None => {
            object.shift_remove(&sub.name);
        }
    }
    Ok(())
}

/// Removes an attribute, a sub-attribute, or, with a value, some values of a multi-valued attribute (RFC 7644 §3.5.2.2).
///
/// # Errors
/// `mutability`.
pub(super) fn remove(
    current: &mut Option<Value>,
    location: &AttributeLocation<'_>,
    value: Option<&Value>,
    path: &str,
) -> Result<(), Error> {
    if location.attribute.mutability == Mutability::ReadOnly {
        return match current {
            None => Ok(()),
            Some(_) => Err(Error::mutability(path, "is read-only")),
        };
    }
    if let Some(member) = location.member {
        if let Some(Value::Object(members)) = current {
            members.shift_remove(member);
        }
        return Ok(());
    }
    match (location.sub, value) {
        (Some(sub), _) if location.attribute.multi_valued && list::needs(sub) => *current = None,
        (Some(sub), _) => {
            for object in objects(current) {
                put_sub(object, sub, None, path, true)?;
            }
        }
        (None, Some(value)) if location.attribute.multi_valued && !value.is_null() => {
            list::remove_equal(current, location.attribute, value, path)?;
        }
        (None, _) => *current = None,
    }
    Ok(())
}

/// A value without content is no value (RFC 7643 §2.5).
pub(super) fn prune(current: &mut Option<Value>) {
    let empty = |value: &Value| match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if let Some(Value::Array(items)) = current {
        items.retain(|item| !empty(item));
    }
    if current.as_ref().is_some_and(empty) {
        *current = None;
    }
}

/// The complex values of an attribute.
fn objects(current: &mut Option<Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let (list, one) = match current {
        Some(Value::Array(items)) => (items.as_mut_slice(), None),
        Some(value) => (&mut [] as &mut [Value], Some(value)),
        None => (&mut [] as &mut [Value], None),
    };
    list.iter_mut().chain(one).filter_map(Value::as_object_mut)
}

/// The object that a complex attribute has, or an empty one.
fn object_of(current: &mut Option<Value>) -> Result<&mut Map<String, Value>, Error> {
    match current.get_or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(members) => Ok(members),
        _ => Err(Error::invalid_syntax("the stored value is no object")),
    }
}
