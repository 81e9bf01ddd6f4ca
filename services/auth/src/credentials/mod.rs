//! Credentials: the pool that hashes passwords, and the rules for choosing one.

mod hasher;

pub use hasher::Hasher;
