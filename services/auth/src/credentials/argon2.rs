//! argon2id (RFC 9106) and PHC strings for new passwords.

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use password_hashes::argon2::ScratchMemory;

use super::Password;

/// The cost of a hash (RFC 9106 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Cost {
    /// The memory that one hash needs, in bytes.
    pub fn memory_bytes(self) -> u64 {
        u64::from(self.memory_kib) * 1024
    }

    fn params(self) -> Result<Params, argon2::Error> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, None)
    }
}

/// Length of a hash, in bytes.
const HASH_BYTES: usize = Params::DEFAULT_OUTPUT_LEN;

/// The reason why a hash cannot be computed: its cost is out of range.
#[derive(Debug, thiserror::Error)]
pub(super) enum Argon2Error {
    #[error("argon2: {0}")]
    Argon2(#[from] argon2::Error),
    #[error("the text of a hash cannot be written: {0}")]
    Phc(#[from] argon2::password_hash::phc::Error),
    #[error("the parameters of a hash cannot be written")]
    Parameters,
}

/// The hash of `password` at `cost`, as a PHC string: `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`.
pub(super) fn hash(
    scratch: &mut ScratchMemory,
    password: &Password,
    salt: &[u8],
    cost: Cost,
) -> Result<String, Argon2Error> {
    let out = compute(scratch, password.expose().as_bytes(), salt, cost)?;
    encode(&cost.params()?, salt, &out)
}

/// argon2id over `password` at `cost`.
pub(super) fn compute(
    scratch: &mut ScratchMemory,
    password: &[u8],
    salt: &[u8],
    cost: Cost,
) -> Result<[u8; HASH_BYTES], argon2::Error> {
    let mut out = [0; HASH_BYTES];
    let context = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
    scratch.run(&context, password, salt, &mut out)?;
    Ok(out)
}

/// The dummy hash, which is verified when there is no stored one: a PHC string of `cost` that no password
/// matches, because `random` stands in place of the hash.
pub(super) fn dummy_hash(cost: Cost, random: &[u8; 48]) -> Result<String, Argon2Error> {
    let (salt, out) = random.split_at(16);
    encode(&cost.params()?, salt, out)
}

fn encode(params: &Params, salt: &[u8], out: &[u8]) -> Result<String, Argon2Error> {
    let phc = PasswordHash {
        algorithm: Ident::new("argon2id")?,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| Argon2Error::Parameters)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(out)?),
    };
    Ok(phc.to_string())
}
