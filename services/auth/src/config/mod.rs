//! The settings of the service: the types of the configuration file.

mod check;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use brokers::EventsConfig;
use chassis::cipher::EncryptionSettings;
use chassis::config::{LimitsConfig, ListenConfig, LogConfig, TracesConfig};
use chassis::db::DbConfig;
use chassis::http::PublicUrl;
use chassis::secret::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;
use webhooks::WebhooksConfig;

use crate::clients::ClientSettings;
use crate::pages::BrandConfig;

/// The whole configuration file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The public URL of this service (OpenID Connect Discovery §3, `issuer`), without a slash at the end. It may have a
    /// path: `https://example.org/idp`.
    pub issuer: PublicUrl,
    /// Whether `issuer` may be `http` although it is not this machine alone: whoever can listen on the way sees
    /// passwords and takes over sessions. For a trial in a network of your own.
    #[serde(default)]
    pub allow_insecure_issuer: bool,
    /// Seconds to go on serving after SIGTERM, until load balancers have noticed.
    #[serde(default = "default_drain_seconds")]
    pub drain_seconds: u64,
    /// Where the service answers.
    pub listen: ListenConfig,
    /// Where it keeps its data.
    pub database: DbConfig,
    /// What it logs, and how.
    #[serde(default)]
    pub log: LogConfig,
    /// Where traces go.
    #[serde(default)]
    pub traces: TracesConfig,
    /// What a request may cost.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// How events travel and how long they are kept.
    #[serde(default)]
    pub events: EventsConfig,
    /// Where events are sent, and how.
    #[serde(default)]
    pub webhooks: WebhooksConfig,
    /// What secrets in the database are encrypted under.
    pub encryption: EncryptionSettings,
    /// Applications and services that ask for tokens, by their `client_id`.
    #[serde(default)]
    pub clients: BTreeMap<String, ClientSettings>,
    /// The user service.
    pub users: UsersSettings,
    /// Who this service is when it calls the user service.
    pub service: ServiceSettings,
    /// Where passwords are concerned.
    #[serde(default)]
    pub passwords: PasswordSettings,
    /// How failed sign-ins are slowed down.
    #[serde(default)]
    pub throttle: ThrottleSettings,
    /// How long sessions live.
    #[serde(default)]
    pub sessions: SessionSettings,
    /// How many authorization requests may wait.
    #[serde(default)]
    pub authorization: AuthorizationSettings,
    /// How long tokens live.
    #[serde(default)]
    pub tokens: TokenSettings,
    /// Whether people may make accounts.
    #[serde(default)]
    pub registration: RegistrationSettings,
    /// What the pages show.
    #[serde(default)]
    pub brand: BrandConfig,
    /// `POST /authenticate`.
    #[serde(default)]
    pub authenticate: AuthenticateSettings,
    /// The rotation of signing keys.
    #[serde(default)]
    pub keys: KeySettings,
}

fn default_drain_seconds() -> u64 {
    5
}

/// `[users]`: the user service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsersSettings {
    /// Its public URL, which is the audience of tokens for it.
    pub url: PublicUrl,
    /// Where this service reaches it, when that is not its public URL: `http://vestibule-users:8001` in a cluster.
    #[serde(default)]
    pub internal_url: Option<Url>,
}

impl UsersSettings {
    /// The URL under which this service reaches the user service: `internal_url`, or else `url`.
    pub fn effective_url(&self) -> &Url {
        self.internal_url.as_ref().unwrap_or(self.url.url())
    }
}

/// `[service]`: this service as a client of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSettings {
    /// Its `client_id`.
    pub client_id: String,
    /// Its secret, if it is to get its tokens as every other client does; without one it issues them to itself.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretString>,
}

/// `[passwords]`: the rules and the cost of hashing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordSettings {
    /// Characters at least.
    pub min_length: u16,
    /// argon2id's memory, in KiB.
    pub argon2_memory_kib: u32,
    /// argon2id's passes.
    pub argon2_iterations: u32,
    /// argon2id's lanes.
    pub argon2_parallelism: u32,
    /// Threads that hash; without it, from the cores and the memory of the container.
    pub hash_threads: Option<u16>,
    /// A list of breached passwords beside the one that is compiled in: a file that `vestibule breach-list build` made. It is
    /// held in memory.
    pub breach_list: Option<PathBuf>,
    /// Passwords that may wait to be hashed before a sign-in is told to come back.
    pub hash_queue: u16,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            min_length: 15,
            argon2_memory_kib: 19 * 1024,
            argon2_iterations: 2,
            argon2_parallelism: 1,
            hash_threads: None,
            breach_list: None,
            hash_queue: 64,
        }
    }
}

/// `[throttle]`: how failed sign-ins are slowed down.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleSettings {
    /// Failures in a row from one address that cost no delay. Raise it when many people share an address.
    pub source_failures: u32,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self { source_failures: 100 }
    }
}

/// `[sessions]`: how long a sign-in lasts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// Minutes without use after which a session ends.
    pub idle_minutes: u32,
    /// Hours after which a session ends, used or not.
    pub absolute_hours: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            idle_minutes: 8 * 60,
            absolute_hours: 24 * 7,
        }
    }
}

impl SessionSettings {
    /// [`Self::idle_minutes`] as a duration.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.idle_minutes) * 60)
    }

    /// [`Self::absolute_hours`] as a duration.
    pub fn absolute(&self) -> Duration {
        Duration::from_secs(u64::from(self.absolute_hours) * 3600)
    }
}

/// `[authorization]`: authorization requests that wait while a person signs in, for 10 minutes at most. One that finds
/// no room still works, unless it is large or asks for a new sign-in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationSettings {
    /// Requests from one address that may wait. Raise it when very many people share an address.
    pub waiting_per_source: u32,
    /// Requests that may wait in all. Each takes 12 KiB at most.
    pub waiting_in_all: u32,
}

impl Default for AuthorizationSettings {
    fn default() -> Self {
        Self {
            waiting_per_source: 500,
            waiting_in_all: 20_000,
        }
    }
}

/// `[tokens]`: how long what is given to applications is good.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// Seconds that an access token is good for.
    pub access_seconds: u32,
    /// Seconds that an authorization code is good for; 60 at most (SB-21).
    pub code_seconds: u32,
    /// Days after which a family of refresh tokens ends, used or not.
    pub refresh_days: u32,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            access_seconds: 300,
            code_seconds: 60,
            refresh_days: 30,
        }
    }
}

/// `[registration]`: whether people may make accounts by themselves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationSettings {
    /// Whether `/register` is open to everybody.
    pub open: bool,
    /// People who may register in an hour from one address (an IPv6 /48); 0 for no limit. Raise it when many people share
    /// an address.
    pub hourly_per_source: u32,
    /// People who may register in an hour in all; 0 for no limit.
    pub hourly: u32,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self {
            open: true,
            hourly_per_source: 30,
            hourly: 1000,
        }
    }
}

/// `[authenticate]`: the direct sign-in of first-party applications.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthenticateSettings {
    /// Whether `POST /authenticate` answers.
    pub enabled: bool,
}

impl Default for AuthenticateSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `[keys]`: when signing keys change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// Days that a key signs.
    pub rotate_days: u32,
    /// Hours that a key is published before it signs (SB-37).
    pub publish_ahead_hours: u32,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            rotate_days: 90,
            publish_ahead_hours: 24,
        }
    }
}
