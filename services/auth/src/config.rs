//! The settings of the service, as the operator writes them.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::hkdf;
use chassis::config::{ConfigError, LimitsConfig, ListenConfig, LogConfig, TracesConfig};
use chassis::db::DbConfig;
use chassis::secret::{ExposeSecret, SecretString};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::clients::ClientSettings;
use crate::credentials::{Cost, HasherConfig};
use crate::keys::EncryptionSettings;
use crate::pages::BrandConfig;

/// The whole configuration file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The public URL of this service (OpenID Connect Discovery §3, `issuer`), without a slash at the end.
    pub issuer: Url,
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
    pub url: Url,
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
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self { open: true }
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

/// The least that a password's hash may cost (SB-5).
const LEAST: (u32, u32) = (19 * 1024, 2);

impl Settings {
    /// What the types alone cannot tell.
    ///
    /// # Errors
    /// The first key that is wrong, and what is expected.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (memory, passes) = LEAST;
        let passwords = &self.passwords;
        let least = |key: &str, value: u32, least: u32| match value < least {
            true => Err(ConfigError::invalid(key, format!("expected {least} at least"))),
            false => Ok(()),
        };
        let most = |key: &str, value: u32, most: u32| match value > most {
            true => Err(ConfigError::invalid(key, format!("expected {most} at most"))),
            false => Ok(()),
        };
        least("passwords.min_length", u32::from(passwords.min_length), 8)?;
        most("passwords.min_length", u32::from(passwords.min_length), 256)?;
        least("passwords.argon2_memory_kib", passwords.argon2_memory_kib, memory)?;
        least("passwords.argon2_iterations", passwords.argon2_iterations, passes)?;
        least("passwords.argon2_parallelism", passwords.argon2_parallelism, 1)?;
        least("passwords.hash_queue", u32::from(passwords.hash_queue), 1)?;
        least("sessions.idle_minutes", self.sessions.idle_minutes, 1)?;
        least("sessions.absolute_hours", self.sessions.absolute_hours, 1)?;
        least("tokens.access_seconds", self.tokens.access_seconds, 60)?;
        most("tokens.access_seconds", self.tokens.access_seconds, 3600)?;
        least("tokens.code_seconds", self.tokens.code_seconds, 1)?;
        // SB-21
        most("tokens.code_seconds", self.tokens.code_seconds, 60)?;
        least("tokens.refresh_days", self.tokens.refresh_days, 1)?;
        least("keys.rotate_days", self.keys.rotate_days, 1)?;
        for (key, url) in [("issuer", &self.issuer), ("users.url", &self.users.url)] {
            if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
                return Err(ConfigError::invalid(key, "expected an https:// or http:// URL"));
            }
        }
        Ok(())
    }

    /// The pool that hashes passwords.
    pub(crate) fn hasher(&self) -> HasherConfig {
        let passwords = &self.passwords;
        HasherConfig {
            cost: Cost {
                memory_kib: passwords.argon2_memory_kib,
                iterations: passwords.argon2_iterations,
                parallelism: passwords.argon2_parallelism,
            },
            threads: passwords.hash_threads.map(usize::from),
            queue: usize::from(passwords.hash_queue),
        }
    }

    /// A secret that every replica derives alike from the active encryption key, of its own for each purpose (RFC 5869).
    ///
    /// # Errors
    /// When the active key is not among the keys.
    pub(crate) fn secret_for(&self, purpose: &str) -> Result<[u8; 32], ConfigError> {
        let missing = || {
            ConfigError::invalid(
                "encryption.active",
                "expected the name of a key in [encryption.keys]",
            )
        };
        let key = self
            .encryption
            .keys
            .get(&self.encryption.active)
            .ok_or_else(missing)?;
        let prk =
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"vestibule").extract(key.expose_secret().trim().as_bytes());
        let mut secret = [0; 32];
        prk.expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut secret))
            .map_err(|_| missing())?;
        Ok(secret)
    }
}
