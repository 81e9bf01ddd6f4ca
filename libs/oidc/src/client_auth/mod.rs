//! Client authentication at the token endpoint (RFC 6749 §2.3, RFC 7617, RFC 7521 §4.2, RFC 7523 §2.2).

mod assertion;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;

pub use assertion::{
    ASSERTION_ALGORITHMS, ASSERTION_LEEWAY, ASSERTION_TYPE, AssertionError, ClientAssertion,
    ExpectedAssertion, VerifiedAssertion,
};

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
    /// The proof of the client's identity.
    pub proof: ClientProof,
}

/// A proof of a client's identity, not verified.
#[derive(Clone, Debug)]
pub enum ClientProof {
    /// Nothing: a public client.
    None,
    /// A secret in the header (`client_secret_basic`).
    Basic(SecretString),
    /// A secret in the form (`client_secret_post`).
    Post(SecretString),
    /// A signed assertion (`private_key_jwt`).
    Assertion(ClientAssertion),
}

impl ClientProof {
    /// The method that this is a proof of.
    pub const fn method(&self) -> AuthMethod {
        match self {
            Self::None => AuthMethod::None,
            Self::Basic(_) => AuthMethod::ClientSecretBasic,
            Self::Post(_) => AuthMethod::ClientSecretPost,
            Self::Assertion(_) => AuthMethod::PrivateKeyJwt,
        }
    }

    /// The secret, if it is one.
    pub const fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::Basic(secret) | Self::Post(secret) => Some(secret),
            Self::None | Self::Assertion(_) => None,
        }
    }
}

impl ClientAuthentication {
    /// Parses the `Authorization` header, if there is one, and the form.
    ///
    /// # Errors
    /// `invalid_request` if more than one method is used (RFC 6749 §2.3); `invalid_client` if no method is
    /// used, or the one that is used is malformed.
    pub fn parse(authorization: Option<&str>, form: &Params) -> Result<Self, OAuthError> {
        let form_client_id = form.get("client_id");
        if form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some() {
            if authorization.is_some() || form.get("client_secret").is_some() {
                return Err(ErrorCode::InvalidRequest
                    .because("the client authenticates with an assertion and in another way: use one"));
            }
            return Self::parse_assertion(form);
        }
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
                proof: match secret {
                    Some(secret) => ClientProof::Post(SecretString::from(secret.to_owned())),
                    None => ClientProof::None,
                },
            }),
        }
    }

    /// An assertion of the form (RFC 7521 §4.2). `client_id` is optional beside it, and has to be the subject.
    fn parse_assertion(form: &Params) -> Result<Self, OAuthError> {
        if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(ErrorCode::InvalidRequest.because(
                "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ));
        }
        let assertion = form
            .get("client_assertion")
            .ok_or_else(|| ErrorCode::InvalidRequest.because("client_assertion is missing"))?;
        let assertion = ClientAssertion::parse(assertion)?;
        let client_id = assertion.subject().to_owned();
        if form.get("client_id").is_some_and(|id| id != client_id) {
            return Err(
                ErrorCode::InvalidClient.because("client_id in the form is not the sub of client_assertion")
            );
        }
        Ok(Self {
            client_id,
            proof: ClientProof::Assertion(assertion),
        })
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
        proof: ClientProof::Basic(SecretString::from(decode(secret).ok()?)),
    })
}
