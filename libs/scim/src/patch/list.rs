//! Edits of multi-valued attributes (RFC 7644 §3.5.2), with value filters and without.

use serde_json::{Map, Value};

use super::Write;
use super::edit::{complex_members, put_sub, put_subs};
use super::values::{folded, is_primary, is_same, one_primary};
use crate::Error;
use crate::filter::{CompareValue, Filter};
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
    let Some(given) = read(value, attribute, path, Validation::Request)? else {
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
    let mut comparable: Vec<Value> = items.iter().map(|item| folded(item, attribute)).collect();
    let mut primary = Vec::new();
    for value in given {
        let wanted = folded(&value, attribute);
        let same = comparable.iter().position(|known| is_same(known, &wanted));
        let index = same.unwrap_or(items.len());
        if is_primary(&value) {
            primary.push(index);
        }
        match (items.get_mut(index), value) {
            (Some(Value::Object(known)), Value::Object(value)) => put_subs(known, attribute, &value, path)?,
            (Some(_), _) => {}
            (None, value) => {
                items.push(value);
                comparable.push(wanted);
            }
        }
        check_count(items, attribute, path)?;
    }
    one_primary(items, &primary, path)
}

/// The values of an operation, which may be one. `None` if there are none.
fn read(
    value: &Value,
    attribute: &Attribute,
    path: &str,
    validation: Validation,
) -> Result<Option<Vec<Value>>, Error> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut given = Vec::with_capacity(items.len().min(attribute.max_values));
    for item in items {
        given.push(match attribute.data_type {
            AttributeType::Complex if !item.is_null() => {
                Value::Object(complex_members(item, attribute, path)?)
            }
            _ => item.clone(),
        });
    }
    match attribute_value(&Value::Array(given), attribute, path, validation)? {
        Some(Value::Array(given)) => Ok(Some(given)),
        _ => Ok(None),
    }
}

/// True if a value is nothing without this sub-attribute.
pub(super) fn needs(sub: &Attribute) -> bool {
    sub.required && sub.name == "value" && sub.mutability == Mutability::ReadWrite
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
    let no_value = || Error::no_target(format!("{path}[{}]: selects no value", target.filter));
    let items = items_of(current, path)?;
    let mut written: Vec<usize> = selected(items, &target.filter);
    let created = written.is_empty();
    if created {
        let may_create = write == Write::Add || target.sub.is_some();
        if !may_create || !target.filter.is_equalities() {
            return Err(no_value());
        }
        let value = seed(&target.filter, attribute, path)?;
        if !target.filter.matches(&value) {
            // The filter contradicts itself.
            return Err(no_value());
        }
        items.push(value);
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
                let members = complex_members(single_item(value), attribute, path)?;
                if write == Write::Replace {
                    *known = match seed(&target.filter, attribute, path)? {
                        Value::Object(seed) => seed,
                        _ => Map::new(),
                    };
                }
                put_subs(known, attribute, &members, path)?;
            }
            (_, simple) => *simple = single_item(value).clone(),
        }
    }
    match created || writes_primary(target, value) {
        true => one_primary(items, &written, path),
        false => Ok(()),
    }
}

/// True if an operation on selected values writes `primary`.
fn writes_primary(target: &ValuePath<'_>, value: &Value) -> bool {
    let is_primary = |name: &str| name.eq_ignore_ascii_case("primary");
    match (target.sub, single_item(value)) {
        (Some(sub), _) => is_primary(&sub.name),
        (None, Value::Object(members)) => members.keys().any(|name| is_primary(name)),
        (None, _) => false,
    }
}

/// The value itself, or the only one of a list.
fn single_item(value: &Value) -> &Value {
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
        Some(sub) if !needs(sub) => {
            for index in selected(items, &target.filter) {
                if let Some(Value::Object(known)) = items.get_mut(index) {
                    put_sub(known, sub, None, path, true)?;
                }
            }
        }
        _ => items.retain(|item| !target.filter.matches(item)),
    }
    Ok(())
}

/// Removes the values that have all sub-attributes of one of `given`.
///
/// # Errors
/// `invalidValue` and `invalidSyntax` for values that the attribute cannot have.
pub(super) fn remove_equal(
    current: &mut Option<Value>,
    attribute: &Attribute,
    given: &Value,
    path: &str,
) -> Result<(), Error> {
    let given = read(given, attribute, path, Validation::Selection)?.unwrap_or_default();
    let Some(Value::Array(items)) = current else {
        return Ok(());
    };
    let given: Vec<Value> = given.iter().map(|given| folded(given, attribute)).collect();
    items.retain(|item| {
        let item = folded(item, attribute);
        !given.iter().any(|given| match given {
            Value::Object(members) => members.iter().all(|(name, value)| item.get(name) == Some(value)),
            given => item == *given,
        })
    });
    Ok(())
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

fn items_of<'a>(current: &'a mut Option<Value>, path: &str) -> Result<&'a mut Vec<Value>, Error> {
    match current.get_or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(items) => Ok(items),
        _ => Err(Error::invalid_value(path, "the stored value is no list")),
    }
}
