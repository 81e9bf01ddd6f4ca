//! PBKDF2 with HMAC (RFC 8018 §5.2). The canonical text is `$pbkdf2-sha256$i=ITERATIONS$SALT$HASH`.
//!
//! Read as well: `pbkdf2_sha256$ITERATIONS$SALT$HASH` of Django, whose salt is text, and `$pbkdf2-sha256$ITERATIONS$SALT$HASH`
//! of passlib. [`crate::keycloak`] and [`crate::aspnet`] have forms of their own.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use subtle::ConstantTimeEq;

use crate::cost::TimeParameter;
use crate::encoding::{from_base64, number, to_base64};
use crate::limits::MAX_PBKDF2_ITERATIONS;
use crate::phc::{Phc, check_lengths};
use crate::{Cost, ImportError, Scheme};

/// The hash function of HMAC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    /// The name in the canonical text, without `$`.
    fn prefix(self) -> &'static str {
        match self {
            // passlib calls it so.
            Self::Sha1 => "pbkdf2",
            Self::Sha256 => "pbkdf2-sha256",
            Self::Sha512 => "pbkdf2-sha512",
        }
    }

    fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    fn output_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A hash of PBKDF2.
#[derive(Clone, PartialEq, Eq)]
pub struct Pbkdf2Hash {
    digest: Digest,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Pbkdf2Hash {
    pub(crate) fn new(
        digest: Digest,
        iterations: u32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    ) -> Result<Self, ImportError> {
        check_lengths(Scheme::Pbkdf2, &salt, &hash)?;
        let iterations =
            NonZeroU32::new(iterations).ok_or_else(|| wrong("the number of iterations", "1 or more"))?;
        Ok(Self {
            digest,
            iterations,
            salt,
            hash,
        })
    }

    /// Parses the text behind the prefix of `digest`: the canonical form, or that of passlib.
    pub(crate) fn parse(digest: Digest, rest: &str) -> Result<Self, ImportError> {
        if let Some((iterations, both)) = rest.split_once('$')
            && let Some(iterations) = number(iterations)
        {
            let (salt, hash) = both
                .split_once('$')
                .ok_or_else(|| wrong("the text", "`$SCHEME$ITERATIONS$SALT$HASH`"))?;
            return Self::new(
                digest,
                iterations,
                base64("the salt", salt)?,
                base64("the hash", hash)?,
            );
        }
        let phc = Phc::split(Scheme::Pbkdf2, rest, &["i", "l"])?;
        let iterations = phc.number("i", "the number of iterations (i)")?;
        if let Some(length) = phc.text("l")
            && number(length).and_then(|length| usize::try_from(length).ok()) != Some(phc.hash.len())
        {
            return Err(wrong("the length (l)", "the number of bytes of the hash"));
        }
        Self::new(digest, iterations, phc.salt, phc.hash)
    }

    /// Parses the text behind `pbkdf2_sha…$` of Django.
    pub(crate) fn parse_django(digest: Digest, rest: &str) -> Result<Self, ImportError> {
        let mut parts = rest.split('$');
        let (Some(iterations), Some(salt), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("the text", "`pbkdf2_sha256$ITERATIONS$SALT$HASH`"));
        };
        let iterations =
            number(iterations).ok_or_else(|| wrong("the number of iterations", "a whole number"))?;
        Self::new(
            digest,
            iterations,
            salt.as_bytes().to_vec(),
            base64("the hash", hash)?,
        )
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            scheme: Scheme::Pbkdf2,
            time: Some(TimeParameter {
                name: "the number of iterations",
                value: u64::from(self.iterations.get()),
                limit: u64::from(MAX_PBKDF2_ITERATIONS),
            }),
            memory_bytes: 4 * 1024,
        }
    }

    pub(crate) fn verify(&self, password: &[u8]) -> bool {
        // The blocks of the derived key do not depend on each other (RFC 8018 §5.2), and each costs all iterations. The first
        // has 20 bytes or more, and is enough to tell passwords apart.
        let length = self.hash.len().min(self.digest.output_bytes());
        let mut out = vec![0; length];
        pbkdf2::derive(
            self.digest.algorithm(),
            self.iterations,
            &self.salt,
            password,
            &mut out,
        );
        self.hash
            .get(..length)
            .is_some_and(|first| out.ct_eq(first).into())
    }
}

fn base64(part: &'static str, text: &str) -> Result<Vec<u8>, ImportError> {
    from_base64(text).ok_or_else(|| wrong(part, "base64"))
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::Pbkdf2, part, expected)
}

impl fmt::Display for Pbkdf2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, hash) = (to_base64(&self.salt), to_base64(&self.hash));
        write!(f, "${}$i={}${salt}${hash}", self.digest.prefix(), self.iterations)
    }
}
