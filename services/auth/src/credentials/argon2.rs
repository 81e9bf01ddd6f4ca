//! argon2id (RFC 9106) and PHC strings. A thread keeps its block of memory between jobs.

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;

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

/// The reason why a hash cannot be computed: the stored one is unreadable, or its cost is out of range.
#[derive(Debug, thiserror::Error)]
pub(super) enum Argon2Error {
    #[error("argon2: {0}")]
    Argon2(#[from] argon2::Error),
    #[error("a stored password hash is unreadable: {0}")]
    Stored(#[from] argon2::password_hash::phc::Error),
    #[error("a stored password hash is unreadable")]
    Incomplete,
}

/// The argon2 memory of one thread.
#[derive(Default)]
pub(super) struct ScratchMemory(Vec<Block>);

impl ScratchMemory {
    /// True if memory is allocated.
    pub(super) fn is_held(&self) -> bool {
        !self.0.is_empty()
    }

    /// Frees the memory.
    pub(super) fn release(&mut self) {
        self.0 = Vec::new();
    }

    fn run(
        &mut self,
        context: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
    ) -> Result<[u8; HASH_BYTES], Argon2Error> {
        let blocks = context.params().block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::new());
        }
        let mut out = [0; HASH_BYTES];
        context.hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            &mut out,
            self.0.as_mut_slice(),
        )?;
        Ok(out)
    }
}

/// The hash of `password` at `cost`, as a PHC string: `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`.
pub(super) fn hash(
    scratch: &mut ScratchMemory,
    password: &Password,
    salt: &[u8],
    cost: Cost,
) -> Result<String, Argon2Error> {
    let params = cost.params()?;
    let out = scratch.run(
        &Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone()),
        password,
        salt,
    )?;
    encode(&params, salt, &out)
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
        params: ParamsString::try_from(params).map_err(|_| Argon2Error::Incomplete)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(out)?),
    };
    Ok(phc.to_string())
}

/// Verifies `password`. The first result is true if it matches `stored`, the second if `stored` has another
/// cost than `cost`.
pub(super) fn verify(
    scratch: &mut ScratchMemory,
    password: &Password,
    stored: &str,
    cost: Cost,
) -> Result<(bool, bool), Argon2Error> {
    let phc = PasswordHash::new(stored)?;
    let (Some(salt), Some(expected)) = (phc.salt, phc.hash) else {
        return Err(Argon2Error::Incomplete);
    };
    let params = Params::try_from(&phc).map_err(|_| Argon2Error::Incomplete)?;
    let algorithm = Algorithm::new(phc.algorithm.as_str())?;
    let version = match phc.version {
        Some(version) => Version::try_from(version)?,
        None => Version::V0x13,
    };
    let outdated = algorithm != Algorithm::Argon2id
        || version != Version::V0x13
        || params.m_cost() != cost.memory_kib
        || params.t_cost() != cost.iterations
        || params.p_cost() != cost.parallelism;
    let out = scratch.run(&Argon2::new(algorithm, version, params), password, &salt)?;
    Ok((out.as_slice().ct_eq(expected.as_bytes()).into(), outdated))
}
