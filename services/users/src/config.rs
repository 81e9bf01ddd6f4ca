//! The settings of the service, as the operator writes them.

mod scim;
#[cfg(test)]
mod tests;

use brokers::EventsConfig;
use chassis::cipher::EncryptionSettings;
use chassis::config::{ConfigError, LimitsConfig, ListenConfig, LogConfig, TracesConfig};
use chassis::db::DbConfig;
use chassis::http::PublicUrl;
use provisioning::ProvisioningConfig;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;
use webhooks::WebhooksConfig;

use crate::provisioning_clients::TokenLimits;
use crate::users::{GracePeriod, ReservedNames};

pub use self::scim::{BulkConfig, ScimConfig, ScimPasswords};

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
    /// The pushes of users and groups to applications.
    #[serde(default)]
    pub provisioning: ProvisioningConfig,
    /// The rules for the user names that may be given out.
    #[serde(default)]
    pub user_names: UserNamesConfig,
    /// The attributes of users beyond those of the standards.
    #[serde(default)]
    pub scim: ScimConfig,
    /// The limits on the tokens of provisioning clients.
    #[serde(default)]
    pub provisioning_clients: ProvisioningClientsConfig,
    /// The keys that secrets in the database are encrypted under. Without it there are neither webhooks
    /// nor provisioning targets.
    pub encryption: Option<EncryptionSettings>,
    /// The grace period of deleted users.
    #[serde(default)]
    pub deletion: DeletionConfig,
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
        self.provisioning_clients.check()?;
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

/// `[provisioning_clients]`: limits on the tokens of clients that provision over SCIM.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProvisioningClientsConfig {
    /// Days for which a token is valid at most, and if no other number is asked for: 1 to 3650.
    pub max_token_days: u16,
    /// Days before the end of a client's last token from which on a warning is logged.
    pub warn_days: u16,
}

impl Default for ProvisioningClientsConfig {
    fn default() -> Self {
        Self {
            max_token_days: 365,
            warn_days: 30,
        }
    }
}

impl ProvisioningClientsConfig {
    fn check(self) -> Result<(), ConfigError> {
        match (1..=3650).contains(&self.max_token_days) {
            true => Ok(()),
            false => Err(ConfigError::invalid(
                "provisioning_clients.max_token_days",
                "expected a number from 1 to 3650",
            )),
        }
    }

    pub(crate) fn limits(self) -> TokenLimits {
        TokenLimits {
            max_days: self.max_token_days,
            warn_days: self.warn_days,
        }
    }
}

/// `[deletion]`: what becomes of deleted users.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeletionConfig {
    /// Days for which a deleted user can be restored, and is erased after. 0: a deletion erases at once. A change holds for users who
    /// are deleted already, too.
    pub grace_days: u32,
}

impl Default for DeletionConfig {
    fn default() -> Self {
        Self { grace_days: 30 }
    }
}

impl DeletionConfig {
    pub(crate) fn grace(&self) -> GracePeriod {
        GracePeriod::of_days(self.grace_days)
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
