//! Client authentication at the token endpoint (RFC 6749 §2.3, RFC 7617).

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;

use crate::client::AuthMethod;
use crate::error::{ErrorCode, OAuthError};
use crate::params::{Params, decode};

/// Base64 with optional padding, because some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The client authentication of a request, not verified.
#[derive(Clone, Debug)]
pub struct ClientAuthentication {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`; `None` for a public client.
    pub secret: Option<SecretString>,
    /// The method.
    pub method: AuthMethod,
}

impl ClientAuthentication {
    /// Parses the `Authorization` header, if there is one, and the form.
    ///
    /// # Errors
    /// `invalid_request` if more than one method is used (RFC 6749 §2.3); `invalid_client` if no method is
    /// used, or the one that is used is malformed.
    pub fn parse(authorization: Option<&str>, form: &Params) -> Result<Self, OAuthError> {
        if form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some() {
            return Err(ErrorCode::InvalidClient.because("client assertions are not supported"));
        }
        let form_client_id = form.get("client_id");
        match (authorization, form.get("client_secret")) {
            (Some(_), Some(_)) => Err(ErrorCode::InvalidRequest
                .because("the client authenticates in the header and in the form: use one")),
            (Some(header), None) => {
                let credentials = parse_basic(header).ok_or_else(|| {
                    ErrorCode::InvalidClient.because("the Authorization header is not valid for Basic")
                })?;
                if form_client_id.is_some_and(|id| id != credentials.client_id) {
                    return Err(ErrorCode::InvalidRequest
                        .because("client_id in the form is not the one in the header"));
                }
                Ok(credentials)
            }
            (None, secret) => Ok(Self {
                client_id: form_client_id
                    .ok_or_else(|| ErrorCode::InvalidClient.because("there is no client authentication"))?
                    .to_owned(),
                secret: secret.map(|secret| SecretString::from(secret.to_owned())),
                method: if secret.is_some() {
                    AuthMethod::ClientSecretPost
                } else {
                    AuthMethod::None
                },
            }),
        }
    }
}

/// Parses `Basic base64(form(id):form(secret))`; both parts are form-encoded first (RFC 6749 §2.3.1).
fn parse_basic(header: &str) -> Option<ClientAuthentication> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let client_id = decode(id).ok().filter(|id| !id.is_empty())?;
    Some(ClientAuthentication {
        client_id,
        secret: Some(SecretString::from(decode(secret).ok()?)),
        method: AuthMethod::ClientSecretBasic,
    })
}
