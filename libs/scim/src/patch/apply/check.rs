//! The checks of a resource after all operations were applied.

use serde_json::Value;

use super::Patch;
use crate::Error;
use crate::schema::{Attribute, Mutability, Validation, attribute_value, join};

impl Patch<'_> {
    /// Validates what was written, and removes extensions that have no attributes after that.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let touched = std::mem::take(&mut self.touched);
        for (urn, name) in &touched {
            self.check(urn, name)?;
        }
        for extension in &self.resource_type.extensions {
            let Some(Value::Object(members)) = self.resource.get(&extension.id) else {
                continue;
            };
            if members.is_empty() {
                self.resource.shift_remove(&extension.id);
            } else if touched.iter().any(|(urn, _)| *urn == extension.id) {
                extension.check_required(members)?;
            }
        }
        Ok(())
    }

    /// Validates the value of an attribute, and stores it canonically.
    fn check(&mut self, urn: &str, name: &str) -> Result<(), Error> {
        let resource_type = self.resource_type;
        let (attribute, holder, path) = match resource_type.extension(urn) {
            Some(extension) => {
                let Some(Value::Object(members)) = self.resource.get_mut(&extension.id) else {
                    return Ok(());
                };
                (extension.find(name), members, format!("{}:", extension.id))
            }
            None => (resource_type.find(name), &mut self.resource, String::new()),
        };
        let Some(attribute) = attribute else { return Ok(()) };
        let Some(value) = holder.get(name) else {
            return Ok(());
        };
        let path = join(&path, name);
        match attribute_value(value, attribute, &path, Validation::Stored)? {
            Some(value) => holder.insert(name.to_owned(), value),
            None if attribute.required => return Err(Error::mutability(&path, "is required")),
            None => holder.shift_remove(name),
        };
        Ok(())
    }
}

/// Checks a change of an attribute against its characteristics (RFC 7644 §3.5.2, §3.5.2.2).
pub(super) fn check_change(
    attribute: &Attribute,
    before: Option<&Value>,
    after: Option<&Value>,
    path: &str,
) -> Result<(), Error> {
    match attribute.mutability {
        Mutability::ReadOnly if before != after => Err(Error::mutability(path, "is read-only")),
        Mutability::Immutable if before.is_some() && before != after => {
            Err(Error::mutability(path, "has a value, which cannot be changed"))
        }
        _ if attribute.required && after.is_none() => Err(Error::mutability(path, "is required")),
        _ => Ok(()),
    }
}
