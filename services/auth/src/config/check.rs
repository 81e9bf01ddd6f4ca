//! Checks of the settings beyond their types, and values that are derived from them.

use std::time::Duration;

use aws_lc_rs::hkdf;
use chassis::config::ConfigError;
use chassis::secret::ExposeSecret;

use super::Settings;
use crate::clients::ClientRegistrationMode;
use crate::credentials::{Cost, HasherConfig};
use crate::detail_types::detail_types;
use crate::keys::{RELOAD_INTERVAL, RotationPolicy};
use crate::scopes::Scopes;

/// The minimum memory (KiB) and passes of a password hash (SB-5).
const MIN_HASH_COST: (u32, u32) = (19 * 1024, 2);

impl Settings {
    /// Checks the settings beyond their types.
    ///
    /// # Errors
    /// The first invalid key, and what is expected.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (memory, passes) = MIN_HASH_COST;
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
        Scopes::new(&self.scopes).map_err(|invalid| ConfigError::invalid(&invalid.key, invalid.reason))?;
        detail_types(&self.authorization_details)
            .map_err(|invalid| ConfigError::invalid(&invalid.key, invalid.reason))?;
        let inside = self.users.effective_url();
        if !matches!(inside.scheme(), "https" | "http") || inside.host_str().is_none() {
            let expected = "expected an https:// or http:// URL";
            return Err(ConfigError::invalid("users.internal_url", expected));
        }
        if !self.issuer.is_secure() && !self.issuer.is_loopback() && !self.allow_insecure_issuer {
            return Err(ConfigError::invalid(
                "issuer",
                "expected https://, since passwords and sessions could be read on the way over http://; for a trial in \
                 a network of your own set allow_insecure_issuer = true",
            ));
        }
        self.check_client_registration()?;
        self.events.check()
    }

    /// People have to be asked before an application of a stranger gets access (SB-29).
    fn check_client_registration(&self) -> Result<(), ConfigError> {
        let rules = &self.registration;
        if rules.clients == ClientRegistrationMode::Open && !rules.require_consent {
            return Err(ConfigError::invalid(
                "registration.require_consent",
                "expected true with registration.clients = \"open\": anybody could register an application that gets access \
                 without a question",
            ));
        }
        let types = &rules.authorization_details_types;
        if !types
            .iter()
            .all(|name| self.authorization_details.contains_key(name))
        {
            return Err(ConfigError::invalid(
                "registration.authorization_details_types",
                "expected names of types that [authorization_details] has",
            ));
        }
        Ok(())
    }

    /// The settings of the hashing pool.
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

    /// The rotation policy of the signing keys. A retired key is retained for the lifetime of an access token,
    /// two reload intervals, and a minute of clock skew.
    pub(crate) fn rotation_policy(&self) -> RotationPolicy {
        let access = Duration::from_secs(u64::from(self.tokens.access_seconds));
        RotationPolicy {
            rotate: Duration::from_secs(u64::from(self.keys.rotate_days) * 86_400),
            publish_ahead: Duration::from_secs(u64::from(self.keys.publish_ahead_hours) * 3600),
            retain_retired: access + 2 * RELOAD_INTERVAL + Duration::from_secs(60),
            retain_public: self.sessions.absolute(),
        }
    }

    /// Derives a secret for `purpose` from the active encryption key (HKDF, RFC 5869). Every replica derives
    /// the same one.
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
