//! Edits of multi-valued attributes (RFC 7644 §3.5.2), with value filters and without.

use serde_json::{Map, Value};

use super::Write;
use super::edit::{complex_members, prune, put_sub, put_subs};
use crate::Error;
use crate::filter::{CompareValue, Filter, fold};
use crate::path::ValuePath;
use crate::schema::{Attribute, AttributeType, Mutability, Validation, attribute_value};

/// Adds values to a multi-valued attribute, or replaces all.
///
/// # Errors
/// `invalidValue`, `invalidSyntax`.
pub(super) fn write(
    current: &mut Option<Value>,
    write: Write,
    attribute: &Attribute,
    value: &Value,
    path: &str,
) -> Result<(), Error> {
    let items = match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    let mut given = Vec::with_capacity(items.len().min(attribute.max_values));
    for item in items {
        given.push(match (attribute.data_type, item) {
            (AttributeType::Complex, item) if !item.is_null() => {
                Value::Object(complex_members(&item, attribute, path)?)
            }
            (_, item) => item,
        });
    }
    let given = attribute_value(&Value::Array(given), attribute, path, Validation::Request)?;
    let Some(Value::Array(given)) = given else {
        if write == Write::Replace {
            *current = None;
        }
        return Ok(());
    };
    if write == Write::Replace {
        *current = Some(Value::Array(given));
        return Ok(());
    }
    let items = items_of(current, path)?;
    let mut written = Vec::with_capacity(given.len());
    for value in given {
        let same = items.iter().position(|known| is_same(known, &value, attribute));
        match (same.and_then(|index| items.get_mut(index)), value) {
            (Some(Value::Object(known)), Value::Object(value)) => known.extend(value),
            (Some(_), _) => {}
            (None, value) => items.push(value),
        }
        written.push(same.unwrap_or(items.len() - 1));
        check_count(items, attribute, path)?;
    }
    one_primary(items, &written, path)
}

/// True if two values are about the same: equal in `value` and `type` (RFC 7643 §2.4), or equal if they have no `value`.
fn is_same(known: &Value, value: &Value, attribute: &Attribute) -> bool {
    match (known.get("value"), value.get("value")) {
        (Some(one), Some(other)) => {
            is_equal(one, other, attribute.find_sub("value")) && known.get("type") == value.get("type")
        }
        _ => is_equal(known, value, Some(attribute)),
    }
}

/// True if two values of an attribute are equal, without regard to case unless it counts.
fn is_equal(one: &Value, other: &Value, attribute: Option<&Attribute>) -> bool {
    let case_exact = attribute.is_none_or(|attribute| attribute.case_exact);
    match (one, other) {
        (Value::String(one), Value::String(other)) if !case_exact => fold(one, false) == fold(other, false),
        (one, other) => one == other,
    }
}

fn check_count(items: &[Value], attribute: &Attribute, path: &str) -> Result<(), Error> {
    match items.len() > attribute.max_values {
        true => Err(Error::invalid_value(
            path,
            format_args!("more than {} values", attribute.max_values),
        )),
        false => Ok(()),
    }
}

/// Writes a sub-attribute of the only value of a multi-valued attribute.
///
/// # Errors
/// `invalidPath` when there are several values, `invalidValue`, `mutability`.
pub(super) fn write_sub(
    current: &mut Option<Value>,
    attribute: &Attribute,
    sub: &Attribute,
    value: &Value,
    path: &str,
) -> Result<(), Error> {
    let items = items_of(current, path)?;
    if items.is_empty() {
        items.push(Value::Object(Map::new()));
    }
    match items.as_mut_slice() {
        [Value::Object(only)] => put_sub(only, sub, Some(value), path, true),
        _ => Err(Error::invalid_path(format!(
            "{path}: has several values; select one, such as {}[type eq \"work\"].{}",
            attribute.name, sub.name
        ))),
    }
}

/// Writes the values that a filter selects.
///
/// # Errors
/// `noTarget` when there are none and none can be made, `invalidValue`, `mutability`.
pub(super) fn write_selected(
    current: &mut Option<Value>,
    write: Write,
    target: &ValuePath<'_>,
    value: &Value,
    path: &str,
) -> Result<(), Error> {
    let attribute = target.location.attribute;
    if attribute.mutability == Mutability::ReadOnly {
        return Err(Error::mutability(path, "is read-only"));
    }
    let items = items_of(current, path)?;
    let mut written: Vec<usize> = selected(items, &target.filter);
    if written.is_empty() {
        let may_create = write == Write::Add || target.sub.is_some();
        if !may_create || !target.filter.is_equalities() {
            return Err(Error::no_target(format!(
                "{path}[{}]: selects no value",
                target.filter
            )));
        }
        items.push(seed(&target.filter, attribute, path)?);
        written.push(items.len() - 1);
        check_count(items, attribute, path)?;
    }
    for index in &written {
        let Some(item) = items.get_mut(*index) else {
            continue;
        };
        match (target.sub, &mut *item) {
            (Some(sub), Value::Object(known)) => put_sub(known, sub, Some(value), path, true)?,
            (None, Value::Object(known)) => {
                let members = complex_members(only(value), attribute, path)?;
                if write == Write::Replace {
                    *known = match seed(&target.filter, attribute, path)? {
                        Value::Object(seed) => seed,
                        _ => Map::new(),
                    };
                }
                put_subs(known, attribute, &members, path)?;
            }
            (_, simple) => *simple = only(value).clone(),
        }
    }
    one_primary(items, &written, path)
}

/// The value itself, or the only one of a list.
fn only(value: &Value) -> &Value {
    match value {
        Value::Array(items) if items.len() == 1 => items.first().unwrap_or(value),
        value => value,
    }
}

/// Removes the values that a filter selects, or a sub-attribute of each.
///
/// # Errors
/// `mutability`.
pub(super) fn remove_selected(
    current: &mut Option<Value>,
    target: &ValuePath<'_>,
    path: &str,
) -> Result<(), Error> {
    if target.location.attribute.mutability == Mutability::ReadOnly {
        return Err(Error::mutability(path, "is read-only"));
    }
    let Some(Value::Array(items)) = current else {
        return Ok(());
    };
    match target.sub {
        None => items.retain(|item| !target.filter.matches(item)),
        Some(sub) => {
            for index in selected(items, &target.filter) {
                if let Some(Value::Object(known)) = items.get_mut(index) {
                    put_sub(known, sub, None, path, true)?;
                }
            }
        }
    }
    prune(current)
}

/// Removes the values that equal one of `given`: in `value` if they have it, else in every sub-attribute that is given.
pub(super) fn remove_equal(current: &mut Option<Value>, attribute: &Attribute, given: &Value) {
    let Some(Value::Array(items)) = current else {
        return;
    };
    let given = match given {
        Value::Array(given) => given.as_slice(),
        one => std::slice::from_ref(one),
    };
    let equal = |known: Option<&Value>, given: &Value, name: &str| {
        let sub = attribute.find_sub(name).or(Some(attribute));
        known.is_some_and(|known| is_equal(known, given, sub))
    };
    items.retain(|item| {
        !given.iter().any(|given| match given.as_object() {
            Some(members) => match members.get("value") {
                Some(value) => equal(item.get("value"), value, "value"),
                None => {
                    let mut named = members.iter().filter(|(_, value)| !value.is_null()).peekable();
                    named.peek().is_some() && named.all(|(name, value)| equal(item.get(name), value, name))
                }
            },
            None => equal(item.get("value").or(Some(item)), given, "value"),
        })
    });
}

fn selected(items: &[Value], filter: &Filter) -> Vec<usize> {
    let numbered = items.iter().enumerate();
    numbered
        .filter(|(_, item)| filter.matches(item))
        .map(|(index, _)| index)
        .collect()
}

/// A new value that matches the comparisons with `eq` of a filter.
fn seed(filter: &Filter, attribute: &Attribute, path: &str) -> Result<Value, Error> {
    let mut object = Map::new();
    for comparison in filter.equalities() {
        let value = match &comparison.value {
            CompareValue::Null => continue,
            CompareValue::Boolean(value) => Value::Bool(*value),
            CompareValue::Number(value) => Value::Number(value.clone()),
            CompareValue::Text(text) | CompareValue::Time(_, text) => Value::String(text.clone()),
        };
        match attribute.find_sub(&comparison.attribute.name) {
            Some(sub) => put_sub(&mut object, sub, Some(&value), path, false)?,
            // A value that is not complex.
            None => return Ok(value),
        }
    }
    Ok(Value::Object(object))
}

/// Makes sure that one value at most is primary: one that was written wins over the others (RFC 7644 §3.5.2).
fn one_primary(items: &mut [Value], written: &[usize], path: &str) -> Result<(), Error> {
    let is_primary = |item: &Value| item.get("primary") == Some(&Value::Bool(true));
    let mut primary = written
        .iter()
        .filter(|index| items.get(**index).is_some_and(is_primary));
    let Some(first) = primary.next().copied() else {
        return Ok(());
    };
    if primary.any(|index| *index != first) {
        return Err(Error::invalid_value(path, "only one value may be primary"));
    }
    for (index, item) in items.iter_mut().enumerate() {
        if index != first
            && is_primary(item)
            && let Some(members) = item.as_object_mut()
        {
            members.insert("primary".to_owned(), Value::Bool(false));
        }
    }
    Ok(())
}

fn items_of<'a>(current: &'a mut Option<Value>, path: &str) -> Result<&'a mut Vec<Value>, Error> {
    match current.get_or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(items) => Ok(items),
        _ => Err(Error::invalid_value(path, "the stored value is no list")),
    }
}
