//! The options that stand for client metadata (RFC 7591 §2), of `client add` and `client update`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use oidc::client::{AuthMethod, ClientMetadata, ClientProfile, GrantType, WebUri};
use oidc::jose::{Algorithm, JwkSet};
use oidc::redirect_uri::RedirectUri;
use oidc::scope::Scope;
use serde_json::{Value, json};

use super::access::AccessArgs;
use super::assignment::AssignmentArgs;
use super::pages::PageArgs;
use super::subject::SubjectArgs;
use crate::error::{CommandError, ErrorCode};

/// The options that stand for client metadata. What is not given is left as it is.
#[derive(Debug, clap::Args)]
pub(super) struct MetadataArgs {
    /// URI to which people return after signing in, matched exactly; may be given several times
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<RedirectUri>,
    /// URI to which people may return after signing out; may be given several times
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<RedirectUri>,
    #[command(flatten)]
    pages: Box<PageArgs>,
    /// The application cannot keep a secret: it runs on a phone, a desktop or in a browser
    #[arg(long, conflicts_with = "token_endpoint_auth_method")]
    public: bool,
    /// Authentication method at the token endpoint: client_secret_basic (the secret in the header
    /// Authorization), client_secret_post (the secret in the form), private_key_jwt (an assertion that the
    /// application signs; needs --jwks or --jwks-uri), tls_client_auth (a certificate of an authority; needs a
    /// subject) or self_signed_tls_client_auth (a certificate of its key set) [default: client_secret_basic]
    #[arg(long, value_name = "METHOD")]
    token_endpoint_auth_method: Option<AuthMethod>,
    /// File with the application's public keys, a JSON Web Key Set
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// URL of the application's public keys, a JSON Web Key Set
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<WebUri>,
    /// Subject of the application's certificate, for tls_client_auth: CN=robot,O=Example
    #[arg(long, value_name = "NAME")]
    tls_client_auth_subject_dn: Option<String>,
    /// DNS name of the application's certificate, in place of the subject
    #[arg(long, value_name = "NAME")]
    tls_client_auth_san_dns: Option<String>,
    /// URI of the application's certificate, in place of the subject
    #[arg(long, value_name = "URI")]
    tls_client_auth_san_uri: Option<String>,
    /// IP address of the application's certificate, in place of the subject
    #[arg(long, value_name = "ADDRESS")]
    tls_client_auth_san_ip: Option<IpAddr>,
    /// E-mail address of the application's certificate, in place of the subject
    #[arg(long, value_name = "ADDRESS")]
    tls_client_auth_san_email: Option<String>,
    /// Its access tokens are bound to its certificate [default: false]
    #[arg(long, value_name = "BOOL")]
    tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Grants that it may use: authorization_code, refresh_token, client_credentials,
    /// urn:ietf:params:oauth:grant-type:device_code or urn:ietf:params:oauth:grant-type:token-exchange [default:
    /// authorization_code and refresh_token]
    #[arg(long, value_name = "GRANT")]
    grant_type: Vec<GrantType>,
    /// Scopes that it may ask for [default: openid, profile, email, groups, offline_access]
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// A code needs a proof key (PKCE); only an application with a secret or a key can do without [default: true]
    #[arg(long, value_name = "BOOL")]
    require_pkce: Option<bool>,
    /// Rules that the application is held to: fapi2 (FAPI 2.0 Security Profile: pushed requests, private_key_jwt, tokens
    /// bound to a key). Responses are signed with ES256 then
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ClientProfile>,
    #[command(flatten)]
    access: Box<AccessArgs>,
    #[command(flatten)]
    subject: Box<SubjectArgs>,
    #[command(flatten)]
    assignment: Box<AssignmentArgs>,
}

impl MetadataArgs {
    /// True if an option was given.
    pub(super) fn is_given(&self) -> bool {
        !self.redirect_uri.is_empty()
            || !self.post_logout_redirect_uri.is_empty()
            || self.pages.is_given()
            || self.public
            || self.token_endpoint_auth_method.is_some()
            || self.jwks.is_some()
            || self.jwks_uri.is_some()
            || !self.grant_type.is_empty()
            || !self.scope.is_empty()
            || self.names_subject()
            || self.tls_client_certificate_bound_access_tokens.is_some()
            || self.require_pkce.is_some()
            || self.profile.is_some()
            || self.access.is_given()
            || self.subject.is_given()
            || self.assignment.is_given()
    }

    /// True if a subject of the certificate was given.
    fn names_subject(&self) -> bool {
        self.tls_client_auth_subject_dn.is_some()
            || self.tls_client_auth_san_dns.is_some()
            || self.tls_client_auth_san_uri.is_some()
            || self.tls_client_auth_san_ip.is_some()
            || self.tls_client_auth_san_email.is_some()
    }

    /// Replaces the subject of the certificate, if one was given, and the binding of tokens to it.
    fn apply_certificate(&self, metadata: &mut ClientMetadata) {
        if self.names_subject() {
            metadata
                .tls_client_auth_subject_dn
                .clone_from(&self.tls_client_auth_subject_dn);
            metadata
                .tls_client_auth_san_dns
                .clone_from(&self.tls_client_auth_san_dns);
            metadata
                .tls_client_auth_san_uri
                .clone_from(&self.tls_client_auth_san_uri);
            metadata.tls_client_auth_san_ip = self.tls_client_auth_san_ip;
            metadata
                .tls_client_auth_san_email
                .clone_from(&self.tls_client_auth_san_email);
        }
        if let Some(bound) = self.tls_client_certificate_bound_access_tokens {
            metadata.tls_client_certificate_bound_access_tokens = bound;
        }
    }

    /// Writes the given options into `metadata`, and checks the whole, as the service will.
    pub(super) fn apply(&self, metadata: &mut ClientMetadata) -> Result<(), CommandError> {
        if !self.redirect_uri.is_empty() {
            metadata.redirect_uris.clone_from(&self.redirect_uri);
        }
        if !self.post_logout_redirect_uri.is_empty() {
            metadata
                .post_logout_redirect_uris
                .clone_from(&self.post_logout_redirect_uri);
        }
        self.pages.apply(metadata);
        if self.public {
            metadata.token_endpoint_auth_method = AuthMethod::None;
        }
        if let Some(method) = self.token_endpoint_auth_method {
            metadata.token_endpoint_auth_method = method;
        }
        if let Some(path) = &self.jwks {
            (metadata.jwks, metadata.jwks_uri) = (Some(read_key_set(path)?), None);
        }
        if let Some(url) = &self.jwks_uri {
            (metadata.jwks, metadata.jwks_uri) = (None, Some(url.clone()));
        }
        self.apply_certificate(metadata);
        if !self.grant_type.is_empty() {
            metadata.grant_types = self.grant_type.iter().copied().collect();
        }
        if !self.scope.is_empty() {
            let scope: Result<Scope, _> = self.scope.join(" ").parse();
            metadata.scope = scope.map_err(|_| usage("scope: expected scopes of RFC 6749 §3.3"))?;
        }
        if let Some(require) = self.require_pkce {
            metadata.require_pkce = require;
        }
        if let Some(profile) = self.profile {
            metadata.profile = Some(profile);
            for algorithm in [
                &mut metadata.id_token_signed_response_alg,
                &mut metadata.authorization_signed_response_alg,
            ] {
                // The default of the metadata is not an algorithm of the profile.
                if *algorithm == Algorithm::default() {
                    *algorithm = Algorithm::Es256;
                }
            }
        }
        self.access.apply(metadata);
        self.subject.apply(metadata);
        self.assignment.apply(metadata);
        metadata.check().map_err(|invalid| usage(&invalid.to_string()))
    }
}

fn usage(message: &str) -> CommandError {
    CommandError::new(ErrorCode::Usage, message.to_owned())
}

/// A JSON Web Key Set of a file. Private keys are refused, as the service does, before they are sent.
pub(super) fn read_key_set(path: &Path) -> Result<JwkSet, CommandError> {
    let invalid = |error: String| usage(&format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    let set: Value = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    let read: ClientMetadata =
        serde_json::from_value(json!({ "jwks": set })).map_err(|error| invalid(error.to_string()))?;
    read.jwks
        .ok_or_else(|| invalid("expected a JSON Web Key Set".to_owned()))
}
