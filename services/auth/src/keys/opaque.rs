//! Opaque access tokens: JWTs that only this server can read. Nothing is stored for one. See
//! `docs/decisions/0065-opaque-access-tokens.md`.

use std::borrow::Cow;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc::jose::{MAX_TOKEN_BYTES, SignError};

use super::KeyRing;

/// The beginning of every opaque access token. The full stop tells it from a refresh token.
pub(crate) const OPAQUE_PREFIX: &str = "vestibule_at.";

/// The purpose of the key.
const PURPOSE: &str = "opaque access tokens";

impl KeyRing {
    /// Encrypts a signed access token.
    ///
    /// # Errors
    /// [`SignError::Failed`].
    pub(crate) fn seal_token(&self, jwt: &str) -> Result<String, SignError> {
        let secret = self.derive(PURPOSE).into_iter().next().ok_or(SignError::Failed)?;
        let mut nonce = [0; NONCE_LEN];
        self.0.random.fill(&mut nonce);
        let mut sealed = jwt.as_bytes().to_vec();
        key(&secret)
            .ok_or(SignError::Failed)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(OPAQUE_PREFIX.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SignError::Failed)?;
        let text = URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat());
        Ok(format!("{OPAQUE_PREFIX}{text}"))
    }

    /// The signed access token that an opaque one has in it; every other token as it is. What cannot be decrypted is returned as it
    /// is, and is refused as a JWT.
    pub(crate) fn open_token<'a>(&self, presented: &'a str) -> Cow<'a, str> {
        match presented.strip_prefix(OPAQUE_PREFIX) {
            Some(text) if text.len() <= MAX_TOKEN_BYTES => {
                self.decrypt(text).map_or(Cow::Borrowed(presented), Cow::Owned)
            }
            _ => Cow::Borrowed(presented),
        }
    }

    fn decrypt(&self, text: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        // While the encryption keys of the configuration change, tokens of the earlier one are about.
        self.derive(PURPOSE).iter().find_map(|secret| {
            let mut sealed = sealed.to_vec();
            let jwt = key(secret)?
                .open_in_place(
                    Nonce::assume_unique_for_key(*nonce),
                    Aad::from(OPAQUE_PREFIX.as_bytes()),
                    &mut sealed,
                )
                .ok()?;
            String::from_utf8(jwt.to_vec()).ok()
        })
    }
}

/// AES-256-GCM-SIV, with which a nonce that is drawn twice reveals no more than that two tokens are the same.
fn key(secret: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM_SIV, secret)
        .ok()
        .map(LessSafeKey::new)
}
