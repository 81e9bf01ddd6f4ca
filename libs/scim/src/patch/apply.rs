//! The application of operations to a resource: all of them, or none.

mod check;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{MemberChanges, Operation, OperationKind, Outcome, PasswordChange, Write, edit, list, password};
use crate::path::Path;
use crate::schema::{Accessor, Attribute, AttributeLocation, Mutability, ResourceType, Schema};
use crate::{Error, ScimType};

use check::check_change;

/// A resource while operations are applied to it.
pub(super) struct Patch<'a> {
    resource: Map<String, Value>,
    resource_type: &'a ResourceType,
    /// The caller, if its filters are limited to what it may read.
    accessor: Option<Accessor>,
    members: MemberChanges,
    password: Option<PasswordChange>,
    /// The attributes that were written: the URN of the extension, or nothing, and the name.
    touched: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Patch<'a> {
    pub(super) fn new(
        resource: &Map<String, Value>,
        resource_type: &'a ResourceType,
        accessor: Option<Accessor>,
    ) -> Self {
        Self {
            resource: resource.clone(),
            resource_type,
            accessor,
            members: MemberChanges::default(),
            password: None,
            touched: BTreeSet::new(),
        }
    }

    pub(super) fn apply_to(
        mut self,
        resource: &mut Map<String, Value>,
        operations: &[Operation],
    ) -> Result<Outcome, Error> {
        for (index, operation) in operations.iter().enumerate() {
            self.operate(operation).map_err(|mut error| {
                error.detail = format!("Operations[{index}]: {}", error.detail);
                error
            })?;
        }
        self.finish()?;
        let changed = self.resource != *resource;
        // Without a change, the order of the members stays too.
        if changed {
            *resource = self.resource;
        }
        Ok(Outcome {
            changed,
            password: self.password,
            members: self.members,
        })
    }

    fn operate(&mut self, operation: &Operation) -> Result<(), Error> {
        let write = match operation.kind {
            OperationKind::Add => Write::Add,
            OperationKind::Replace => Write::Replace,
            OperationKind::Remove => {
                let Some(path) = &operation.path else {
                    // RFC 7644 §3.5.2.2
                    return Err(Error::no_target("path: is required to remove"));
                };
                let path = Path::parse(path, self.resource_type)?;
                return self.remove(&path, operation.value.as_ref());
            }
        };
        let Some(value) = &operation.value else {
            return Err(Error::invalid_syntax("value: is required"));
        };
        match &operation.path {
            Some(path) => {
                let path = Path::parse(path, self.resource_type)?;
                self.write(write, &path, value)
            }
            None => self.write_all(write, value),
        }
    }

    /// Writes the attributes of a value without a path (RFC 7644 §3.5.2.1, §3.5.2.3).
    fn write_all(&mut self, write: Write, value: &Value) -> Result<(), Error> {
        let Value::Object(members) = value else {
            return Err(Error::invalid_syntax("value: without a path, expected an object"));
        };
        edit::check_names(members, "")?;
        for (name, value) in members {
            if name.eq_ignore_ascii_case("schemas") || name.eq_ignore_ascii_case("meta") {
                continue;
            }
            self.write_named(write, name, value)?;
        }
        Ok(())
    }

    /// Writes an attribute of a value, whose name may be a path.
    fn write_named(&mut self, write: Write, name: &str, value: &Value) -> Result<(), Error> {
        match Path::parse(name, self.resource_type) {
            Ok(path) => self.write(write, &path, value),
            // Entra ID names every attribute that it has no value for.
            Err(error) if error.scim_type == Some(ScimType::InvalidPath) && value.is_null() => Ok(()),
            Err(error) if error.scim_type == Some(ScimType::InvalidPath) => {
                Err(Error::invalid_syntax(error.detail))
            }
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, write: Write, path: &Path<'_>, value: &Value) -> Result<(), Error> {
        self.check_filter(path)?;
        match path {
            Path::Extension(schema) => self.write_extension(write, schema, value),
            // The extensions of a resource say which schemas it has.
            Path::Attribute(location)
                if location.extension.is_none() && location.attribute.name == "schemas" =>
            {
                Ok(())
            }
            Path::Attribute(location) if location.attribute.stored_apart => {
                self.members.write(write, location, value)
            }
            Path::Values(values) if values.location.attribute.stored_apart => {
                self.members.write_selected(write, values, value)
            }
            // RFC 7643 §2.5: null is the same as no value.
            path if value.is_null() => match write {
                Write::Add => Ok(()),
                Write::Replace => self.remove(path, None),
            },
            // RFC 7643 §2.5: so is an empty text.
            Path::Values(values)
                if write == Write::Replace && values.sub.is_some() && value.as_str() == Some("") =>
            {
                self.remove(path, None)
            }
            Path::Attribute(location) => self.edit(location, |current, path| {
                edit::write(current, write, location, value, path)
            }),
            Path::Values(values) => self.edit(&values.location, |current, path| {
                list::write_selected(current, write, values, value, path)
            }),
        }
    }

    fn write_extension(&mut self, write: Write, schema: &Schema, value: &Value) -> Result<(), Error> {
        let members = match value {
            Value::Object(members) => members,
            Value::Null if write == Write::Add => return Ok(()),
            Value::Null => return self.remove_extension(schema),
            _ => return Err(Error::invalid_value(&schema.id, "expected an object")),
        };
        edit::check_names(members, &format!("{}:", schema.id))?;
        for (name, value) in members.iter().filter(|(name, _)| !schema.is_own_name(name)) {
            self.write_named(write, &format!("{}:{name}", schema.id), value)?;
        }
        Ok(())
    }

    /// Checks that the caller may read the attribute whose values a path selects.
    fn check_filter(&self, path: &Path<'_>) -> Result<(), Error> {
        match (path, self.accessor) {
            (Path::Values(values), Some(accessor)) => {
                match values.location.attribute.is_readable_by(accessor) {
                    true => Ok(()),
                    false => {
                        let path = location_path(&values.location);
                        Err(Error::invalid_filter(format!("{path}: cannot be searched for")))
                    }
                }
            }
            _ => Ok(()),
        }
    }

    fn remove(&mut self, path: &Path<'_>, value: Option<&Value>) -> Result<(), Error> {
        self.check_filter(path)?;
        match path {
            Path::Extension(schema) => self.remove_extension(schema),
            Path::Attribute(location) if location.attribute.stored_apart => {
                self.members.remove(location, value)
            }
            Path::Values(values) if values.location.attribute.stored_apart => {
                self.members.remove_selected(values)
            }
            Path::Attribute(location) => self.edit(location, |current, path| {
                edit::remove(current, location, value, path)
            }),
            Path::Values(values) => self.edit(&values.location, |current, path| {
                list::remove_selected(current, values, path)
            }),
        }
    }

    /// Removes the attributes of an extension that a client may write. A required one can go with all the others, because the
    /// extension itself is optional (RFC 7643 §6, `schemaExtensions`).
    fn remove_extension(&mut self, schema: &Schema) -> Result<(), Error> {
        let Some(schema) = self.resource_type.extension(&schema.id) else {
            return Ok(());
        };
        let Some(Value::Object(members)) = self.resource.get_mut(&schema.id) else {
            return Ok(());
        };
        for attribute in &schema.attributes {
            let is_set = members.contains_key(&attribute.name);
            match attribute.mutability {
                Mutability::ReadOnly => continue,
                Mutability::Immutable if is_set => {
                    let path = format!("{}:{}", schema.id, attribute.name);
                    return Err(Error::mutability(&path, "has a value, which cannot be changed"));
                }
                _ if is_set => members.shift_remove(&attribute.name),
                _ => continue,
            };
            self.touched.insert((&schema.id, &attribute.name));
        }
        Ok(())
    }

    /// Edits the value of one attribute, and checks what its mutability allows.
    fn edit<F>(&mut self, location: &AttributeLocation<'_>, edit: F) -> Result<(), Error>
    where
        F: FnOnce(&mut Option<Value>, &str) -> Result<(), Error>,
    {
        let path = location_path(location);
        let (urn, Some(attribute)) = self.owned_location(location) else {
            return Err(Error::no_target(format!("{path}: no such attribute")));
        };
        if password::is_password(urn, attribute) {
            let mut value = password::value_of(self.password.take());
            edit(&mut value, &path)?;
            self.password = Some(password::change_of(value));
            return Ok(());
        }
        let holder = match urn {
            "" => &mut self.resource,
            urn => {
                let empty = || Value::Object(Map::new());
                match self.resource.entry(urn).or_insert_with(empty) {
                    Value::Object(members) => members,
                    _ => return Err(Error::invalid_value(urn, "expected an object")),
                }
            }
        };
        // The member stays where it is among the others.
        let mut value = holder.get_mut(&attribute.name).map(Value::take);
        let guarded = matches!(attribute.mutability, Mutability::ReadOnly | Mutability::Immutable);
        let before = guarded.then(|| value.clone()).flatten();
        edit(&mut value, &path)?;
        edit::prune(&mut value);
        check_change(attribute, before.as_ref(), value.as_ref(), &path)?;
        match value {
            Some(value) => holder.insert(attribute.name.clone(), value),
            None => holder.shift_remove(&attribute.name),
        };
        self.touched.insert((urn, &attribute.name));
        Ok(())
    }

    /// The URN and the attribute of a location, as they live in the resource type. The location itself may be of a shorter life.
    fn owned_location(&self, location: &AttributeLocation<'_>) -> (&'a str, Option<&'a Attribute>) {
        let of = self.resource_type;
        let extension = location.extension.and_then(|schema| of.extension(&schema.id));
        let found = match extension {
            Some(extension) => extension.find(&location.attribute.name),
            None => of.find(&location.attribute.name),
        };
        (extension.map_or("", |schema| schema.id.as_str()), found)
    }
}

/// The path of an attribute, for errors.
fn location_path(location: &AttributeLocation<'_>) -> String {
    match location.extension {
        Some(extension) => format!("{}:{}", extension.id, location.attribute.name),
        None => location.attribute.name.clone(),
    }
}
