//! argon2i, argon2d and argon2id (RFC 9106) as PHC strings, and the memory in which they are computed.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;

use crate::cost::TimeParameter;
use crate::encoding::to_base64;
use crate::limits::{MAX_ARGON2_KIB_PASSES, MAX_ARGON2_LANES};
use crate::phc::{Phc, check_lengths};
use crate::{Cost, ImportError, Scheme};

/// The memory of argon2. It is kept between checks, so that a check pays for no fresh pages.
#[derive(Default)]
pub struct ScratchMemory(Vec<Block>);

impl ScratchMemory {
    /// True while memory is allocated.
    pub fn is_held(&self) -> bool {
        !self.0.is_empty()
    }

    /// Frees the memory.
    pub fn release(&mut self) {
        self.0 = Vec::new();
    }

    /// The size in bytes.
    pub fn bytes(&self) -> usize {
        self.0.len() * Block::SIZE
    }

    /// Computes argon2 over `password` into `out`.
    ///
    /// # Errors
    /// When a length or a parameter is out of the range of the algorithm.
    pub fn run(
        &mut self,
        context: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let blocks = context.params().block_count();
        if self.0.len() < blocks {
            // Not beside the smaller block, and not with room for more.
            self.release();
            self.0.reserve_exact(blocks);
            self.0.resize(blocks, Block::new());
        }
        context.hash_password_into_with_memory(password, salt, out, self.0.as_mut_slice())
    }
}

/// A hash of argon2.
#[derive(Clone, PartialEq, Eq)]
pub struct Argon2Hash {
    pub(crate) algorithm: Algorithm,
    pub(crate) version: Version,
    pub(crate) params: Params,
    pub(crate) salt: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

impl Argon2Hash {
    /// Parses the text behind `$argon2…$`. Without `v=` the version is 1.0, as in the PHC string format.
    pub(crate) fn parse(algorithm: Algorithm, rest: &str) -> Result<Self, ImportError> {
        let phc = Phc::split(Scheme::Argon2, rest, &["m", "t", "p", "keyid", "data"])?;
        let version = match phc.version {
            None | Some("16") => Version::V0x10,
            Some("19") => Version::V0x13,
            Some(_) => return Err(wrong("the version", "16 or 19")),
        };
        // Both are inputs of the hash that nobody else knows of, and no known system writes them.
        if phc.text("keyid").is_some() || phc.text("data").is_some() {
            return Err(wrong("the list of parameters", "no keyid and no data"));
        }
        let params = (
            phc.number("m", "the memory (m)")?,
            phc.number("t", "the number of passes (t)")?,
            phc.number("p", "the number of lanes (p)")?,
        );
        Self::new((algorithm, version), params, phc.salt, phc.hash)
    }

    /// A hash of these parts. `m`, `t` and `p` are the parameters of RFC 9106 §3.1.
    pub(crate) fn new(
        (algorithm, version): (Algorithm, Version),
        (m, t, p): (u32, u32, u32),
        salt: Vec<u8>,
        hash: Vec<u8>,
    ) -> Result<Self, ImportError> {
        check_lengths(Scheme::Argon2, &salt, &hash)?;
        if salt.len() < argon2::MIN_SALT_LEN {
            return Err(wrong("the salt", "8 bytes or more"));
        }
        let params = Params::new(m, t, p, Some(hash.len())).map_err(|_| {
            wrong(
                "the list of parameters",
                "m of 8 × p or more, t and p of 1 or more",
            )
        })?;
        Ok(Self {
            algorithm,
            version,
            params,
            salt,
            hash,
        })
    }

    /// True if this is argon2id in version 1.3 with these parameters.
    pub fn is_argon2id(&self, memory_kib: u32, iterations: u32, parallelism: u32) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params.m_cost() == memory_kib
            && self.params.t_cost() == iterations
            && self.params.p_cost() == parallelism
    }

    /// Checks that the hash has no more lanes than one that is imported may have.
    pub(crate) fn check_lanes(&self) -> Result<(), ImportError> {
        match self.params.p_cost() > MAX_ARGON2_LANES {
            true => Err(wrong("the number of lanes (p)", "64 at most")),
            false => Ok(()),
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        let memory_kib = u64::from(self.params.m_cost());
        Cost {
            scheme: Scheme::Argon2,
            time: Some(TimeParameter {
                name: "the product of memory in KiB (m) and passes (t)",
                value: memory_kib.saturating_mul(u64::from(self.params.t_cost())),
                limit: MAX_ARGON2_KIB_PASSES,
            }),
            memory_bytes: memory_kib.saturating_mul(1024),
        }
    }

    pub(crate) fn verify(&self, password: &[u8], memory: &mut ScratchMemory) -> Result<bool, ImportError> {
        let mut out = vec![0; self.hash.len()];
        let context = Argon2::new(self.algorithm, self.version, self.params.clone());
        memory
            .run(&context, password, &self.salt, &mut out)
            .map_err(|_| ImportError::parameter(Scheme::Argon2))?;
        Ok(out.ct_eq(&self.hash).into())
    }
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::Argon2, part, expected)
}

impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "${}$v={}$m={},t={},p={}${}${}",
            self.algorithm.as_str(),
            u32::from(self.version),
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
            to_base64(&self.salt),
            to_base64(&self.hash)
        )
    }
}
