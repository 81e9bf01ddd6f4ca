//! `id_token_hint`: verification of ID tokens that come back as hints (OpenID Connect Core §3.1.2.1,
//! RP-Initiated Logout §2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc::claims::IdTokenClaims;
use oidc::jose::{Algorithm, TYP_ID_TOKEN, Validation, VerifyError, verify};

use super::Tokens;

/// The accepted clock skew, in seconds.
const LEEWAY: i64 = 30;

/// The result of verifying an `id_token_hint`.
#[derive(Clone, Debug)]
pub enum IdTokenHint {
    /// An ID token that this server signed, for any client, expired or not.
    Verified(IdTokenClaims),
    /// An ID token that names this server as issuer and whose key is not known any more. It proves no more
    /// than a `client_id`.
    UnknownKey {
        /// The client that it is for.
        client_id: String,
    },
    /// Anything else.
    Invalid,
}

impl IdTokenHint {
    /// The claims, when their signature is verified.
    pub fn verified(self) -> Option<IdTokenClaims> {
        match self {
            Self::Verified(claims) => Some(claims),
            Self::UnknownKey { .. } | Self::Invalid => None,
        }
    }
}

impl Tokens {
    /// Verifies an `id_token_hint`. Keys that are not published any more still verify hints for as long as a
    /// session can live.
    pub fn id_token_hint(&self, token: &str) -> IdTokenHint {
        let expect = Validation {
            typ: TYP_ID_TOKEN,
            algorithms: &[Algorithm::Es256, Algorithm::Rs256],
            issuer: self.issuer.url(),
            // The caller compares the audience with the client.
            audience: None,
            now: self.clock.now().as_secs(),
            leeway: LEEWAY,
            accept_expired: true,
        };
        match verify::<IdTokenClaims>(token, &self.keys.current().hint_keys(), &expect) {
            Ok(verified) => IdTokenHint::Verified(verified.claims),
            Err(VerifyError::UnknownKey) => match decode_unverified(token) {
                Some(claims) if claims.iss == self.issuer.url() => IdTokenHint::UnknownKey {
                    client_id: claims.aud,
                },
                _ => IdTokenHint::Invalid,
            },
            Err(_) => IdTokenHint::Invalid,
        }
    }
}

fn decode_unverified(token: &str) -> Option<IdTokenClaims> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
