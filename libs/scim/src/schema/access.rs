//! Access to attributes by the kind of caller (SB-35): hidden attributes, and changes that are refused.

use serde_json::{Map, Value};

use super::{Accessor, Attribute, AttributeRef, ResourceType};
use crate::Error;

impl ResourceType {
    /// Takes out of `resource`, which has canonical names, the attributes that `accessor` may not read.
    pub fn hide_from(&self, accessor: Accessor, resource: &mut Map<String, Value>) {
        let is_shown = |attribute: Option<&Attribute>| attribute.is_none_or(|it| it.is_readable_by(accessor));
        resource.retain(|name, _| is_shown(self.find(name)));
        for extension in &self.extensions {
            if let Some(Value::Object(members)) = resource.get_mut(&extension.id) {
                members.retain(|name, _| is_shown(extension.find(name)));
                if members.is_empty() {
                    resource.remove(&extension.id);
                }
            }
        }
    }

    /// Checks that `accessor` may make the change from `before` to `after`, which have canonical names: each attribute that differs
    /// must be one that it may write.
    ///
    /// # Errors
    /// 403, naming the first attribute that `accessor` may not write.
    pub fn check_writes(
        &self,
        accessor: Accessor,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Result<(), Error> {
        // The attributes of a resource say which schemas it has.
        for name in differences(before, after).filter(|name| *name != "schemas") {
            let Some(extension) = self.extension(name) else {
                allowed(self.find(name), accessor, name)?;
                continue;
            };
            let (empty, urn) = (Map::new(), &extension.id);
            let before = before.get(urn).and_then(Value::as_object).unwrap_or(&empty);
            let after = after.get(urn).and_then(Value::as_object).unwrap_or(&empty);
            for name in differences(before, after) {
                allowed(extension.find(name), accessor, &format!("{urn}:{name}"))?;
            }
        }
        Ok(())
    }

    /// True if `accessor` may read the attribute, so that a filter or an order may tell about it.
    pub fn is_readable(&self, attribute: &AttributeRef, accessor: Accessor) -> bool {
        let found = match &attribute.schema {
            Some(urn) => self
                .extension(urn)
                .and_then(|extension| extension.find(&attribute.name)),
            None => self.find(&attribute.name),
        };
        found.is_none_or(|attribute| attribute.is_readable_by(accessor))
    }
}

/// The names of the members that differ.
fn differences<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let changed = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(*value));
    gone.chain(changed.map(|(name, _)| name)).map(String::as_str)
}

fn allowed(attribute: Option<&Attribute>, accessor: Accessor, path: &str) -> Result<(), Error> {
    match attribute.is_some_and(|attribute| attribute.is_writable_by(accessor)) {
        true => Ok(()),
        false => Err(Error::new(
            403,
            format!("{path}: cannot be changed by this caller"),
        )),
    }
}
