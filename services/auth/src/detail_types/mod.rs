//! `[authorization_details.TYPE]` of the configuration: the types of `authorization_details` (RFC 9396).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use oidc::authorization_details::{DetailType, DetailTypes, Schema};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The most characters of a description.
const MAX_DESCRIPTION: usize = 200;

/// The longest name of a type.
const MAX_NAME: usize = 255;

/// `[authorization_details.TYPE]`: a type of `authorization_details`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailTypeSettings {
    /// The words for it: an application's permission, as people read it on the consent page: `Start a payment`.
    pub description: String,
    /// The members of a detail beside `type`: a JSON Schema of an object with `properties`, `required`, `items`, `enum` and limits, without
    /// references and patterns. A member that is not listed is refused.
    #[serde(default)]
    pub schema: Map<String, Value>,
}

/// A type of the configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct InvalidDetailType {
    /// The key.
    pub key: String,
    /// The expected value.
    pub reason: String,
}

/// The types of the configuration.
///
/// # Errors
/// [`InvalidDetailType`] names the key.
pub fn detail_types(
    settings: &BTreeMap<String, DetailTypeSettings>,
) -> Result<DetailTypes, InvalidDetailType> {
    let mut types = DetailTypes::default();
    for (name, settings) in settings {
        let invalid = |key: String, reason: &str| {
            let reason = reason.to_owned();
            Err(InvalidDetailType { key, reason })
        };
        let key = format!("authorization_details.{name}");
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_name_char) {
            return invalid(
                key,
                "expected a name of 1 to 255 printable ASCII characters without spaces and quotes",
            );
        }
        let description = settings.description.trim();
        if description.is_empty()
            || description.chars().count() > MAX_DESCRIPTION
            || description.chars().any(char::is_control)
        {
            return invalid(
                format!("{key}.description"),
                "expected 1 to 200 printable characters",
            );
        }
        let schema = match Schema::parse(&Value::Object(settings.schema.clone())) {
            Ok(schema) => schema,
            Err(error) => return invalid(format!("{key}.schema"), &error.to_string()),
        };
        let description = description.to_owned();
        types.add(name, DetailType { description, schema });
    }
    Ok(types)
}

fn is_name_char(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')
}
