//! Subject identifiers (OpenID Connect Core §8): public ones, which are the same for every client, and pairwise ones, which differ
//! from sector to sector.

#[cfg(test)]
mod tests;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::client::RegisteredClient;

/// The length of the secret.
pub const SECRET_BYTES: usize = 32;

/// The identifiers of users and of their sessions, as clients know them. Pairwise ones are derived from a secret of the
/// installation, and stay the same as long as it does.
#[derive(Clone)]
pub struct SubjectIdentifiers {
    key: hmac::Key,
}

impl SubjectIdentifiers {
    /// Identifiers under `secret`, of random bytes.
    pub fn new(secret: &[u8; SECRET_BYTES]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// `sub` of the user `id` for a client (OpenID Connect Core §8).
    pub fn subject(&self, client: RegisteredClient<'_>, id: &str) -> String {
        self.subject_in(client.identifier_sector().as_deref(), id)
    }

    /// `sid` of the session `id` for a client. Two clients could otherwise tell by the session that they have the same user.
    pub fn session(&self, client: RegisteredClient<'_>, id: &str) -> String {
        self.session_in(client.identifier_sector().as_deref(), id)
    }

    /// `sub` of the user `id` in a sector, or the public one.
    pub fn subject_in(&self, sector: Option<&str>, id: &str) -> String {
        self.identifier(sector, "sub", id)
    }

    /// `sid` of the session `id` in a sector, or the public one.
    pub fn session_in(&self, sector: Option<&str>, id: &str) -> String {
        self.identifier(sector, "sid", id)
    }

    fn identifier(&self, sector: Option<&str>, kind: &str, id: &str) -> String {
        let Some(sector) = sector else {
            return id.to_owned();
        };
        // Neither a host nor a `client_id` has a zero byte.
        let text = [sector, kind, id].join("\0");
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, text.as_bytes()))
    }
}
