//! Credentials: the hashing pool, the rules for new passwords, and stored password hashes.

mod argon2;
mod hasher;
mod password;
mod passwords;
mod policy;
mod queue;
mod resources;
mod settings;
mod spare_memory;
mod store;
mod verification;
mod worker;

pub use self::argon2::Cost;
pub use hasher::{HashError, Hasher, HasherConfig, NewPasswordError, Verdict};
pub use password::{MAX_BYTES, Password};
pub use passwords::{Passwords, PersonalContext};
pub use policy::{PasswordContext, PasswordPolicy, Weakness};
pub use settings::PasswordSettings;
pub(crate) use store::{
    changed_since, find_hash, find_hashes, has_password, hashes_after, rehash, set_password, set_passwords,
};

#[cfg(test)]
mod tests;
