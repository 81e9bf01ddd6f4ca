//! JOSE: keys, signing, verification and encryption (RFC 7515, 7516, 7517, 7518, 7519).
//!
//! Keys are parsed once, so a signature does not pay for parsing its key. The key is always chosen from the verifier's own
//! set; `jku`, `x5u`, `x5c` and `jwk` in a header are ignored (RFC 8725 §3.10), and an algorithm outside the allow-list is
//! refused before any key is used (§3.1).

mod algorithm;
mod jwe;
mod jwk;
mod keys;
mod sign;
mod verify;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use jwe::{ContentEncryption, EncryptError, KeyManagement, Recipient};
pub use jwk::{Jwk, JwkError, JwkSet, certificate_thumbprint};
pub use keys::{KeySet, VerifyingKey};
pub use sign::{SignError, SigningKey};
pub use verify::{
    Audience, JoseHeader, MAX_TOKEN_BYTES, Validation, VerifiedToken, VerifyError, peek_header, verify,
    verify_signature,
};

/// `typ` of an access token (RFC 9068 §2.1).
pub const TYP_ACCESS_TOKEN: &str = "at+jwt";
/// `typ` of an ID token.
pub const TYP_ID_TOKEN: &str = "JWT";
/// `typ` of a signed response of userinfo.
pub const TYP_USERINFO: &str = "JWT";
/// `typ` of a signed authorization response (JARM §2.1 names none).
pub const TYP_AUTHORIZATION_RESPONSE: &str = "JWT";
/// The `typ` of a logout token (OpenID Connect Back-Channel Logout §2.4).
pub const TYP_LOGOUT_TOKEN: &str = "logout+jwt";
