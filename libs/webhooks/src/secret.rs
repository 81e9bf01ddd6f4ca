//! Secrets of webhooks, and the signatures of deliveries (Standard Webhooks, "Signature scheme"): HMAC-SHA256 under a
//! secret that only the receiver and this service know.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::cipher::{Cipher, CipherError, Sealed};
use chassis::random::Random;
use chassis::secret::Token;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The prefix of every secret as text.
const PREFIX: &str = "whsec_";
/// The lengths that a secret may have, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret of 24 to 64 bytes, `whsec_` and base64 as text. Never printed, logged or stored in clear.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

/// A text that is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Expected `whsec_` and 24 to 64 random bytes in base64.")]
pub(crate) struct InvalidSecret;

impl Secret {
    pub(crate) fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new(vec![0; 32]);
        random.fill(&mut bytes);
        Self(bytes)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| InvalidSecret)?);
        if !LENGTHS.contains(&bytes.len()) {
            return Err(InvalidSecret);
        }
        Ok(Self(bytes))
    }

    /// The secret as text, to hand to its owner once.
    pub(crate) fn to_token(&self) -> Token {
        Token::new(format!("{PREFIX}{}", STANDARD.encode(&*self.0)))
    }

    /// The secret as it is stored for a webhook.
    pub(crate) fn seal(
        &self,
        cipher: &Cipher,
        random: &dyn Random,
        webhook: Uuid,
    ) -> Result<Sealed, CipherError> {
        cipher.seal(random, &purpose(webhook), &self.0)
    }

    pub(crate) fn open(cipher: &Cipher, webhook: Uuid, sealed: &Sealed) -> Result<Self, CipherError> {
        cipher.open(&purpose(webhook), sealed).map(Self)
    }

    /// One entry of the header `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

/// Bound to what is encrypted: a secret copied to another webhook cannot be read there.
fn purpose(webhook: Uuid) -> String {
    format!("webhook {webhook}")
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
