//! Credentials: the hashing pool, the rules for new passwords, and stored password hashes.

mod argon2;
mod hasher;
mod password;
mod policy;
mod queue;
mod resources;
mod settings;
pub(crate) mod store;
mod worker;

pub use self::argon2::Cost;
pub use hasher::{HashError, Hasher, HasherConfig, NewPasswordError, Verdict};
pub use password::{MAX_BYTES, Password};
pub use policy::{PasswordContext, PasswordPolicy, Weakness};
pub use settings::PasswordSettings;

#[cfg(test)]
mod tests;
