//! `id_token_hint`: an ID token that comes back as a hint (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::claims::IdTokenClaims;
use crate::jose::{Algorithm, TYP_ID_TOKEN, Validation, VerifyError, verify};
use crate::server::AuthorizationServer;

/// The accepted clock skew of `nbf`, in seconds.
const LEEWAY: i64 = 30;

/// The result of verifying an `id_token_hint`.
#[derive(Clone, Debug)]
pub enum IdTokenHint {
    /// An ID token that this server signed, for any client, expired or not.
    Verified(Box<IdTokenClaims>),
    /// An ID token that names this server as issuer and whose key is not known any more. It proves no more than a `client_id`.
    UnknownKey {
        /// The client that it is for.
        client_id: String,
    },
    /// Anything else.
    Invalid,
}

impl IdTokenHint {
    /// Verifies an `id_token_hint`. Keys that are not published any more still verify hints. The caller compares the audience
    /// with the client. `now` is in seconds since the Unix epoch.
    pub fn verify(token: &str, server: AuthorizationServer<'_>, now: i64) -> Self {
        let expect = Validation {
            typ: TYP_ID_TOKEN,
            algorithms: &Algorithm::ALL,
            issuer: server.issuer,
            audience: None,
            now,
            leeway: LEEWAY,
            accept_expired: true,
        };
        match verify::<IdTokenClaims>(token, server.hint_keys, &expect) {
            Ok(verified) => Self::Verified(Box::new(verified.claims)),
            Err(VerifyError::UnknownKey) => match decode_unverified(token) {
                Some(claims) if claims.iss == server.issuer => Self::UnknownKey {
                    client_id: claims.aud,
                },
                _ => Self::Invalid,
            },
            Err(_) => Self::Invalid,
        }
    }

    /// The claims, when their signature is verified.
    pub fn verified(self) -> Option<IdTokenClaims> {
        match self {
            Self::Verified(claims) => Some(*claims),
            Self::UnknownKey { .. } | Self::Invalid => None,
        }
    }
}

fn decode_unverified(token: &str) -> Option<IdTokenClaims> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
