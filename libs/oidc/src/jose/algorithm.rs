//! The table of signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1), from which the metadata and the behaviour come.

use std::fmt;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The supported signature algorithms. `none` and symmetric algorithms are not supported (SB-26).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256. It is small and ten times cheaper to sign than RSA.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256. Every client library supports it (OpenID Connect Core §15.1).
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// EdDSA with Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
}

impl Algorithm {
    /// Every algorithm, in the order of the metadata.
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The name as in a header's `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Es384 => "ES384",
        }
    }

    /// The supported algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The key type and the curve of its keys (RFC 7518 §6, RFC 8037 §2).
    pub const fn key_type(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Rs256 | Self::Ps256 => ("RSA", None),
            Self::Es256 => ("EC", Some("P-256")),
            Self::Es384 => ("EC", Some("P-384")),
            Self::EdDsa => ("OKP", Some("Ed25519")),
        }
    }

    /// The hash function of the algorithm; that of Ed25519 is SHA-512 (RFC 8032 §5.1).
    fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &SHA256,
            Self::Es384 => &SHA384,
            Self::EdDsa => &SHA512,
        }
    }

    /// `at_hash` of an access token for an ID token that this algorithm signs: the left half of the hash, base64url (OpenID
    /// Connect Core §3.1.3.6).
    pub fn at_hash(self, access_token: &str) -> String {
        let hash = digest(self.hash(), access_token.as_bytes());
        let bytes = hash.as_ref();
        URL_SAFE_NO_PAD.encode(bytes.get(..bytes.len() / 2).unwrap_or_default())
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
