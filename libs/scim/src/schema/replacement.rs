//! Replacement (RFC 7644 §3.5.1): the attributes that a body does not have, and that stay.

use serde_json::{Map, Value};

use super::resource::urn_path;
use super::text::fold;
use super::validate::join;
use super::{Accessor, Attribute, Mutability, ResourceType, Returned};
use crate::Error;

/// Completes the resource `new`, which replaces `old`, by what the replacement of `accessor` leaves as it is (RFC 7644 §3.5.1):
///
/// - read-only attributes and sub-attributes;
/// - immutable ones, and another value for them is refused;
/// - attributes that `new` lacks and that `accessor` cannot write, or cannot see: it may not have known that they are there.
///
/// Both have canonical names. `schemas` is left as it is.
///
/// # Errors
/// `mutability`, naming the attribute.
pub fn check_replacement(
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    resource_type: &ResourceType,
    accessor: Accessor,
) -> Result<(), Error> {
    let common = resource_type.common.iter().filter(|it| it.name != "schemas");
    for attribute in resource_type.schema.attributes.iter().chain(common) {
        retain(old, new, attribute, "", |attribute| stays(attribute, accessor))?;
    }
    for extension in &resource_type.extensions {
        let Some(Value::Object(old)) = old.get(&extension.id) else {
            continue;
        };
        let mut members = match new.get_mut(&extension.id).map(Value::take) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let path = urn_path(extension);
        for attribute in &extension.attributes {
            retain(old, &mut members, attribute, &path, |attribute| {
                stays(attribute, accessor)
            })?;
        }
        match members.is_empty() {
            true => new.shift_remove(&extension.id),
            false => new.insert(extension.id.clone(), Value::Object(members)),
        };
    }
    Ok(())
}

/// True if an attribute that the body of `accessor` lacks keeps its value.
fn stays(attribute: &Attribute, accessor: Accessor) -> bool {
    attribute.returned == Returned::Never
        || !attribute.is_writable_by(accessor)
        || !attribute.is_readable_by(accessor)
}

/// Completes one member of `new`. `stays` says whether it keeps its value when `new` lacks it.
fn retain(
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    attribute: &Attribute,
    path: &str,
    stays: impl Fn(&Attribute) -> bool,
) -> Result<(), Error> {
    let name = &attribute.name;
    let path = || join(path, name);
    match (attribute.mutability, old.get(name), new.get_mut(name)) {
        (Mutability::ReadOnly, None, _) => {
            new.shift_remove(name);
        }
        (Mutability::ReadOnly, Some(stored), _) => {
            new.insert(name.clone(), stored.clone());
        }
        (Mutability::Immutable, Some(stored), Some(given)) if stored != given => {
            return Err(Error::mutability(&path(), "has a value, which cannot be changed"));
        }
        (mutability, Some(stored), None) if mutability == Mutability::Immutable || stays(attribute) => {
            new.insert(name.clone(), stored.clone());
        }
        (_, Some(stored), Some(given)) => retain_subs(stored, given, attribute, &path())?,
        _ => {}
    }
    Ok(())
}

/// Completes the sub-attributes of a complex value. Who may read and write them is a matter of the whole attribute.
fn retain_subs(old: &Value, new: &mut Value, attribute: &Attribute, path: &str) -> Result<(), Error> {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            new.iter_mut()
                .try_for_each(|item| match counterpart(old, item, attribute) {
                    Some(old) => retain_subs(old, item, attribute, path),
                    None => Ok(()),
                })
        }
        (Value::Object(old), Value::Object(new)) => {
            let same = is_same_value(old, new, attribute);
            let kept = |sub: &&Attribute| same || sub.mutability == Mutability::Immutable;
            let mut subs = attribute.sub.iter().filter(kept);
            subs.try_for_each(|sub| retain(old, new, sub, path, |sub| sub.returned == Returned::Never))
        }
        _ => Ok(()),
    }
}

/// The stored value of a multi-valued attribute that `item` takes the place of: the one with its `value`, and if possible with its
/// `type` (RFC 7643 §2.4).
fn counterpart<'a>(old: &'a [Value], item: &Value, attribute: &Attribute) -> Option<&'a Value> {
    let item = item.as_object()?;
    item.get("value")?;
    let is_same = |stored: &&Value| {
        stored
            .as_object()
            .is_some_and(|stored| is_same_value(stored, item, attribute))
    };
    let mut of_type = old.iter().filter(is_same);
    of_type
        .find(|stored| stored.get("type") == item.get("type"))
        .or_else(|| old.iter().find(is_same))
}

/// True if two complex values have the same sub-attribute `value`. What the server says of one is not said of another.
fn is_same_value(one: &Map<String, Value>, other: &Map<String, Value>, attribute: &Attribute) -> bool {
    let case_exact = attribute.find_sub("value").is_none_or(|sub| sub.case_exact);
    match (one.get("value"), other.get("value")) {
        (Some(Value::String(one)), Some(Value::String(other))) => {
            fold(one, case_exact) == fold(other, case_exact)
        }
        (one, other) => one == other,
    }
}
