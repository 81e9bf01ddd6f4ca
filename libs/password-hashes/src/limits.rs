//! The bounds of an imported hash: the length of its text, and the time and memory of one check.
//!
//! Each bound of time is the cost at which one check keeps a core busy for about a second. The most expensive defaults of
//! current systems stay below: Django 5.2 (PBKDF2, 1,000,000 iterations), Keycloak 26 (PBKDF2, 1,300,000 iterations), passlib
//! (SHA-crypt, 656,000 rounds), and argon2id with 64 MiB and 4 passes.

/// The maximum length of a text, in bytes. The longest known form is a Keycloak credential of some 700 bytes.
pub const MAX_TEXT_BYTES: usize = 4096;

/// The maximum memory of one check, in bytes.
pub const MAX_MEMORY_BYTES: u64 = 256 * 1024 * 1024;

/// argon2: the maximum product of memory in KiB and passes.
pub const MAX_ARGON2_KIB_PASSES: u64 = 1024 * 1024;

/// argon2: the maximum number of lanes.
pub const MAX_ARGON2_LANES: u32 = 64;

/// bcrypt: the maximum cost, the binary logarithm of the number of rounds.
pub const MAX_BCRYPT_COST: u32 = 14;

/// scrypt: the maximum product of N, r and p (RFC 7914 §2).
pub const MAX_SCRYPT_NRP: u64 = 2 * 1024 * 1024;

/// PBKDF2: the maximum number of iterations (RFC 8018 §5.2).
pub const MAX_PBKDF2_ITERATIONS: u32 = 2_000_000;

/// SHA-crypt: the maximum number of rounds.
pub const MAX_SHA_CRYPT_ROUNDS: u32 = 1_000_000;

/// phpass: the maximum binary logarithm of the number of rounds.
pub const MAX_PHPASS_LOG2_ROUNDS: u32 = 18;

/// SHA-crypt and phpass hash the password in every round. A password with which one check would hash more bytes than this is
/// not checked and does not match.
pub const MAX_HASHED_BYTES: u64 = 512 * 1024 * 1024;
