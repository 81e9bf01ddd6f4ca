//! The issuer: its URL, the audiences of its tokens, and its metadata (OpenID Connect Discovery §3, RFC 8414
//! §2).

use bytes::Bytes;
use chassis::clock::SKEW;
use chassis::http::PublicUrl;
use contract::paths::auth::{
    AUTHORIZE, CLIENT_REGISTRATION, DEVICE_AUTHORIZATION, END_SESSION, INTROSPECT, JWKS,
    PUSHED_AUTHORIZATION_REQUEST, REVOKE, TOKEN, USERINFO,
};
use oidc::authorization_details::DetailTypes;
use oidc::claims::ClaimScopes;
use oidc::discovery::{EndpointPaths, MutualTls, ProviderMetadata};
use oidc::jose::KeySet;
use oidc::resource::{Resource, ResourceError};
use oidc::scope::Scope;
use oidc::server::AuthorizationServer;

use super::model::PRIVILEGED_SCOPES;

const ENDPOINTS: EndpointPaths = EndpointPaths {
    authorization: AUTHORIZE,
    token: TOKEN,
    userinfo: USERINFO,
    jwks: JWKS,
    revocation: REVOKE,
    pushed_authorization_request: PUSHED_AUTHORIZATION_REQUEST,
    device_authorization: DEVICE_AUTHORIZATION,
    introspection: INTROSPECT,
    end_session: END_SESSION,
};

/// The issuer of all tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: String,
    audiences: Vec<Resource>,
    users: Resource,
    requires_pushed_requests: bool,
    registers_users: bool,
    registers_clients: bool,
    claims: ClaimScopes,
    mutual_tls: Option<MutualTls>,
    detail_types: DetailTypes,
    metadata: Bytes,
}

/// A URL of the settings cannot be an issuer or a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// The issuer's URL.
    #[error("issuer: {0}")]
    Issuer(ResourceError),
    /// The metadata cannot be serialized.
    #[error("issuer: the metadata cannot be written")]
    Metadata,
    /// The user service's URL.
    #[error("users.url: {0}")]
    Users(ResourceError),
}

impl Issuer {
    /// The issuer at `issuer`. `users` is the URL of the user service.
    ///
    /// # Errors
    /// [`IssuerError`] names the key.
    pub fn new(issuer: &PublicUrl, users: &PublicUrl) -> Result<Self, IssuerError> {
        let url = issuer.as_str().to_owned();
        let users = Resource::parse(users.as_str()).map_err(IssuerError::Users)?;
        let own = Resource::parse(&url).map_err(IssuerError::Issuer)?;
        Self {
            url,
            audiences: vec![own, users.clone()],
            users,
            requires_pushed_requests: false,
            registers_users: true,
            registers_clients: false,
            claims: ClaimScopes::default(),
            mutual_tls: None,
            detail_types: DetailTypes::default(),
            metadata: Bytes::new(),
        }
        .with_metadata()
    }

    /// The same issuer, which takes only pushed authorization requests if `required` (RFC 9126 §5).
    ///
    /// # Errors
    /// [`IssuerError::Metadata`].
    pub fn requiring_pushed_requests(self, required: bool) -> Result<Self, IssuerError> {
        Self {
            requires_pushed_requests: required,
            ..self
        }
        .with_metadata()
    }

    /// The same issuer, at which users cannot register by themselves unless `open`.
    ///
    /// # Errors
    /// [`IssuerError::Metadata`].
    pub fn with_registration(self, open: bool) -> Result<Self, IssuerError> {
        Self {
            registers_users: open,
            ..self
        }
        .with_metadata()
    }

    /// The same issuer, at which clients register themselves if `offered` (RFC 8414 §2, `registration_endpoint`).
    ///
    /// # Errors
    /// [`IssuerError::Metadata`].
    pub fn with_client_registration(self, offered: bool) -> Result<Self, IssuerError> {
        Self {
            registers_clients: offered,
            ..self
        }
        .with_metadata()
    }

    /// The same issuer, with these scopes and claims in its metadata.
    ///
    /// # Errors
    /// [`IssuerError::Metadata`].
    pub fn with_claims(self, claims: ClaimScopes) -> Result<Self, IssuerError> {
        Self { claims, ..self }.with_metadata()
    }

    /// The same issuer, with the mutual TLS that it offers (RFC 8705).
    ///
    /// # Errors
    /// [`IssuerError::Metadata`].
    pub fn with_mutual_tls(self, offered: Option<MutualTls>) -> Result<Self, IssuerError> {
        Self {
            mutual_tls: offered,
            ..self
        }
        .with_metadata()
    }

    /// The same issuer, with these types of `authorization_details` (RFC 9396).
    ///
    /// # Errors
    /// [`IssuerError::Metadata`].
    pub fn with_detail_types(self, detail_types: DetailTypes) -> Result<Self, IssuerError> {
        Self { detail_types, ..self }.with_metadata()
    }

    /// The types of `authorization_details` (RFC 9396).
    pub fn detail_types(&self) -> &DetailTypes {
        &self.detail_types
    }

    /// True if tokens and responses of introspection with `scope` have this claim about the user.
    pub fn gives(&self, scope: &Scope, claim: &str) -> bool {
        self.claims.gives(scope, claim)
    }

    fn with_metadata(self) -> Result<Self, IssuerError> {
        let registration = format!("{}{CLIENT_REGISTRATION}", self.url);
        let mut metadata = ProviderMetadata {
            registration_endpoint: self.registers_clients.then_some(registration),
            require_pushed_authorization_requests: self.requires_pushed_requests,
            authorization_details_types_supported: self.detail_types.names().map(str::to_owned).collect(),
            ..ProviderMetadata::of(&self.url, ENDPOINTS)
                .with_claims(&self.claims)
                .with_mutual_tls(self.mutual_tls.as_ref(), ENDPOINTS)
        };
        metadata
            .prompt_values_supported
            .retain(|prompt| self.registers_users || prompt != "create");
        let metadata = serde_json::to_vec(&metadata).map_err(|_| IssuerError::Metadata)?;
        Ok(Self {
            metadata: metadata.into(),
            ..self
        })
    }

    /// `iss`: the URL without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The audiences of tokens for clients that are not registered for others.
    pub fn audiences(&self) -> &[Resource] {
        &self.audiences
    }

    /// The user service as an audience.
    pub fn users(&self) -> &Resource {
        &self.users
    }

    /// The authorization server as the protocol sees it. `hint_keys` verify an `id_token_hint`.
    pub fn server<'a>(&'a self, hint_keys: &'a KeySet) -> AuthorizationServer<'a> {
        AuthorizationServer {
            issuer: &self.url,
            audiences: &self.audiences,
            privileged_scopes: PRIVILEGED_SCOPES,
            hint_keys,
            requires_pushed_requests: self.requires_pushed_requests,
            claims: &self.claims,
            detail_types: &self.detail_types,
            registers_users: self.registers_users,
            clock_skew: i64::try_from(SKEW.as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// The discovery document, as JSON.
    pub fn metadata(&self) -> Bytes {
        self.metadata.clone()
    }
}
