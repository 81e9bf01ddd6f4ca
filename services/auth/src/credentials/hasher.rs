//! The bounded pool that hashes passwords.

/// Hashes and verifies passwords on threads of its own.
#[derive(Clone, Debug)]
pub struct Hasher;
