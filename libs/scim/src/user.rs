//! The `User` resource (RFC 7643 §4.1, §4.3), parsed from and serialized to JSON.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Error;
use crate::schema::{Attribute, CORE_USER, CUSTOM_USER, Mutability, ResourceType, read};
use crate::version::etag;

/// The writable attributes of a `User`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    /// `userName`, as it was sent.
    pub user_name: String,
    /// `name`.
    pub name: Name,
    /// `emails`.
    pub emails: Vec<Email>,
    /// `active`; `None` if the body does not have it.
    pub active: Option<bool>,
    /// `locale` (RFC 5646).
    pub locale: Option<String>,
    /// `timezone` (IANA).
    pub timezone: Option<String>,
    /// `password`. It is not serialized: nobody reads it (RFC 7643 §4.1.1).
    pub password: Option<Password>,
    /// Every other attribute of the core schema, under its canonical name.
    pub other: Map<String, Value>,
    /// Extensions by URN.
    pub extensions: Map<String, Value>,
    /// The attributes that applications define: `values` of [`CUSTOM_USER`].
    pub custom: Map<String, Value>,
}

/// A password of a request. It has no `Debug` output, so that no log shows it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// A password as it was sent.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The password itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes the same time for every text of one length.
impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// `name` (RFC 7643 §4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Name {
    /// The full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The middle names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// The title before the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_prefix: Option<String>,
    /// The suffix after the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_suffix: Option<String>,
}

/// One of `emails` (RFC 7643 §4.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address.
    pub value: String,
    /// `work`, `home`, `other`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// True if it is the preferred one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub primary: bool,
}

/// The attributes that the server adds to a `User` (RFC 7643 §3.1).
#[derive(Clone, Debug)]
pub struct Meta<'a> {
    /// The resource's id.
    pub id: &'a str,
    /// The time of creation, RFC 3339.
    pub created: &'a str,
    /// The time of the last change, RFC 3339.
    pub last_modified: &'a str,
    /// The URL of the resource.
    pub location: &'a str,
    /// The version.
    pub version: i64,
}

impl User {
    /// Parses a body of POST or PUT. `users` is the resource type.
    ///
    /// # Errors
    /// `invalidSyntax` or `invalidValue`, naming the attribute.
    pub fn from_json(body: &Value, users: &ResourceType) -> Result<Self, Error> {
        Self::from_canonical(read(body, users)?)
    }

    /// The user of a resource with canonical names, such as [`read`] returns and [`crate::patch::apply`] leaves. `id`, `meta`,
    /// `schemas` and `groups` are ignored.
    ///
    /// # Errors
    /// `invalidValue` for an attribute of another type than its schema has.
    pub fn from_resource(mut resource: Map<String, Value>) -> Result<Self, Error> {
        for name in ["id", "meta", "schemas", "groups"] {
            resource.remove(name);
        }
        Self::from_canonical(resource)
    }

    fn from_canonical(mut core: Map<String, Value>) -> Result<Self, Error> {
        let (mut extensions, mut core): (Map<_, _>, Map<_, _>) = std::mem::take(&mut core)
            .into_iter()
            .partition(|(name, _)| is_urn(name));
        let custom = match extensions.remove(CUSTOM_USER) {
            Some(Value::Object(mut members)) => match members.remove("values") {
                Some(Value::Object(values)) => values,
                _ => Map::new(),
            },
            _ => Map::new(),
        };
        Ok(Self {
            user_name: remove_typed(&mut core, "userName")?.unwrap_or_default(),
            name: remove_typed(&mut core, "name")?.unwrap_or_default(),
            emails: remove_typed(&mut core, "emails")?.unwrap_or_default(),
            active: remove_typed(&mut core, "active")?,
            locale: remove_typed(&mut core, "locale")?,
            timezone: remove_typed(&mut core, "timezone")?,
            password: remove_typed(&mut core, "password")?,
            other: core,
            extensions,
            custom,
        })
    }

    /// Serializes the resource (RFC 7643 §8.1).
    pub fn to_json(&self, meta: &Meta<'_>) -> Value {
        let mut body = self.other.clone();
        let mut schemas = vec![Value::from(CORE_USER)];
        for (urn, members) in &self.extensions {
            schemas.push(urn.as_str().into());
            body.insert(urn.clone(), members.clone());
        }
        if !self.custom.is_empty() {
            schemas.push(CUSTOM_USER.into());
            body.insert(CUSTOM_USER.to_owned(), json!({"values": self.custom}));
        }
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("schemas", schemas.into());
        put("id", meta.id.into());
        put("userName", self.user_name.as_str().into());
        if self.name != Name::default() {
            put("name", json!(self.name));
        }
        if !self.emails.is_empty() {
            put("emails", json!(self.emails));
        }
        if let Some(active) = self.active {
            put("active", active.into());
        }
        if let Some(locale) = &self.locale {
            put("locale", locale.as_str().into());
        }
        if let Some(timezone) = &self.timezone {
            put("timezone", timezone.as_str().into());
        }
        put(
            "meta",
            json!({
                "resourceType": "User",
                "created": meta.created,
                "lastModified": meta.last_modified,
                "location": meta.location,
                "version": etag(meta.version),
            }),
        );
        Value::Object(body)
    }
}

/// The attributes of a user that a store keeps as they are, apart from their place in the resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    /// Attributes of the core schema.
    pub other: Map<String, Value>,
    /// Extensions by URN.
    pub extensions: Map<String, Value>,
    /// The attributes that applications define.
    pub custom: Map<String, Value>,
}

impl Attributes {
    /// Sorts attributes by their names: those of the core schema of `users`, URNs of extensions, and the others.
    pub fn split<'a>(
        attributes: impl IntoIterator<Item = (&'a String, &'a Value)>,
        users: &ResourceType,
    ) -> Self {
        let mut split = Self::default();
        for (name, value) in attributes {
            let part = if is_core(name, users) {
                &mut split.other
            } else if is_urn(name) {
                &mut split.extensions
            } else {
                &mut split.custom
            };
            part.insert(name.clone(), value.clone());
        }
        split
    }

    /// All attributes under their names, the reverse of [`Attributes::split`].
    ///
    /// # Errors
    /// `invalidValue` for an attribute of an application with the name of a SCIM attribute or a URN.
    pub fn join(self, users: &ResourceType) -> Result<impl Iterator<Item = (String, Value)> + use<>, Error> {
        if let Some(name) = self
            .custom
            .keys()
            .find(|name| is_core(name, users) || is_urn(name))
        {
            return Err(Error::invalid_value(
                &format!("values.{name}"),
                "is the name of a SCIM attribute",
            ));
        }
        Ok(self.other.into_iter().chain(self.extensions).chain(self.custom))
    }
}

/// True if an attribute of the core schema, or `externalId`, has exactly this name. A password is never stored as an attribute.
fn is_core(name: &str, users: &ResourceType) -> bool {
    let readable = |attribute: &Attribute| attribute.mutability != Mutability::WriteOnly;
    let core = users.schema.find(name).filter(|attribute| readable(attribute));
    name == "externalId" || core.is_some_and(|attribute| attribute.name == name)
}

fn is_urn(name: &str) -> bool {
    name.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

fn remove_typed<T: serde::de::DeserializeOwned>(
    core: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>, Error> {
    core.remove(name)
        .map(|value| serde_json::from_value(value).map_err(|error| Error::invalid_value(name, error)))
        .transpose()
}

#[cfg(test)]
mod tests;
