//! scrypt (RFC 7914): `$scrypt$ln=LOG2_N,r=R,p=P$SALT$HASH`.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::cost::TimeParameter;
use crate::encoding::to_base64;
use crate::limits::MAX_SCRYPT_NRP;
use crate::phc::{Phc, check_lengths};
use crate::{Cost, ImportError, Scheme};

/// The parameters of scrypt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScryptParams {
    /// The binary logarithm of N.
    pub(crate) log_n: u8,
    pub(crate) r: u32,
    pub(crate) p: u32,
}

impl ScryptParams {
    /// Checks that each is in a range in which nothing overflows.
    pub(crate) fn new(scheme: Scheme, log_n: u32, r: u32, p: u32) -> Result<Self, ImportError> {
        let wrong = |part, expected| ImportError::malformed(scheme, part, expected);
        let log_n = u8::try_from(log_n)
            .ok()
            .filter(|log_n| (1..32).contains(log_n))
            .ok_or_else(|| wrong("the binary logarithm of N (ln)", "1 to 31"))?;
        if !(1..=1024).contains(&r) {
            return Err(wrong("the block size (r)", "1 to 1024"));
        }
        if !(1..=1024).contains(&p) {
            return Err(wrong("the parallelization (p)", "1 to 1024"));
        }
        Ok(Self { log_n, r, p })
    }

    pub(crate) fn cost(self, scheme: Scheme) -> Cost {
        let (n, r, p) = (1_u64 << self.log_n, u64::from(self.r), u64::from(self.p));
        Cost {
            scheme,
            time: Some(TimeParameter {
                name: "the product of N, r and p",
                value: n * r * p,
                limit: MAX_SCRYPT_NRP,
            }),
            // RFC 7914 §6: the vector V of N blocks, one block, and the input B of p blocks.
            memory_bytes: 128 * r * (n + 1 + p),
        }
    }

    /// Computes scrypt into `out`.
    pub(crate) fn run(
        self,
        scheme: Scheme,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), ImportError> {
        let params =
            scrypt::Params::new(self.log_n, self.r, self.p).map_err(|_| ImportError::parameter(scheme))?;
        scrypt::scrypt(password, salt, &params, out).map_err(|_| ImportError::parameter(scheme))
    }
}

/// A hash of scrypt.
#[derive(Clone, PartialEq, Eq)]
pub struct ScryptHash {
    params: ScryptParams,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl ScryptHash {
    /// Parses the text behind `$scrypt$`.
    pub(crate) fn parse(rest: &str) -> Result<Self, ImportError> {
        let phc = Phc::split(Scheme::Scrypt, rest, &["ln", "r", "p"])?;
        check_lengths(Scheme::Scrypt, &phc.salt, &phc.hash)?;
        let params = ScryptParams::new(
            Scheme::Scrypt,
            phc.number("ln", "the binary logarithm of N (ln)")?,
            phc.number("r", "the block size (r)")?,
            phc.number("p", "the parallelization (p)")?,
        )?;
        Ok(Self {
            params,
            salt: phc.salt,
            hash: phc.hash,
        })
    }

    pub(crate) fn cost(&self) -> Cost {
        self.params.cost(Scheme::Scrypt)
    }

    pub(crate) fn verify(&self, password: &[u8]) -> Result<bool, ImportError> {
        let mut out = vec![0; self.hash.len()];
        self.params.run(Scheme::Scrypt, password, &self.salt, &mut out)?;
        Ok(out.ct_eq(&self.hash).into())
    }
}

impl fmt::Display for ScryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScryptParams { log_n, r, p } = self.params;
        let (salt, hash) = (to_base64(&self.salt), to_base64(&self.hash));
        write!(f, "$scrypt$ln={log_n},r={r},p={p}${salt}${hash}")
    }
}
