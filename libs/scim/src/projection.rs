//! Attributes of a response: `attributes` and `excludedAttributes` (RFC 7644 §3.4.2.5, §3.9).

mod written;

use serde_json::{Map, Value};

pub use written::Written;

use crate::Error;
use crate::schema::{Attribute, Referent, ResourceType, Returned};

/// The maximum number of names in `attributes` and in `excludedAttributes`.
pub const MAX_NAMES: usize = 100;

/// A choice of attributes. An attribute that is always returned is in every response, and one that is never returned in none
/// (RFC 7643 §7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Projection {
    /// The attributes that are returned by default.
    #[default]
    Default,
    /// `attributes`: these alone.
    Only(Vec<Selected>),
    /// `excludedAttributes`: the attributes that are returned by default, without these.
    Without(Vec<Selected>),
}

/// An attribute, a sub-attribute, or a whole extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    schema: Option<String>,
    /// `None` for a whole extension.
    name: Option<String>,
    sub: Option<String>,
}

impl Projection {
    /// Parses `attributes` and `excludedAttributes` for resources of the types `of`. A name that no type has is ignored: it
    /// chooses nothing.
    ///
    /// # Errors
    /// `invalidValue` for both parameters together, and for more than [`MAX_NAMES`].
    pub fn parse(
        attributes: Option<&[String]>,
        excluded: Option<&[String]>,
        of: &[&ResourceType],
    ) -> Result<Self, Error> {
        match (attributes, excluded) {
            (Some(_), Some(_)) => Err(Error::invalid_value(
                "excludedAttributes",
                "cannot stand beside attributes",
            )),
            (Some(names), None) => Ok(Self::Only(select("attributes", names, of)?)),
            (None, Some(names)) => Ok(Self::Without(select("excludedAttributes", names, of)?)),
            (None, None) => Ok(Self::Default),
        }
    }

    /// True if a response has the attribute `name` of the core schema, so that its values are worth loading.
    pub fn has(&self, name: &str, resource_type: &ResourceType) -> bool {
        let attribute = resource_type.find(name);
        attribute.is_some_and(|attribute| self.keeps((None, attribute), &Written::default()))
    }

    /// Takes out of `resource`, which has canonical names, the attributes that the response does not have. The response to a write
    /// has also those that it has `written`, unless `attributes` chooses others (RFC 7643 §7, `request`).
    pub fn apply(&self, resource: &mut Map<String, Value>, resource_type: &ResourceType, written: &Written) {
        for extension in &resource_type.extensions {
            let Some(Value::Object(members)) = resource.get_mut(&extension.id) else {
                continue;
            };
            self.apply_to((members, written), Some(&extension.id), |name| {
                extension.find(name)
            });
            if members.is_empty() {
                resource.remove(&extension.id);
            }
        }
        let is_extension = |name: &str| resource_type.extension(name).is_some();
        let mut extensions = Map::new();
        let mut core = Map::new();
        for (name, value) in std::mem::take(resource) {
            match is_extension(&name) {
                true => extensions.insert(name, value),
                false => core.insert(name, value),
            };
        }
        self.apply_to((&mut core, written), None, |name| resource_type.find(name));
        resource.append(&mut core);
        resource.append(&mut extensions);
    }

    fn apply_to<'a, F>(
        &self,
        (members, written): (&mut Map<String, Value>, &Written),
        schema: Option<&str>,
        find: F,
    ) where
        F: Fn(&str) -> Option<&'a Attribute>,
    {
        members.retain(|name, value| {
            let Some(attribute) = find(name) else { return false };
            if !self.keeps((schema, attribute), written) {
                return false;
            }
            self.apply_to_subs(value, (schema, attribute), written);
            let empty = match value {
                Value::Object(members) => members.is_empty() && !attribute.sub.is_empty(),
                Value::Array(items) => items.is_empty(),
                _ => false,
            };
            !empty
        });
    }

    fn apply_to_subs(
        &self,
        value: &mut Value,
        (schema, attribute): (Option<&str>, &Attribute),
        written: &Written,
    ) {
        if attribute.sub.is_empty() {
            return;
        }
        match value {
            Value::Array(items) => {
                for item in items.iter_mut() {
                    self.apply_to_subs(item, (schema, attribute), written);
                }
                items.retain(|item| item.as_object().is_none_or(|members| !members.is_empty()));
            }
            Value::Object(members) => members.retain(|name, _| {
                let sub = attribute.find_sub(name);
                sub.is_some_and(|sub| self.keeps_sub((schema, attribute), sub, written))
            }),
            _ => {}
        }
    }

    fn keeps(&self, (schema, attribute): (Option<&str>, &Attribute), written: &Written) -> bool {
        let is_selected = |all: &[Selected], whole: bool| {
            all.iter()
                .any(|one| one.covers(schema, attribute) && (!whole || one.sub.is_none()))
        };
        // The URN of an extension names no attribute of it.
        let is_named = |all: &[Selected]| {
            all.iter()
                .any(|one| one.name.is_some() && one.covers(schema, attribute))
        };
        match (attribute.returned, self) {
            (Returned::Always, _) => true,
            (Returned::Never, _) => false,
            (Returned::Request, Self::Only(all)) => is_named(all),
            (Returned::Default, Self::Only(all)) => is_selected(all, false),
            (Returned::Default, Self::Without(all)) => !is_selected(all, true),
            (Returned::Default, Self::Default) => true,
            (Returned::Request, Self::Without(all)) => is_named(&written.0) && !is_selected(all, true),
            (Returned::Request, Self::Default) => is_named(&written.0),
        }
    }

    fn keeps_sub(
        &self,
        (schema, attribute): (Option<&str>, &Attribute),
        sub: &Attribute,
        Written(written): &Written,
    ) -> bool {
        let named = |one: &Selected| one.sub.as_ref().is_some_and(|name| *name == sub.name);
        let is_named = |all: &[Selected]| all.iter().any(|one| one.covers(schema, attribute) && named(one));
        match (sub.returned, self) {
            (Returned::Always, _) => true,
            (Returned::Never, _) => false,
            (returned, Self::Only(all)) => {
                all.iter().any(|one| {
                    let whole = one.sub.is_none() && returned == Returned::Default;
                    one.covers(schema, attribute) && (whole || named(one))
                    // An attribute that is always there, and was not chosen, is there as a whole.
                }) || !all.iter().any(|one| one.covers(schema, attribute)) && returned == Returned::Default
            }
            (Returned::Default, Self::Without(all)) => !is_named(all),
            (Returned::Default, Self::Default) => true,
            (Returned::Request, Self::Without(all)) => is_named(written) && !is_named(all),
            (Returned::Request, Self::Default) => is_named(written),
        }
    }
}

impl Selected {
    /// True if this is the attribute, a sub-attribute of it, or its whole extension.
    fn covers(&self, schema: Option<&str>, attribute: &Attribute) -> bool {
        let name = self.name.as_ref();
        self.schema.as_deref() == schema && name.is_none_or(|name| *name == attribute.name)
    }
}

fn select(parameter: &str, names: &[String], of: &[&ResourceType]) -> Result<Vec<Selected>, Error> {
    if names.len() > MAX_NAMES {
        return Err(Error::invalid_value(
            parameter,
            format_args!("more than {MAX_NAMES} names"),
        ));
    }
    let mut selected = Vec::with_capacity(names.len());
    for name in names {
        let mut types = of.iter();
        selected.extend(types.find_map(|it| it.resolve(name.trim())).map(|it| match it {
            Referent::Extension(schema) => Selected {
                schema: Some(schema.id.clone()),
                name: None,
                sub: None,
            },
            Referent::Attribute(location) => Selected {
                schema: location.extension.map(|schema| schema.id.clone()),
                name: Some(location.attribute.name.clone()),
                sub: location.sub.map(|sub| sub.name.clone()),
            },
        }));
    }
    Ok(selected)
}

#[cfg(test)]
mod tests;
