//! Bodies of resources: creation (RFC 7644 §3.3) and replacement (§3.5.1).

use serde_json::{Map, Value};

use super::validate::{Validation, join, members};
use super::{Attribute, Mutability, ResourceType, Schema};
use crate::Error;

/// Schemas that clients name and that have no attributes here. Entra ID sends the first with each new group.
pub const IGNORED_SCHEMAS: &[&str] =
    &["http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"];

/// Reads the body of a creation or replacement. The attributes are returned under their canonical names, and those of each
/// extension in an object under its URN. `schemas`, `id`, `meta` and read-only attributes are left out: a client may send back
/// what it read (RFC 7644 §3.3, §3.5.1).
///
/// # Errors
/// `invalidSyntax` or `invalidValue`, naming the attribute.
pub fn read(body: &Value, resource_type: &ResourceType) -> Result<Map<String, Value>, Error> {
    let body = body
        .as_object()
        .ok_or_else(|| Error::invalid_syntax("the body must be a JSON object"))?;
    let (mut core, mut extensions) = (Map::new(), Map::new());
    let mut schemas = None;
    for (name, value) in body {
        if name.eq_ignore_ascii_case("schemas") {
            schemas = Some(value);
        } else if let Some(extension) = resource_type.extension(name) {
            let read = match value {
                Value::Null => Map::new(),
                Value::Object(inner) => {
                    super::canonicalize(inner, &extension.attributes, &urn_path(extension))?
                }
                _ => return Err(Error::invalid_value(&extension.id, "expected an object")),
            };
            if extensions
                .insert(extension.id.clone(), Value::Object(read))
                .is_some()
            {
                return Err(Error::invalid_syntax(format!(
                    "{}: stands in the body twice",
                    extension.id
                )));
            }
        } else {
            core.insert(name.clone(), value.clone());
        }
    }
    check_schemas(schemas, resource_type)?;
    let tables = [
        resource_type.schema.attributes.as_slice(),
        resource_type.common.as_slice(),
    ];
    let mut read = members(&core, tables, "", Validation::Request)?;
    extensions.retain(|_, value| value.as_object().is_some_and(|members| !members.is_empty()));
    read.append(&mut extensions);
    Ok(read)
}

/// The path of an extension, for the names of its attributes.
pub(crate) fn urn_path(extension: &Schema) -> String {
    format!("{}:", extension.id)
}

fn check_schemas(schemas: Option<&Value>, resource_type: &ResourceType) -> Result<(), Error> {
    let not_urns = || Error::invalid_value("schemas", "expected a list of schema URNs");
    let Some(Value::Array(urns)) = schemas else {
        return Err(not_urns());
    };
    let core = &resource_type.schema.id;
    let mut has_core = false;
    for urn in urns {
        let urn = urn.as_str().ok_or_else(not_urns)?;
        if urn.eq_ignore_ascii_case(core) {
            has_core = true;
        } else if resource_type.extension(urn).is_none() && !IGNORED_SCHEMAS.contains(&urn) {
            return Err(Error::invalid_value(
                "schemas",
                "names a schema that this server does not know",
            ));
        }
    }
    if has_core {
        Ok(())
    } else {
        Err(Error::invalid_value("schemas", format_args!("must name {core}")))
    }
}

/// Completes the resource `new`, which replaces `old`, by what a replacement cannot change: an immutable attribute keeps its
/// value, and another value for it is refused (RFC 7644 §3.5.1). Both have canonical names.
///
/// # Errors
/// `mutability`, naming the attribute.
pub fn check_replacement(
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    resource_type: &ResourceType,
) -> Result<(), Error> {
    retain_immutable(old, new, &resource_type.schema.attributes, "")?;
    for extension in &resource_type.extensions {
        let Some(Value::Object(old)) = old.get(&extension.id) else {
            continue;
        };
        let mut members = match new.remove(&extension.id) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let path = urn_path(extension);
        retain_immutable(old, &mut members, &extension.attributes, &path)?;
        if !members.is_empty() {
            new.insert(extension.id.clone(), Value::Object(members));
        }
    }
    Ok(())
}

fn retain_immutable(
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    attributes: &[Attribute],
    path: &str,
) -> Result<(), Error> {
    for attribute in attributes {
        if attribute.mutability != Mutability::Immutable {
            continue;
        }
        let Some(known) = old.get(&attribute.name) else {
            continue;
        };
        match new.get(&attribute.name) {
            Some(wanted) if wanted != known => {
                let path = join(path, &attribute.name);
                return Err(Error::mutability(&path, "has a value, which cannot be changed"));
            }
            Some(_) => {}
            None => {
                new.insert(attribute.name.clone(), known.clone());
            }
        }
    }
    Ok(())
}

impl ResourceType {
    /// Validates a whole resource with canonical names, as a store has it. `schemas` and `meta` may be missing.
    ///
    /// # Errors
    /// `invalidSyntax` or `invalidValue`, naming the first attribute that does not fit.
    pub fn check(&self, resource: &Map<String, Value>) -> Result<(), Error> {
        let mut core = Map::new();
        for (name, value) in resource {
            match self.extension(name) {
                Some(extension) => {
                    let Value::Object(inner) = value else {
                        return Err(Error::invalid_value(&extension.id, "expected an object"));
                    };
                    let tables = [extension.attributes.as_slice(), &[]];
                    members(inner, tables, &urn_path(extension), Validation::Stored)?;
                }
                None => {
                    core.insert(name.clone(), value.clone());
                }
            }
        }
        let tables = [self.schema.attributes.as_slice(), self.common.as_slice()];
        members(&core, tables, "", Validation::Stored).map(drop)
    }
}
