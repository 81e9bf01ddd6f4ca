//! Cursors of lists (RFC 9865): opaque texts that say after which resource a page begins.
//!
//! A cursor holds the values that its list is sorted by, and the digest of its query. It is not signed: a forged one begins
//! elsewhere in a list that the caller may read anyway. Its texts are encoded and not encrypted, as those of the page that it
//! came with were.

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Error;

/// The maximum number of bytes of a cursor.
const MAX_BYTES: usize = 8192;
const VERSION: u8 = 1;
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
    pub fn encode(&self, query: &QueryDigest, now: u64) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&query.0);
        bytes.extend_from_slice(&now.to_be_bytes());
        bytes.push(match self.direction {
            Direction::Next => 0,
            Direction::Previous => 1,
        });
        // Texts and nulls can always be written.
        bytes.extend(serde_json::to_vec(&self.key).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the text of a cursor that was given out at most `timeout` seconds before `now`.
    ///
    /// # Errors
    /// `invalidCursor` for a text that is no cursor of this query, `expiredCursor` for one that is too old (RFC 9865 §2.1).
    pub fn decode(text: &str, query: &QueryDigest, now: u64, timeout: u64) -> Result<Self, Error> {
        let (issued_at, cursor) = Self::read(text, query).ok_or_else(Error::invalid_cursor)?;
        match now.saturating_sub(issued_at) > timeout {
            true => Err(Error::expired_cursor(timeout)),
            false => Ok(cursor),
        }
    }

    fn read(text: &str, query: &QueryDigest) -> Option<(u64, Self)> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let rest = bytes.strip_prefix(&[VERSION])?.strip_prefix(&query.0)?;
        let (issued_at, rest) = rest.split_first_chunk::<8>()?;
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
