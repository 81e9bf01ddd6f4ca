//! `[passwords]` of the configuration: the rules for passwords and the cost of hashing.

use std::path::PathBuf;

use age_format::{InvalidKey, Recipient};
use schemars::JsonSchema;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};

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
    /// Public keys of age. Administrators may export the hashes (`vestibule user export --hashes`), encrypted to each of them; without
    /// a key no hash is exported.
    #[serde(deserialize_with = "recipients")]
    #[schemars(with = "Vec<String>")]
    pub export_recipients: Vec<Recipient>,
    /// Passwords that may wait to be hashed before a sign-in is told to come back.
    pub hash_queue: u16,
    /// A retired key, which is refused with the key that takes its place.
    #[serde(rename = "allow_export", deserialize_with = "refuse_allow_export")]
    #[schemars(skip)]
    pub retired_allow_export: (),
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
            export_recipients: Vec::new(),
            hash_queue: 64,
            retired_allow_export: (),
        }
    }
}

/// Reads public keys of age.
fn recipients<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Recipient>, D::Error> {
    let keys = Vec::<String>::deserialize(deserializer)?;
    let keys = keys.iter().map(|key| key.trim().parse());
    keys.collect::<Result<_, InvalidKey>>().map_err(Error::custom)
}

/// Refuses `allow_export`, with which hashes left the service in plain text.
fn refuse_allow_export<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(Error::custom(
        "this key is retired: hashes are exported where export_recipients names the public keys of age that they are encrypted to",
    ))
}
