//! `[scim]`: passwords, attributes beyond those of the standards, and the limits of bulk requests.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use chassis::config::ConfigError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use scim::bulk::BulkLimits;
use scim::schema::{AttributeConfig, ExtensionConfig, Registry, SchemaConfig};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// The treatment of the passwords of SCIM requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimPasswords {
    /// They are handed to the authentication service.
    Accept,
    /// A request with one is refused.
    Refuse,
    /// They are left out of requests, as if nobody had sent them: some directories send random ones that nobody knows.
    Ignore,
}

impl<'de> Deserialize<'de> for ScimPasswords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScimPasswordsVisitor)
    }
}

/// Reads the words, and the booleans of releases that knew no third value.
struct ScimPasswordsVisitor;

impl Visitor<'_> for ScimPasswordsVisitor {
    type Value = ScimPasswords;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("accept, refuse or ignore")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<ScimPasswords, E> {
        Ok(match value {
            true => ScimPasswords::Accept,
            false => ScimPasswords::Refuse,
        })
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<ScimPasswords, E> {
        match value {
            "accept" | "true" => Ok(ScimPasswords::Accept),
            "refuse" | "false" => Ok(ScimPasswords::Refuse),
            "ignore" => Ok(ScimPasswords::Ignore),
            _ => Err(E::custom("expected accept, refuse or ignore")),
        }
    }
}

impl JsonSchema for ScimPasswords {
    fn schema_name() -> Cow<'static, str> {
        "ScimPasswords".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": ["accept", "refuse", "ignore", true, false]})
    }
}

/// `[scim]`: passwords, and the attributes of users beyond those of the standards (RFC 7643 §3.3, §7).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScimConfig {
    /// The treatment of the passwords of SCIM requests: `accept`, `refuse` or `ignore`. `true` and `false` are `accept` and `refuse`.
    pub passwords: ScimPasswords,
    /// Attributes of users, in the extension `urn:vestibule:params:scim:schemas:extension:configured:1.0:User`.
    pub attributes: Vec<AttributeConfig>,
    /// Extensions with URNs of their own.
    pub extensions: Vec<ExtensionConfig>,
    /// The limits of bulk requests.
    pub bulk: BulkConfig,
}

/// `[scim.bulk]`: the limits of bulk requests (RFC 7644 §3.7.4).
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BulkConfig {
    /// Operations of a request at most.
    pub max_operations: NonZeroU32,
    /// Bytes of a request at most; the share of one source in `limits.body_budget_bytes`, or `limits.body_bytes`, if that is
    /// less.
    pub max_payload_bytes: NonZeroU32,
}

impl Default for BulkConfig {
    fn default() -> Self {
        Self {
            max_operations: NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN),
            max_payload_bytes: NonZeroU32::new(1024 * 1024).unwrap_or(NonZeroU32::MIN),
        }
    }
}

impl BulkConfig {
    /// The limits, where no body may have more than `largest_body` bytes.
    pub(crate) fn limits(&self, largest_body: u64) -> BulkLimits {
        let bytes = u64::from(self.max_payload_bytes.get()).min(largest_body);
        BulkLimits {
            max_operations: usize::try_from(self.max_operations.get()).unwrap_or(usize::MAX),
            max_payload_size: usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }
}

impl Default for ScimConfig {
    fn default() -> Self {
        Self {
            passwords: ScimPasswords::Accept,
            attributes: Vec::new(),
            extensions: Vec::new(),
            bulk: BulkConfig::default(),
        }
    }
}

impl ScimConfig {
    /// The attribute registry of this installation.
    ///
    /// # Errors
    /// The first key that does not fit.
    pub(crate) fn registry(&self) -> Result<Registry, ConfigError> {
        let config = SchemaConfig {
            attributes: self.attributes.clone(),
            extensions: self.extensions.clone(),
        };
        Registry::new(&config)
            .map_err(|invalid| ConfigError::invalid(format!("scim.{}", invalid.key), invalid.reason))
    }
}
