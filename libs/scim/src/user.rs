//! The `User` resource (RFC 7643 §4.1, §4.3), parsed from and serialized to JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Error;
use crate::schema::{CORE_USER, CUSTOM_USER, USER, USER_EXTENSIONS, canonicalize};
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
    /// Every other attribute of the core schema, under its canonical name.
    pub other: Map<String, Value>,
    /// Extensions by URN.
    pub extensions: Map<String, Value>,
    /// The attributes that applications define: `values` of [`CUSTOM_USER`].
    pub custom: Map<String, Value>,
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
    /// The names of the user's groups.
    pub groups: &'a [String],
}

impl User {
    /// Parses a body of POST or PUT.
    ///
    /// # Errors
    /// `invalidSyntax` or `invalidValue`, naming the attribute.
    pub fn from_json(body: &Value) -> Result<Self, Error> {
        let members = body
            .as_object()
            .ok_or_else(|| Error::invalid_syntax("the body must be a JSON object"))?;
        let (mut core, mut extensions) = (Map::new(), Map::new());
        let mut schemas = None;
        for (name, value) in members {
            if name.eq_ignore_ascii_case("schemas") {
                schemas = Some(value);
            } else if let Some(schema) = extension(name) {
                let Value::Object(inner) = value else {
                    return Err(Error::invalid_value(schema.id, "expected an object"));
                };
                let read = canonicalize(inner, schema.attributes, schema.id)?;
                if extensions
                    .insert(schema.id.to_owned(), Value::Object(read))
                    .is_some()
                {
                    return Err(Error::invalid_syntax(format!(
                        "{}: stands in the body twice",
                        schema.id
                    )));
                }
            } else if !is_set_by_server(name) {
                core.insert(name.clone(), value.clone());
            }
        }
        check_schemas(schemas)?;
        extensions.retain(|_, value| value.as_object().is_some_and(|members| !members.is_empty()));
        Self::from_canonical(canonicalize(&core, USER.attributes, "")?, extensions)
    }

    fn from_canonical(
        mut core: Map<String, Value>,
        mut extensions: Map<String, Value>,
    ) -> Result<Self, Error> {
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
        if !meta.groups.is_empty() {
            let groups: Vec<Value> = meta
                .groups
                .iter()
                .map(|name| json!({"value": name, "display": name}))
                .collect();
            put("groups", groups.into());
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
    /// Sorts attributes by their names: those of the core schema, URNs of extensions, and the others.
    pub fn split<'a>(attributes: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Self {
        let mut split = Self::default();
        for (name, value) in attributes {
            let part = if is_core(name) {
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
    pub fn join(self) -> Result<impl Iterator<Item = (String, Value)>, Error> {
        if let Some(name) = self.custom.keys().find(|name| is_core(name) || is_urn(name)) {
            return Err(Error::invalid_value(
                &format!("values.{name}"),
                "is the name of a SCIM attribute",
            ));
        }
        Ok(self.other.into_iter().chain(self.extensions).chain(self.custom))
    }
}

fn is_core(name: &str) -> bool {
    USER.attributes.iter().any(|attribute| attribute.name == name)
}

fn is_urn(name: &str) -> bool {
    name.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

fn extension(name: &str) -> Option<&'static crate::schema::Schema> {
    USER_EXTENSIONS
        .iter()
        .find(|schema| schema.id.eq_ignore_ascii_case(name))
}

/// True if the server sets the attribute (`id`, `meta`): a client may send back what it read (RFC 7644 §3.3,
/// §3.5.1).
fn is_set_by_server(name: &str) -> bool {
    name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("meta")
}

fn check_schemas(schemas: Option<&Value>) -> Result<(), Error> {
    let Some(Value::Array(urns)) = schemas else {
        return Err(Error::invalid_value("schemas", "expected a list of schema URNs"));
    };
    let mut has_core = false;
    for urn in urns {
        let Value::String(urn) = urn else {
            return Err(Error::invalid_value("schemas", "expected a list of schema URNs"));
        };
        if urn.eq_ignore_ascii_case(CORE_USER) {
            has_core = true;
        } else if extension(urn).is_none() {
            return Err(Error::invalid_value(
                "schemas",
                "names a schema that this server does not know",
            ));
        }
    }
    if has_core {
        Ok(())
    } else {
        Err(Error::invalid_value(
            "schemas",
            format_args!("must name {CORE_USER}"),
        ))
    }
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
