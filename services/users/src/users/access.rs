//! Attributes that are closed to a caller, in records and replacements (SB-35). [`ResourceType`] has the rest.

use contract::UserState;
use scim::schema::{Accessor, Attribute, ResourceType};
use serde_json::{Map, Value};

/// Removes the attributes of a record (`GET /user`) that the person may not read.
pub(crate) fn hide_from_person(state: &mut UserState, users: &ResourceType) {
    let hidden = |attribute: &Attribute| !attribute.is_readable_by(Accessor::Own);
    state
        .attributes
        .retain(|name, _| !users.find(name).is_some_and(hidden));
    for (name, value) in &mut state.attributes {
        let (Some(extension), Value::Object(inner)) = (users.extension(name), value) else {
            continue;
        };
        inner.retain(|name, _| !extension.find(name).is_some_and(hidden));
    }
}

/// True if some attribute is closed to the people whom it describes.
pub(crate) fn hides_from_people(users: &ResourceType) -> bool {
    let mut attributes = users.schemas().flat_map(|schema| &schema.attributes);
    attributes.any(|attribute| !attribute.is_readable_by(Accessor::Own))
}

/// Keeps in a replacement the attributes that it does not name and that `accessor` may not write: it may not have seen them.
/// Both have canonical names.
pub(super) fn keep_closed(
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    users: &ResourceType,
    accessor: Accessor,
) {
    keep(old, new, &users.schema.attributes, accessor);
    for extension in &users.extensions {
        let Some(Value::Object(known)) = old.get(&extension.id) else {
            continue;
        };
        let mut members = match new.remove(&extension.id) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        keep(known, &mut members, &extension.attributes, accessor);
        if !members.is_empty() {
            new.insert(extension.id.clone(), Value::Object(members));
        }
    }
}

fn keep(
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    attributes: &[Attribute],
    accessor: Accessor,
) {
    let closed = attributes
        .iter()
        .filter(|attribute| !attribute.is_writable_by(accessor));
    for attribute in closed {
        if let (Some(known), None) = (old.get(&attribute.name), new.get(&attribute.name)) {
            new.insert(attribute.name.clone(), known.clone());
        }
    }
}
