//! The schemes.

use std::fmt;

/// A scheme of password hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// argon2i, argon2d and argon2id (RFC 9106).
    Argon2,
    /// bcrypt.
    Bcrypt,
    /// scrypt (RFC 7914).
    Scrypt,
    /// The modified scrypt of Firebase Authentication.
    FirebaseScrypt,
    /// PBKDF2 with HMAC (RFC 8018 §5.2).
    Pbkdf2,
    /// SHA-256-crypt and SHA-512-crypt of `crypt(3)`.
    ShaCrypt,
    /// Salted SHA-1, SHA-256 and SHA-512 of LDAP directories.
    Ssha,
    /// Portable hashes of phpass.
    Phpass,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Argon2,
        Self::Bcrypt,
        Self::Scrypt,
        Self::FirebaseScrypt,
        Self::Pbkdf2,
        Self::ShaCrypt,
        Self::Ssha,
        Self::Phpass,
    ];

    /// The name in metrics, logs and errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Argon2 => "argon2",
            Self::Bcrypt => "bcrypt",
            Self::Scrypt => "scrypt",
            Self::FirebaseScrypt => "firebase-scrypt",
            Self::Pbkdf2 => "pbkdf2",
            Self::ShaCrypt => "sha-crypt",
            Self::Ssha => "ssha",
            Self::Phpass => "phpass",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
