//! Bodies of resources: creation (RFC 7644 §3.3) and replacement (§3.5.1).

use serde_json::{Map, Value};

use super::validate::{Validation, check_required, members, optional_members};
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
                    let (tables, path) = ([extension.attributes.as_slice(), &[]], urn_path(extension));
                    let inner: Map<String, Value> = inner
                        .iter()
                        .filter(|(name, _)| !extension.is_own_name(name))
                        .map(|(name, value)| (name.clone(), value.clone()))
                        .collect();
                    let read = optional_members(&inner, tables, &path, Validation::Request)?;
                    // RFC 7643 §2.5: an extension without a value is not there.
                    if !read.is_empty() {
                        check_required(&read, &extension.attributes, &path)?;
                    }
                    read
                }
                _ => return Err(Error::invalid_value(&extension.id, "expected an object")),
            };
            if extensions
                .insert(extension.id.clone(), Value::Object(read))
                .is_some()
            {
                return Err(Error::invalid_syntax(format!("{}: occurs twice", extension.id)));
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

impl Schema {
    /// True for `schemas` in an object of this extension, which a few clients put there: it says what the URN says.
    pub(crate) fn is_own_name(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case("schemas") && self.find(name).is_none()
    }

    /// Checks that the members of this extension, which have canonical names, have the required attributes. An extension in which
    /// the server alone has written has no client that could have given them.
    ///
    /// # Errors
    /// `invalidValue`, naming the first attribute that is missing.
    pub(crate) fn check_required(&self, members: &Map<String, Value>) -> Result<(), Error> {
        let is_server_owned = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
        match members
            .keys()
            .all(|name| self.find(name).is_some_and(is_server_owned))
        {
            true => Ok(()),
            false => check_required(members, &self.attributes, &urn_path(self)),
        }
    }
}

impl ResourceType {
    /// Validates a whole resource with canonical names, as a store has it. `schemas` and `meta` may be missing.
    ///
    /// # Errors
    /// `invalidSyntax` or `invalidValue`, naming the first attribute that does not fit.
    pub fn check(&self, resource: &Map<String, Value>) -> Result<(), Error> {
        self.canonical(resource).map(drop)
    }

    /// The form in which a store has a resource: without attributes, values and extensions that are empty. A resource that was
    /// read or patched is equal to it.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn canonical(&self, resource: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
        let (mut core, mut extensions) = (Map::new(), Map::new());
        for (name, value) in resource {
            let Some(extension) = self.extension(name) else {
                core.insert(name.clone(), value.clone());
                continue;
            };
            let Value::Object(inner) = value else {
                return Err(Error::invalid_value(&extension.id, "expected an object"));
            };
            let (tables, path) = ([extension.attributes.as_slice(), &[]], urn_path(extension));
            let read = optional_members(inner, tables, &path, Validation::Stored)?;
            extension.check_required(&read)?;
            if !read.is_empty() {
                extensions.insert(extension.id.clone(), Value::Object(read));
            }
        }
        let tables = [self.schema.attributes.as_slice(), self.common.as_slice()];
        let mut canonical = members(&core, tables, "", Validation::Stored)?;
        canonical.append(&mut extensions);
        Ok(canonical)
    }
}
