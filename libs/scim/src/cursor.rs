//! Cursors of lists (RFC 9865): opaque texts that say after which resource a page begins.
//!
//! A cursor holds the values that its list is sorted by. It is encrypted, because it is part of a URL, which logs show (RFC 7644
//! §7.5.2), and authenticated together with the digest of its query, so that none can be forged or used for another query (RFC 9865
//! §5.2).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Error;

/// The maximum number of bytes of a cursor: more than the longest text that a list can be sorted by needs.
const MAX_BYTES: usize = 16_384;
const VERSION: u8 = 2;
const DIGEST_BYTES: usize = 16;

/// The digest of a query, which a cursor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryDigest([u8; DIGEST_BYTES]);

impl QueryDigest {
    /// The digest of the parts of a query: resource types, filter, order, and what else decides which resources are in the list.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            // The length keeps the parts apart.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = [0; DIGEST_BYTES];
        for (to, from) in digest.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(digest)
    }
}

/// The key that the cursors of a server are encrypted under. Its `Debug` output does not show it.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// The key that belongs to a secret, which all instances of a server have. Cursors of an earlier secret are not read any more.
    pub fn derive(secret: &[u8]) -> Self {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            b"vestibule scim cursor",
        );
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Self(key)
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &self.0).ok()?))
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// The nonce of every cursor. AES-GCM-SIV (RFC 8452) needs no other one to keep different cursors secret; equal ones look alike.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// The direction of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The resources after the position.
    Next,
    /// The resources before the position.
    Previous,
}

/// A position in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The side of the position that the page is on.
    pub direction: Direction,
    /// The values that the resource at the position is sorted by, its id last.
    pub key: Vec<Option<String>>,
}

impl Cursor {
    /// The text of the cursor: unreserved characters of a URI alone (RFC 9865 §2). `now` is in seconds since 1970.
    pub fn encode(&self, key: &CursorKey, query: &QueryDigest, now: u64) -> String {
        let mut bytes = now.to_be_bytes().to_vec();
        bytes.push(match self.direction {
            Direction::Next => 0,
            Direction::Previous => 1,
        });
        // Texts and nulls can always be written.
        bytes.extend(serde_json::to_vec(&self.key).unwrap_or_default());
        let sealed = key.cipher().and_then(|cipher| {
            cipher
                .seal_in_place_append_tag(nonce(), Aad::from(query.0), &mut bytes)
                .ok()
        });
        // A text of this length can always be sealed. Without that, the cursor is one that no query has.
        if sealed.is_none() {
            bytes.clear();
        }
        bytes.insert(0, VERSION);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the text of a cursor that was given out at most `timeout` seconds before `now`.
    ///
    /// # Errors
    /// `invalidCursor` for a text that is no cursor of this query, `expiredCursor` for one that is too old (RFC 9865 §2.1).
    pub fn decode(
        text: &str,
        key: &CursorKey,
        query: &QueryDigest,
        now: u64,
        timeout: u64,
    ) -> Result<Self, Error> {
        let (issued_at, cursor) = Self::read(text, key, query).ok_or_else(Error::invalid_cursor)?;
        match now.saturating_sub(issued_at) > timeout {
            true => Err(Error::expired_cursor(timeout)),
            false => Ok(cursor),
        }
    }

    fn read(text: &str, key: &CursorKey, query: &QueryDigest) -> Option<(u64, Self)> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let mut sealed = bytes.strip_prefix(&[VERSION])?.to_vec();
        let opened = key
            .cipher()?
            .open_in_place(nonce(), Aad::from(query.0), &mut sealed)
            .ok()?;
        let (issued_at, rest) = opened.split_first_chunk::<8>()?;
        let (direction, key) = rest.split_first()?;
        let direction = match direction {
            0 => Direction::Next,
            1 => Direction::Previous,
            _ => return None,
        };
        let key: Vec<Option<String>> = serde_json::from_slice(key).ok()?;
        let issued_at = u64::from_be_bytes(*issued_at);
        Some((issued_at, Self { direction, key }))
    }
}

#[cfg(test)]
mod tests;
