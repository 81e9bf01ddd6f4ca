//! `[passwords]` of the configuration: the rules for passwords and the cost of hashing.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

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
