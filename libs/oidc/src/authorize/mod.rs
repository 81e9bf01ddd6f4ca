//! The authorization request and its answer (RFC 6749 §4.1.1–2, OpenID Connect Core §3.1.2, RFC 9207).

#[cfg(test)]
mod tests;

use url::form_urlencoded;

use crate::error::{ErrorCode, OAuthError};
use crate::params::{Params, ParamsError};
use crate::pkce::CodeChallenge;
use crate::redirect_uri::RedirectUri;
use crate::resource::Resource;
use crate::scope::Scope;

/// What may be there several times (RFC 8707 §2).
const REPEATABLE: &[&str] = &["resource"];

/// A request of which the client and the place to answer to can be read, and nothing else yet. Whoever reads it must
/// check both before [`UnverifiedAuthorizationRequest::validate`], because its errors are sent there.
#[derive(Clone, Debug)]
pub struct UnverifiedAuthorizationRequest {
    params: Params,
    /// The client, as sent.
    pub client_id: String,
    /// The place to answer to, as sent.
    pub redirect_uri: Option<String>,
}

/// Why a request cannot be answered to anybody but the person in front of the browser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationRequestError {
    /// The parameters cannot be decoded.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// No `client_id`.
    #[error("the parameter client_id is missing")]
    NoClient,
}

/// What to ask the person for (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Show nothing: answer or fail.
    pub none: bool,
    /// Ask for the password again.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Let the person choose an account.
    pub select_account: bool,
}

/// A well-formed request for a code.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// What is asked for; empty when the client leaves it to the server.
    pub scope: Scope,
    /// For the client, returned as it came.
    pub state: Option<String>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// The proof key. Whether one may be missing is the client's registration to say.
    pub code_challenge: Option<CodeChallenge>,
    /// What to ask the person for.
    pub prompt: Prompt,
    /// Seconds that the sign-in may lie back.
    pub max_age: Option<u32>,
    /// The user name to offer.
    pub login_hint: Option<String>,
    /// An ID token of the person who is expected, not verified.
    pub id_token_hint: Option<String>,
    /// The services that the tokens are for.
    pub resources: Vec<Resource>,
}

impl UnverifiedAuthorizationRequest {
    /// Reads a query or a form.
    ///
    /// # Errors
    /// [`AuthorizationRequestError`]: show it to the person, never redirect.
    pub fn parse(raw: &str) -> Result<Self, AuthorizationRequestError> {
        let params = Params::parse_lenient(raw)?;
        // Duplicates of these two leave nobody to answer to.
        for name in ["client_id", "redirect_uri"] {
            if params.all(name).nth(1).is_some() {
                return Err(ParamsError::Duplicate(name.to_owned()).into());
            }
        }
        Ok(Self {
            client_id: params
                .only("client_id")
                .ok_or(AuthorizationRequestError::NoClient)?
                .to_owned(),
            redirect_uri: params.only("redirect_uri").map(str::to_owned),
            params,
        })
    }

    /// `state`, to return with an error as well.
    pub fn state(&self) -> Option<&str> {
        self.params.only("state")
    }

    /// The parameters as they came, to read rare ones and to ask again later.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Reads the rest.
    ///
    /// # Errors
    /// What the client is told at its redirection URI.
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

/// Where to send the browser with a code.
pub fn code_redirect(redirect_uri: &str, code: &str, state: Option<&str>, issuer: &str) -> String {
    response_url(redirect_uri, &[("code", code)], state, issuer)
}

/// Where to send the browser with an error.
pub fn error_redirect(redirect_uri: &str, error: &OAuthError, state: Option<&str>, issuer: &str) -> String {
    let parts = [
        ("error", error.error.name()),
        ("error_description", &error.error_description),
    ];
    response_url(redirect_uri, &parts, state, issuer)
}

/// Both carry `iss`, so that a client of several servers cannot be confused (RFC 9207 §2).
fn response_url(redirect_uri: &str, parts: &[(&str, &str)], state: Option<&str>, issuer: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parts);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", issuer);
    RedirectUri::with_query(redirect_uri, &query.finish())
}
