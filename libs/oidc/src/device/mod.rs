//! `POST /oauth2/device_authorization`: device authorization request and response (RFC 8628 §3.1, §3.2), and user codes (§6.1).

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

use crate::error::OAuthError;
use crate::params::Params;
use crate::resource::Resource;
use crate::scope::Scope;

/// Parameters that may be repeated in a device authorization request (RFC 8707 §2).
pub const REPEATABLE: &[&str] = &["resource"];

/// The lifetime of a device code and its user code in seconds (`expires_in`, RFC 8628 §3.2).
pub const DEVICE_CODE_SECONDS: u32 = 600;

/// The seconds that a device waits between two requests at first (`interval`, RFC 8628 §3.2).
pub const POLLING_INTERVAL: u32 = 5;

/// The characters of user codes (RFC 8628 §6.1): consonants in upper case, so that no code makes a word and no two characters
/// look alike.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The number of characters of a user code without its dash: 20^8, which is 34 bits.
const USER_CODE_CHARS: usize = 8;

/// The longest text that is read as a user code.
const MAX_TYPED_BYTES: usize = 64;

/// A user code (RFC 8628 §3.3), such as `WDJB-MJHT`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; USER_CODE_CHARS]);

impl UserCode {
    /// A new code of random bytes, which `fill` gives. Bytes that would favour some characters are drawn again.
    pub fn generate(mut fill: impl FnMut(&mut [u8])) -> Self {
        let mut code = [0; USER_CODE_CHARS];
        let mut drawn = [0_u8; 16];
        let mut pool = drawn.iter();
        for place in &mut code {
            *place = loop {
                let Some(byte) = pool.next() else {
                    fill(&mut drawn);
                    pool = drawn.iter();
                    continue;
                };
                // 240 is the largest multiple of 20 in a byte.
                if (1..=240).contains(byte)
                    && let Some(char) = ALPHABET.get(usize::from(byte - 1) % ALPHABET.len())
                {
                    break *char;
                }
            };
        }
        Self(code)
    }

    /// Parses what a person typed. Case, dashes, spaces and other punctuation do not matter (RFC 8628 §6.1).
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED_BYTES {
            return None;
        }
        let mut code = Vec::with_capacity(USER_CODE_CHARS);
        for char in typed.chars().filter(|char| char.is_alphanumeric()) {
            let byte = u8::try_from(char.to_ascii_uppercase()).ok()?;
            if !ALPHABET.contains(&byte) {
                return None;
            }
            code.push(byte);
        }
        code.try_into().ok().map(Self)
    }

    /// The characters without the dash, to be hashed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index == USER_CODE_CHARS / 2 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*byte))?;
        }
        Ok(())
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

/// A device authorization request (RFC 8628 §3.1).
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceAuthorizationRequest {
    /// `scope`; empty without one.
    pub scope: Scope,
    /// `resource`: the services that the tokens are for (RFC 8707 §2).
    pub resources: Vec<Resource>,
}

impl DeviceAuthorizationRequest {
    /// Parses the form.
    ///
    /// # Errors
    /// `invalid_scope`, `invalid_target`.
    pub fn parse(form: &Params) -> Result<Self, OAuthError> {
        Ok(Self {
            scope: form.get("scope").unwrap_or_default().parse()?,
            resources: form
                .all("resource")
                .map(Resource::parse)
                .collect::<Result<Vec<_>, _>>()?,
        })
    }
}

/// A device authorization response (RFC 8628 §3.2).
#[derive(Serialize, schemars::JsonSchema)]
pub struct DeviceAuthorizationResponse {
    /// The code with which the device asks for tokens.
    pub device_code: String,
    /// The code that the person types in.
    pub user_code: String,
    /// The page on which the person types it in.
    pub verification_uri: String,
    /// The same page with the code in it, for a QR code.
    pub verification_uri_complete: String,
    /// The lifetime of both codes in seconds.
    pub expires_in: u32,
    /// The seconds that the device has to wait between two token requests.
    pub interval: u32,
}

impl DeviceAuthorizationResponse {
    /// The response with the codes of a request. `verification_uri` is the page for people.
    pub fn new(device_code: &str, user_code: &UserCode, verification_uri: String) -> Self {
        Self {
            device_code: device_code.to_owned(),
            user_code: user_code.to_string(),
            verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
            verification_uri,
            expires_in: DEVICE_CODE_SECONDS,
            interval: POLLING_INTERVAL,
        }
    }
}

impl fmt::Debug for DeviceAuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorizationResponse")
            .field("verification_uri", &self.verification_uri)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
