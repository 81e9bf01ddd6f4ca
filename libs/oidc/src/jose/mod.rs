//! JOSE: keys, signing and verification (RFC 7515, 7517, 7518, 7519).
//!
//! Keys are parsed once, so a signature does not pay for parsing its key. The key is always chosen from the verifier's own
//! set; `jku`, `x5u`, `x5c` and `jwk` in a header are ignored (RFC 8725 §3.10), and an algorithm outside the allow-list is
//! refused before any key is used (§3.1).

mod jwk;
mod keys;
mod sign;
mod verify;

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

pub use jwk::{Jwk, JwkError, JwkSet};
pub use keys::{KeySet, VerifyingKey};
pub use sign::{SignError, SigningKey};
pub use verify::{Audience, JoseHeader, Validation, VerifiedToken, VerifyError, peek_header, verify};

/// `typ` of an access token (RFC 9068 §2.1).
pub const TYP_ACCESS_TOKEN: &str = "at+jwt";
/// `typ` of an ID token.
pub const TYP_ID_TOKEN: &str = "JWT";

/// The supported signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1). `none` and symmetric algorithms are not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// Ed25519. Verified, never used to sign.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// The name as in a header's `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The supported algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Es256, Self::Rs256, Self::EdDsa]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `at_hash` of an access token for an ID token signed with a SHA-256 algorithm: the left half of the hash,
/// base64url (OpenID Connect Core §3.1.3.6).
pub fn at_hash(access_token: &str) -> String {
    let hash = digest(&SHA256, access_token.as_bytes());
    let left = hash.as_ref().get(..16).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(left)
}
