//! Authorization request: its parameters (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use super::{PageError, ResponseMode};
use crate::authorization_details::AuthorizationDetails;
use crate::claims_request::ClaimsRequest;
use crate::client::{ClientMetadata, RequestUri};
use crate::dpop::is_thumbprint;
use crate::error::{ErrorCode, OAuthError};
use crate::params::{Params, ParamsError};
use crate::pkce::CodeChallenge;
use crate::resource::Resource;
use crate::scope::Scope;

/// Parameters that may be repeated in an authorization request (RFC 8707 §2).
pub const REPEATABLE: &[&str] = &["resource"];

/// An authorization request whose client and redirect URI are parsed, but not verified: see [`super::check`].
#[derive(Clone, Debug)]
pub struct UnverifiedAuthorizationRequest {
    params: Params,
    /// `client_id`, as sent.
    pub client_id: String,
    /// `redirect_uri`, as sent.
    pub redirect_uri: Option<String>,
    is_pushed: bool,
    is_signed: bool,
    is_stored: bool,
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
    /// `create`: let the user register (Initiating User Registration via OpenID Connect 1.0 §4.1).
    pub create: bool,
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
    /// `dpop_jkt`: the key that the code is bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// `prompt`.
    pub prompt: Prompt,
    /// `max_age`: the maximum age of the authentication in seconds.
    pub max_age: Option<u32>,
    /// `acr_values`: the classes of the authentication that the client prefers. They are no requirement (OpenID Connect Core
    /// §3.1.2.1).
    pub acr_values: Vec<String>,
    /// `ui_locales`: the languages that the user prefers, as BCP 47 tags.
    pub ui_locales: Vec<String>,
    /// `claims`: the single claims that are requested (OpenID Connect Core §5.5).
    pub claims: Option<ClaimsRequest>,
    /// `authorization_details`: what the client wants to do (RFC 9396 §3).
    pub authorization_details: AuthorizationDetails,
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
            is_pushed: false,
            is_signed: false,
            is_stored: false,
        })
    }

    /// The request of `params`, without a `client_id`, for the client that has authenticated.
    pub(super) fn of(params: Params, client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            redirect_uri: params.only("redirect_uri").map(str::to_owned),
            params: params.with("client_id", client_id),
            is_pushed: false,
            is_signed: false,
            is_stored: false,
        }
    }

    /// The same request as one that its client has pushed (RFC 9126). The store knows that, and never a parameter.
    #[must_use]
    pub fn pushed(self) -> Self {
        Self {
            is_pushed: true,
            ..self
        }
    }

    /// The same request as one that came in a signed request object (RFC 9101).
    pub(super) fn signed(self) -> Self {
        Self {
            is_signed: true,
            ..self
        }
    }

    /// True if the request came in a signed request object.
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// The same request as one that was checked before it was stored. The store knows that, and never a parameter.
    #[must_use]
    pub fn stored(self) -> Self {
        Self {
            is_stored: true,
            ..self
        }
    }

    /// True if the request was checked before it was stored.
    pub(super) fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// True if the client has pushed the request.
    pub fn is_pushed(&self) -> bool {
        self.is_pushed
    }

    /// The registered URL of the request object, if the request passes one by reference (OpenID Connect Core §6.2, RFC 9101 §5.2).
    ///
    /// # Errors
    /// `invalid_request_uri` for a URL that is not among the `request_uris` of the client.
    pub fn request_uri<'c>(&self, client: &'c ClientMetadata) -> Result<Option<&'c RequestUri>, OAuthError> {
        let Some(sent) = self.params.get("request_uri") else {
            return Ok(None);
        };
        if client.request_uris.is_empty() {
            return Err(ErrorCode::InvalidRequestUri
                .because("push the request (RFC 9126), or register the URL in request_uris"));
        }
        let registered = client.request_uris.iter().find(|uri| uri.names(sent));
        registered.map(Some).ok_or_else(|| {
            ErrorCode::InvalidRequestUri.because("request_uri is not among the request_uris of the client")
        })
    }

    /// True if the request is in a request object, passed by value or by reference (RFC 9101 §5).
    pub fn has_request_object(&self) -> bool {
        ["request", "request_uri"]
            .iter()
            .any(|name| self.params.get(name).is_some())
    }

    /// `state`, which an error response returns as well.
    pub fn state(&self) -> Option<&str> {
        self.params.only("state")
    }

    /// `response_mode`. Without a supported one the default encodes the error response.
    pub(super) fn response_mode(&self) -> ResponseMode {
        self.params
            .only("response_mode")
            .and_then(ResponseMode::from_name)
            .unwrap_or_default()
    }

    /// True if the user is to register rather than to sign in: `prompt` has `create`.
    pub fn wants_registration(&self) -> bool {
        self.prompts("create")
    }

    /// True if the user must see no page (OpenID Connect Core §3.1.2.1): `prompt` has `none`.
    pub fn is_silent(&self) -> bool {
        self.prompts("none")
    }

    fn prompts(&self, value: &str) -> bool {
        let prompt = self.params.get("prompt").unwrap_or_default();
        prompt.split_ascii_whitespace().any(|known| known == value)
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
            .is_some_and(|mode| ResponseMode::from_name(mode).is_none())
        {
            let modes = ResponseMode::NAMES.join(", ");
            return Err(ErrorCode::InvalidRequest.because(format!("response_mode must be one of {modes}")));
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
            dpop_jkt: self.dpop_jkt()?,
            prompt: self.prompt()?,
            max_age: self.max_age()?,
            acr_values: self.list("acr_values")?,
            ui_locales: self.list("ui_locales")?,
            claims: self.params.get("claims").map(ClaimsRequest::parse).transpose()?,
            authorization_details: AuthorizationDetails::of(&self.params)?.unwrap_or_default(),
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

    /// The values of a parameter with spaces between them.
    fn list(&self, name: &'static str) -> Result<Vec<String>, OAuthError> {
        let values = self.bounded_parameter(name, 512)?.unwrap_or_default();
        Ok(values.split_ascii_whitespace().map(str::to_owned).collect())
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

    fn dpop_jkt(&self) -> Result<Option<String>, OAuthError> {
        match self.params.get("dpop_jkt") {
            Some(jkt) if !is_thumbprint(jkt) => Err(ErrorCode::InvalidRequest
                .because("dpop_jkt must be the SHA-256 thumbprint of a key in base64url")),
            jkt => Ok(jkt.map(str::to_owned)),
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
                "create" => prompt.create = true,
                _ => return Err(ErrorCode::InvalidRequest.because("prompt has an unknown value")),
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account || prompt.create) {
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
