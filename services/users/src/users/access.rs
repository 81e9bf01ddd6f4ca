//! Attributes of records that are closed to a person (SB-35). [`ResourceType`] has the rest.

use contract::UserState;
use scim::schema::{Accessor, Attribute, ResourceType};
use serde_json::Value;

/// Removes from a record (`GET /user`) what the person may not read: attributes, how clients know the person, and what concerns services
/// alone.
pub(crate) fn hide_from_person(state: &mut UserState, users: &ResourceType) {
    state.external_ids.clear();
    state.credential_id = None;
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
