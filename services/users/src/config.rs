//! The settings of the service, as the operator writes them.

use brokers::EventsConfig;
use chassis::cipher::EncryptionSettings;
use chassis::config::{ConfigError, LimitsConfig, ListenConfig, LogConfig, TracesConfig};
use chassis::db::DbConfig;
use chassis::http::PublicUrl;
use schemars::JsonSchema;
use scim::schema::{AttributeConfig, ExtensionConfig, Registry, SchemaConfig};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;
use webhooks::WebhooksConfig;

use crate::users::ReservedNames;

/// The whole configuration file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The public URL of this service, which is also the audience of the tokens that it takes (RFC 8707). It may have a
    /// path: `https://example.org/users`.
    pub url: PublicUrl,
    /// Seconds of service after SIGTERM, while load balancers notice.
    #[serde(default = "default_drain_seconds")]
    pub drain_seconds: u64,
    /// The addresses and ports that the service answers on.
    pub listen: ListenConfig,
    /// The database that holds the service's data.
    pub database: DbConfig,
    /// The content and the format of the log.
    #[serde(default)]
    pub log: LogConfig,
    /// The destination of traces.
    #[serde(default)]
    pub traces: TracesConfig,
    /// The limits on the cost of a request.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// The transport of events and the time for which they are kept.
    #[serde(default)]
    pub events: EventsConfig,
    /// The delivery of events to webhooks.
    #[serde(default)]
    pub webhooks: WebhooksConfig,
    /// The rules for the user names that may be given out.
    #[serde(default)]
    pub user_names: UserNamesConfig,
    /// The attributes of users beyond those of the standards.
    #[serde(default)]
    pub scim: ScimConfig,
    /// The keys that secrets in the database are encrypted under. Without it there are no webhooks.
    pub encryption: Option<EncryptionSettings>,
    /// The authentication service.
    pub auth: AuthSettings,
}

impl Settings {
    /// Checks the rules that the types alone cannot express.
    ///
    /// # Errors
    /// The first key that is wrong, and what is expected.
    pub fn check(&self) -> Result<(), ConfigError> {
        let inside = self.auth.reached_at();
        if !matches!(inside.scheme(), "https" | "http") || inside.host_str().is_none() {
            let expected = "expected an https:// or http:// URL";
            return Err(ConfigError::invalid("auth.internal_url", expected));
        }
        self.user_names.reserved()?;
        self.scim.registry()?;
        self.events.check()
    }

    /// [`Self::url`] as tokens name it: without a slash at the end.
    pub fn audience(&self) -> &str {
        self.url.as_str()
    }
}

/// `[user_names]`: which user names may be given out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserNamesConfig {
    /// User names that only members of `vestibule-admins` may have, with all names that look like one of them (UTS #39 §4).
    /// People who have such a name already keep it. The names of groups are nobody's in any case.
    #[serde(default = "default_reserved")]
    pub reserved: Vec<String>,
}

impl Default for UserNamesConfig {
    fn default() -> Self {
        Self {
            reserved: default_reserved(),
        }
    }
}

impl UserNamesConfig {
    /// [`Self::reserved`], to compare with.
    ///
    /// # Errors
    /// When one is no user name.
    pub(crate) fn reserved(&self) -> Result<ReservedNames, ConfigError> {
        ReservedNames::new(self.reserved.iter().map(String::as_str))
            .map_err(|error| ConfigError::invalid("user_names.reserved", error.to_string()))
    }
}

/// `[scim]`: the attributes of users beyond those of the standards (RFC 7643 §3.3, §7).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScimConfig {
    /// Attributes of users, in the extension `urn:vestibule:params:scim:schemas:extension:configured:1.0:User`.
    #[serde(default)]
    pub attributes: Vec<AttributeConfig>,
    /// Extensions with URNs of their own.
    #[serde(default)]
    pub extensions: Vec<ExtensionConfig>,
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

fn default_reserved() -> Vec<String> {
    const NAMES: [&str; 18] = [
        "admin",
        "administrator",
        "anonymous",
        "everyone",
        "hostmaster",
        "me",
        "moderator",
        "nobody",
        "operator",
        "postmaster",
        "root",
        "security",
        "superuser",
        "support",
        "sysadmin",
        "system",
        "vestibule",
        "webmaster",
    ];
    NAMES.map(str::to_owned).to_vec()
}

/// `[auth]`: whose tokens are believed, and who this service is there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// The issuer (OpenID Connect Discovery §3), without a slash at the end.
    pub issuer: PublicUrl,
    /// The URL at which this service reaches the issuer, when that is not its public URL:
    /// `http://vestibule-auth:8000` in a cluster.
    #[serde(default)]
    pub internal_url: Option<Url>,
    /// The `client_id` of this service.
    #[serde(default = "default_client_id")]
    pub client_id: String,
    /// The secret of this service.
    #[schemars(with = "String")]
    pub client_secret: SecretString,
    /// The `client_id` of the authentication service: the only one that may register people.
    #[serde(default = "default_registrar")]
    pub registrar: String,
}

impl AuthSettings {
    /// [`Self::issuer`] as tokens name it: without a slash at the end.
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// The URL at which the issuer is asked.
    pub fn reached_at(&self) -> &Url {
        self.internal_url.as_ref().unwrap_or(self.issuer.url())
    }
}

fn default_drain_seconds() -> u64 {
    5
}

fn default_client_id() -> String {
    "vestibule-users".to_owned()
}

fn default_registrar() -> String {
    "vestibule-auth".to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_sample_configuration_is_read() {
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/users.sample.toml"));
        let settings: Settings = chassis::config::load("users", Some(file), std::iter::empty()).unwrap();
        assert_eq!(settings.audience(), "http://localhost:8001");
        assert_eq!(settings.auth.issuer(), "http://localhost:8000");
        assert_eq!(settings.auth.registrar, default_registrar());
    }

    #[test]
    fn the_kafka_settings_of_the_sample_are_read_when_they_are_no_comment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.toml");
        let sample = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/users.sample.toml"));
        let sample = std::fs::read_to_string(sample).unwrap();
        let read = |text: &str| -> Settings {
            std::fs::write(&file, text).unwrap();
            chassis::config::load("users", Some(&file), std::iter::empty()).unwrap()
        };
        let chosen = sample.replacen("transport = \"feed\"", "transport = \"kafka\"", 1);
        assert_eq!(read(&chosen).check().unwrap_err().key(), "events.kafka");
        let mut inside = false;
        let lines: Vec<String> = chosen
            .lines()
            .map(|line| {
                let bare = line.strip_prefix("# ").unwrap_or_default();
                if bare.starts_with('[') {
                    inside = bare.starts_with("[events.kafka");
                }
                // Keys, and not the sentences about them.
                let key = bare.starts_with('[')
                    || bare.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
                if inside && key { bare } else { line }
                    .replace("password_file = \"/run/secrets/kafka\"", "password = \"x\"")
            })
            .collect();
        let settings = read(&lines.join("\n"));
        settings.check().unwrap();
        let kafka = settings.events.kafka.unwrap();
        assert_eq!((kafka.brokers.len(), kafka.partitions.get()), (2, 16));
        assert_eq!(kafka.sasl.unwrap().user, "vestibule-users");
    }

    #[test]
    fn the_sample_shows_every_default_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.toml");
        let least = "url = \"http://localhost:8001\"\n\
            listen = { address = \"127.0.0.1:8001\", management = \"127.0.0.1:9001\" }\n\
            database = { url = \"sqlite:users.db\" }\n\
            auth = { issuer = \"http://localhost:8000\", client_secret = \"replace me; better, client_secret_file\" }\n";
        std::fs::write(&file, least).unwrap();
        let defaults: Settings = chassis::config::load("users", Some(&file), std::iter::empty()).unwrap();
        let sample = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/users.sample.toml"));
        let sample: Settings = chassis::config::load("users", Some(sample), std::iter::empty()).unwrap();
        assert_eq!(format!("{defaults:?}"), format!("{sample:?}"));
    }
}
