//! Authorization request: its parameters (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use super::PageError;
use crate::error::{ErrorCode, OAuthError};
use crate::params::{Params, ParamsError};
use crate::pkce::CodeChallenge;
use crate::resource::Resource;
use crate::scope::Scope;

/// Parameters that may be repeated (RFC 8707 §2).
const REPEATABLE: &[&str] = &["resource"];

/// An authorization request whose client and redirect URI are parsed, but not verified: see [`super::check`].
#[derive(Clone, Debug)]
pub struct UnverifiedAuthorizationRequest {
    params: Params,
    /// `client_id`, as sent.
    pub client_id: String,
    /// `redirect_uri`, as sent.
    pub redirect_uri: Option<String>,
}

/// `prompt`: the interactions that the client asks for (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// `none`: no interaction; respond or fail.
    pub none: bool,
    /// `login`: authenticate again.
    pub login: bool,
    /// `consent`: ask for consent again.
    pub consent: bool,
    /// `select_account`: let the user choose an account.
    pub select_account: bool,
}

/// A valid authorization request for a code.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// `scope`; empty if the client leaves it to the server.
    pub scope: Scope,
    /// `state`, returned to the client unchanged.
    pub state: Option<String>,
    /// `nonce`, for the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge. The client's registration decides whether it may be missing.
    pub code_challenge: Option<CodeChallenge>,
    /// `prompt`.
    pub prompt: Prompt,
    /// `max_age`: the maximum age of the authentication in seconds.
    pub max_age: Option<u32>,
    /// `login_hint`: the user name to suggest.
    pub login_hint: Option<String>,
    /// `id_token_hint`: an unverified ID token of the expected user.
    pub id_token_hint: Option<String>,
    /// `resource`: the services that the tokens are for (RFC 8707).
    pub resources: Vec<Resource>,
}

impl UnverifiedAuthorizationRequest {
    /// Parses a query or a form.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn parse(raw: &str) -> Result<Self, PageError> {
        let params = Params::parse_lenient(raw)?;
        // With a repeated client or redirect URI, no client can be trusted with the error.
        for name in ["client_id", "redirect_uri"] {
            if params.all(name).nth(1).is_some() {
                return Err(ParamsError::Duplicate(name.to_owned()).into());
            }
        }
        Ok(Self {
            client_id: params.only("client_id").ok_or(PageError::NoClient)?.to_owned(),
            redirect_uri: params.only("redirect_uri").map(str::to_owned),
            params,
        })
    }

    /// `state`, which an error response returns as well.
    pub fn state(&self) -> Option<&str> {
        self.params.only("state")
    }

    /// The parameters as sent.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Validates the remaining parameters (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).
    ///
    /// # Errors
    /// The error response. It may be sent to the redirect URI only after [`super::check`] has verified that.
    pub fn validate(&self) -> Result<AuthorizationRequest, OAuthError> {
        if let Some(name) = self.params.duplicate(REPEATABLE) {
            return Err(ParamsError::Duplicate(name.to_owned()).into());
        }
        for (name, code) in [
            ("request", ErrorCode::RequestNotSupported),
            ("request_uri", ErrorCode::RequestUriNotSupported),
            ("registration", ErrorCode::RegistrationNotSupported),
        ] {
            if self.params.get(name).is_some() {
                return Err(code.because("this parameter is not supported"));
            }
        }
        match self.params.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(ErrorCode::UnsupportedResponseType.because("response_type must be code")),
            None => return Err(missing_parameter("response_type")),
        }
        if self
            .params
            .get("response_mode")
            .is_some_and(|mode| mode != "query")
        {
            return Err(ErrorCode::InvalidRequest.because("response_mode must be query"));
        }
        let resources = self
            .params
            .all("resource")
            .map(Resource::parse)
            .collect::<Result<_, _>>()?;
        Ok(AuthorizationRequest {
            scope: self.params.get("scope").unwrap_or_default().parse()?,
            state: self.bounded_parameter("state", 2048)?,
            nonce: self.bounded_parameter("nonce", 512)?,
            code_challenge: self.code_challenge()?,
            prompt: self.prompt()?,
            max_age: self.max_age()?,
            login_hint: self.bounded_parameter("login_hint", 256)?,
            id_token_hint: self.bounded_parameter("id_token_hint", 8192)?,
            resources,
        })
    }

    fn bounded_parameter(&self, name: &'static str, longest: usize) -> Result<Option<String>, OAuthError> {
        match self.params.get(name) {
            Some(value) if value.len() > longest => Err(ErrorCode::InvalidRequest
                .because(format!("the parameter {name} is longer than {longest} bytes"))),
            value => Ok(value.map(str::to_owned)),
        }
    }

    /// RFC 7636 §4.3; a request without `code_challenge_method` means `plain`, which is refused (RFC 9700 §2.1.1).
    fn code_challenge(&self) -> Result<Option<CodeChallenge>, OAuthError> {
        let invalid_request = |why| Err(ErrorCode::InvalidRequest.because(why));
        match (
            self.params.get("code_challenge"),
            self.params.get("code_challenge_method"),
        ) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(missing_parameter("code_challenge")),
            (Some(code_challenge), Some("S256")) => match CodeChallenge::parse(code_challenge) {
                Some(code_challenge) => Ok(Some(code_challenge)),
                None => invalid_request("code_challenge must be 43 characters of base64url"),
            },
            (Some(_), _) => invalid_request("code_challenge_method must be S256"),
        }
    }

    fn prompt(&self) -> Result<Prompt, OAuthError> {
        let mut prompt = Prompt::default();
        for value in self
            .params
            .get("prompt")
            .unwrap_or_default()
            .split_ascii_whitespace()
        {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => return Err(ErrorCode::InvalidRequest.because("prompt has an unknown value")),
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(ErrorCode::InvalidRequest.because("prompt none stands alone"));
        }
        Ok(prompt)
    }

    fn max_age(&self) -> Result<Option<u32>, OAuthError> {
        let Some(text) = self.params.get("max_age") else {
            return Ok(None);
        };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = text.parse().ok().filter(|_| digits);
        seconds
            .map(Some)
            .ok_or_else(|| ErrorCode::InvalidRequest.because("max_age must be a number of seconds"))
    }
}

fn missing_parameter(name: &'static str) -> OAuthError {
    ErrorCode::InvalidRequest.because(format!("the parameter {name} is missing"))
}
