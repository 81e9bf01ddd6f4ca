//! Credentials: the pool that hashes passwords, and the rules for choosing one.

mod hasher;
mod password;
mod policy;
mod queue;
mod resources;
pub(crate) mod store;
mod work;
mod worker;

pub use hasher::{ChooseError, HashError, Hasher, HasherConfig, Verdict};
pub use password::{MAX_BYTES, Password};
pub use policy::{Context, Policy, Weakness};
pub use work::Cost;

#[cfg(test)]
mod tests;
