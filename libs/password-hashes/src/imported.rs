//! `ImportedHash`: a password hash of any known scheme.

use std::fmt;

use argon2::Algorithm;

use crate::argon2::{Argon2Hash, ScratchMemory};
use crate::bcrypt::{self, BcryptHash};
use crate::firebase::FirebaseHash;
use crate::keycloak::KeycloakHash;
use crate::limits::MAX_TEXT_BYTES;
use crate::pbkdf2::{self, Pbkdf2Hash};
use crate::phpass::PhpassHash;
use crate::scrypt::ScryptHash;
use crate::sha_crypt::{ShaCryptHash, Variant};
use crate::ssha::{self, SshaHash};
use crate::{Cost, ImportError, Scheme, aspnet, keycloak};

/// A password hash that has been parsed. `Display` writes its canonical text, which is a secret; `Debug` writes the scheme alone.
#[derive(Clone, PartialEq, Eq)]
pub enum ImportedHash {
    /// argon2.
    Argon2(Argon2Hash),
    /// bcrypt.
    Bcrypt(BcryptHash),
    /// scrypt.
    Scrypt(ScryptHash),
    /// The modified scrypt of Firebase.
    FirebaseScrypt(FirebaseHash),
    /// PBKDF2.
    Pbkdf2(Pbkdf2Hash),
    /// SHA-crypt.
    ShaCrypt(ShaCryptHash),
    /// A salted hash of a directory.
    Ssha(SshaHash),
    /// phpass.
    Phpass(PhpassHash),
}

impl ImportedHash {
    /// Parses a text from another system and checks the cost of the hash. `memory_bytes` is the memory that this process has
    /// for one check.
    ///
    /// # Errors
    /// [`ImportError`] names the part that is wrong, and has nothing of the text.
    pub fn import(text: &str, memory_bytes: u64) -> Result<Self, ImportError> {
        let hash = Self::parse(text)?;
        if let Self::Argon2(hash) = &hash {
            hash.check_lanes()?;
        }
        hash.cost().check(memory_bytes)?;
        Ok(hash)
    }

    /// Parses a text without a check of the cost, for a text that was imported or made here.
    ///
    /// # Errors
    /// [`ImportError`] names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(ImportError::TooLong);
        }
        let text = unwrapped(text);
        if let Some(rest) = text.strip_prefix('$') {
            return parse_modular(rest);
        }
        if text.starts_with('{') {
            return parse_braces(text);
        }
        if let Some(rest) = text.strip_prefix("pbkdf2_sha256$") {
            return Pbkdf2Hash::parse_django(pbkdf2::Digest::Sha256, rest).map(Self::Pbkdf2);
        }
        if let Some(rest) = text.strip_prefix("pbkdf2_sha1$") {
            return Pbkdf2Hash::parse_django(pbkdf2::Digest::Sha1, rest).map(Self::Pbkdf2);
        }
        aspnet::parse(text)
            .unwrap_or(Err(ImportError::UnknownScheme))
            .map(Self::Pbkdf2)
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.cost().scheme
    }

    /// True if the hash does not depend on the whole of `password`: bcrypt takes its first 72 bytes.
    pub fn ignores_a_part(&self, password: &[u8]) -> bool {
        matches!(self, Self::Bcrypt(_)) && password.len() > bcrypt::KEY_BYTES
    }

    /// The cost of one check.
    pub fn cost(&self) -> Cost {
        match self {
            Self::Argon2(hash) => hash.cost(),
            Self::Bcrypt(hash) => hash.cost(),
            Self::Scrypt(hash) => hash.cost(),
            Self::FirebaseScrypt(hash) => hash.cost(),
            Self::Pbkdf2(hash) => hash.cost(),
            Self::ShaCrypt(hash) => hash.cost(),
            Self::Ssha(hash) => hash.cost(),
            Self::Phpass(hash) => hash.cost(),
        }
    }

    /// Returns whether `password` matches. The comparison takes constant time. Only argon2 uses `memory`; scrypt allocates its own.
    ///
    /// A password with a NUL byte matches a hash of argon2 alone. In other schemes some sources ignore what follows the NUL, and
    /// HMAC takes a key for the same with NUL bytes behind it (RFC 2104 §2).
    ///
    /// # Errors
    /// When a parameter is out of the range of the algorithm.
    pub fn verify(&self, password: &[u8], memory: &mut ScratchMemory) -> Result<bool, ImportError> {
        match self {
            Self::Argon2(hash) => hash.verify(password, memory),
            _ if password.contains(&0) => Ok(false),
            Self::Bcrypt(hash) => Ok(hash.verify(password)),
            Self::Scrypt(hash) => hash.verify(password),
            Self::FirebaseScrypt(hash) => hash.verify(password),
            Self::Pbkdf2(hash) => Ok(hash.verify(password)),
            Self::ShaCrypt(hash) => hash.verify(password),
            Self::Ssha(hash) => Ok(hash.verify(password)),
            Self::Phpass(hash) => Ok(hash.verify(password)),
        }
    }
}

/// The text without the name of the hasher that Django writes before it, without `{CRYPT}` of LDAP directories, and without
/// `{bcrypt}` of Spring Security.
fn unwrapped(text: &str) -> &str {
    // `argon2$argon2id$…` has the `$` of the PHC string format where the name ends; `bcrypt$$2b$…` has one of its own.
    if text.starts_with("argon2$argon2") {
        return text.strip_prefix("argon2").unwrap_or(text);
    }
    if text.starts_with("bcrypt$$2") {
        return text.strip_prefix("bcrypt$").unwrap_or(text);
    }
    if text.starts_with("{bcrypt}$2") {
        return text.strip_prefix("{bcrypt}").unwrap_or(text);
    }
    match text.split_at_checked("{CRYPT}".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("{CRYPT}") => rest,
        _ => text,
    }
}

/// Parses the text behind the `$` of the modular crypt format.
fn parse_modular(rest: &str) -> Result<ImportedHash, ImportError> {
    let (prefix, behind) = rest.split_once('$').ok_or(ImportError::UnknownScheme)?;
    let pbkdf2 = |digest| Pbkdf2Hash::parse(digest, behind).map(ImportedHash::Pbkdf2);
    let argon2 = |algorithm| Argon2Hash::parse(algorithm, behind).map(ImportedHash::Argon2);
    match prefix {
        "argon2id" => argon2(Algorithm::Argon2id),
        "argon2i" => argon2(Algorithm::Argon2i),
        "argon2d" => argon2(Algorithm::Argon2d),
        "scrypt" => ScryptHash::parse(behind).map(ImportedHash::Scrypt),
        "firebase-scrypt" => FirebaseHash::parse(behind).map(ImportedHash::FirebaseScrypt),
        "pbkdf2" | "pbkdf2-sha1" => pbkdf2(pbkdf2::Digest::Sha1),
        "pbkdf2-sha256" => pbkdf2(pbkdf2::Digest::Sha256),
        "pbkdf2-sha512" => pbkdf2(pbkdf2::Digest::Sha512),
        "5" => ShaCryptHash::parse(Variant::Sha256, behind).map(ImportedHash::ShaCrypt),
        "6" => ShaCryptHash::parse(Variant::Sha512, behind).map(ImportedHash::ShaCrypt),
        "P" => PhpassHash::parse('P', behind).map(ImportedHash::Phpass),
        "H" => PhpassHash::parse('H', behind).map(ImportedHash::Phpass),
        _ => match rest.strip_prefix('2') {
            Some(rest) => BcryptHash::parse(rest).map(ImportedHash::Bcrypt),
            None => Err(ImportError::UnknownScheme),
        },
    }
}

/// Parses a text that begins with `{`: the scheme of a directory, or JSON.
fn parse_braces(text: &str) -> Result<ImportedHash, ImportError> {
    let (prefix, rest) = text.split_once('}').ok_or(ImportError::UnknownScheme)?;
    let digest = match prefix.to_ascii_uppercase().as_str() {
        "{SSHA" => ssha::Digest::Sha1,
        "{SSHA256" => ssha::Digest::Sha256,
        "{SSHA512" => ssha::Digest::Sha512,
        other if other.contains('"') => {
            return keycloak::parse(text).map(|hash| match hash {
                KeycloakHash::Pbkdf2(hash) => ImportedHash::Pbkdf2(hash),
                KeycloakHash::Argon2(hash) => ImportedHash::Argon2(hash),
            });
        }
        _ => return Err(ImportError::UnknownScheme),
    };
    SshaHash::parse(digest, rest).map(ImportedHash::Ssha)
}

impl fmt::Display for ImportedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2(hash) => hash.fmt(f),
            Self::Bcrypt(hash) => hash.fmt(f),
            Self::Scrypt(hash) => hash.fmt(f),
            Self::FirebaseScrypt(hash) => hash.fmt(f),
            Self::Pbkdf2(hash) => hash.fmt(f),
            Self::ShaCrypt(hash) => hash.fmt(f),
            Self::Ssha(hash) => hash.fmt(f),
            Self::Phpass(hash) => hash.fmt(f),
        }
    }
}

impl fmt::Debug for ImportedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportedHash({}, …)", self.scheme())
    }
}
