//! Credentials for a target: a bearer token, or OAuth client credentials (RFC 6749 §4.4). They are encrypted in the database and
//! never shown.

use std::fmt;

use chassis::cipher::{Cipher, CipherError, Sealed};
use chassis::random::Random;
use chassis::secret::{ExposeSecret, SecretString};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::invalid::InvalidRule;

/// The greatest length of a secret, in bytes.
const MAX_SECRET: usize = 8_192;
/// The greatest length of the other values, in bytes.
const MAX_TEXT: usize = 2_048;

/// The credentials that a target asks for.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "snake_case")]
#[schemars(rename = "ProvisioningCredentials")]
pub(crate) enum Credentials {
    /// A token that the target has made for this service (RFC 6750).
    Bearer {
        /// The token.
        #[schemars(with = "String")]
        token: SecretString,
    },
    /// A client that gets tokens for itself (RFC 6749 §4.4), authenticated with HTTP Basic.
    ClientCredentials {
        /// The token endpoint.
        token_url: Url,
        /// The client.
        client_id: String,
        /// Its secret.
        #[schemars(with = "String")]
        client_secret: SecretString,
        /// The scopes that are asked for, with a space between them.
        #[serde(default)]
        scope: Option<String>,
        /// The resource that the tokens are for (RFC 8707).
        #[serde(default)]
        resource: Option<String>,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, …)", self.kind())
    }
}

impl Credentials {
    /// The type, which is no secret.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Bearer { .. } => "bearer",
            Self::ClientCredentials { .. } => "client_credentials",
        }
    }

    /// Checks lengths and characters.
    ///
    /// # Errors
    /// The first field that does not fit. No message has a secret in it.
    pub(crate) fn check(&self) -> Result<(), InvalidRule> {
        let invalid =
            |field: &str, detail: String| Err(InvalidRule::new(format!("credentials.{field}"), detail));
        let secret = |field: &str, secret: &SecretString| {
            let secret = secret.expose_secret();
            // RFC 6750 §2.1 and RFC 6749 appendix A.2: visible characters of ASCII.
            let fits = !secret.is_empty()
                && secret.len() <= MAX_SECRET
                && secret.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            match fits {
                true => Ok(()),
                false => invalid(
                    field,
                    format!("Expected 1 to {MAX_SECRET} visible characters of ASCII."),
                ),
            }
        };
        match self {
            Self::Bearer { token } => secret("token", token),
            Self::ClientCredentials {
                client_id,
                client_secret,
                scope,
                resource,
                ..
            } => {
                let texts = [
                    ("client_id", Some(client_id)),
                    ("scope", scope.as_ref()),
                    ("resource", resource.as_ref()),
                ];
                for (field, text) in texts {
                    let fits = text.is_none_or(|text| {
                        !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
                    });
                    if !fits {
                        return invalid(field, format!("Expected 1 to {MAX_TEXT} bytes, in one line."));
                    }
                }
                secret("client_secret", client_secret)
            }
        }
    }

    /// The credentials as they are stored for a target.
    ///
    /// # Errors
    /// When the cipher has no key.
    pub(crate) fn seal(
        &self,
        cipher: &Cipher,
        random: &dyn Random,
        target: Uuid,
    ) -> Result<Sealed, CipherError> {
        let document = match self {
            Self::Bearer { token } => json!({ "type": "bearer", "token": token.expose_secret() }),
            Self::ClientCredentials {
                token_url,
                client_id,
                client_secret,
                scope,
                resource,
            } => json!({
                "type": "client_credentials", "token_url": token_url, "client_id": client_id,
                "client_secret": client_secret.expose_secret(), "scope": scope, "resource": resource,
            }),
        };
        let document = Zeroizing::new(document.to_string());
        cipher.seal(random, &purpose(target), document.as_bytes())
    }

    /// Reads what [`Credentials::seal`] made for the same target.
    ///
    /// # Errors
    /// When the key is not there, or the bytes were changed.
    pub(crate) fn open(cipher: &Cipher, target: Uuid, sealed: &Sealed) -> Result<Self, CipherError> {
        let document = cipher.open(&purpose(target), sealed)?;
        serde_json::from_slice(&document).map_err(|_| CipherError::Undecipherable(sealed.key.clone()))
    }
}

/// Bound to what is encrypted: credentials copied to another target cannot be read there.
fn purpose(target: Uuid) -> String {
    format!("provisioning target {target}")
}
