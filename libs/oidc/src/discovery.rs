//! `/.well-known/openid-configuration`: provider metadata (OpenID Connect Discovery §3, RFC 8414 §2).

use serde::{Deserialize, Serialize};

use crate::acr;
use crate::authorize::ResponseMode;
use crate::claims::ClaimScopes;
use crate::client::AuthMethod;
use crate::client::GrantType;
use crate::client::SubjectType;
use crate::client_auth::ASSERTION_ALGORITHMS;
use crate::dpop::DPOP_ALGORITHMS;
use crate::jose::{Algorithm, ContentEncryption, KeyManagement};

/// The metadata document of an OpenID provider.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[expect(
    missing_docs,
    reason = "the members are those of the standards, under their names"
)]
pub struct ProviderMetadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub revocation_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    pub device_authorization_endpoint: String,
    pub require_pushed_authorization_requests: bool,
    pub introspection_endpoint: String,
    pub end_session_endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    pub scopes_supported: Vec<String>,
    pub response_types_supported: Vec<String>,
    pub response_modes_supported: Vec<String>,
    pub grant_types_supported: Vec<String>,
    pub subject_types_supported: Vec<String>,
    pub id_token_signing_alg_values_supported: Vec<String>,
    pub authorization_signing_alg_values_supported: Vec<String>,
    pub userinfo_signing_alg_values_supported: Vec<String>,
    pub id_token_encryption_alg_values_supported: Vec<String>,
    pub id_token_encryption_enc_values_supported: Vec<String>,
    pub userinfo_encryption_alg_values_supported: Vec<String>,
    pub userinfo_encryption_enc_values_supported: Vec<String>,
    pub dpop_signing_alg_values_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: Vec<String>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub introspection_signing_alg_values_supported: Vec<String>,
    pub tls_client_certificate_bound_access_tokens: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtls_endpoint_aliases: Option<MtlsEndpointAliases>,
    pub code_challenge_methods_supported: Vec<String>,
    pub prompt_values_supported: Vec<String>,
    pub acr_values_supported: Vec<String>,
    pub ui_locales_supported: Vec<String>,
    pub claims_supported: Vec<String>,
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    pub require_request_uri_registration: bool,
    pub request_object_signing_alg_values_supported: Vec<String>,
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
    pub frontchannel_logout_supported: bool,
    pub frontchannel_logout_session_supported: bool,
}

/// The endpoints at a host that asks clients for their certificates (RFC 8705 §5).
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[expect(
    missing_docs,
    reason = "the members are those of the standard, under their names"
)]
pub struct MtlsEndpointAliases {
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub revocation_endpoint: String,
    pub introspection_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
}

/// The mutual TLS that a server offers (RFC 8705).
#[derive(Clone, Debug)]
pub struct MutualTls {
    /// True if certificates of authorities are accepted (`tls_client_auth`).
    pub has_authorities: bool,
    /// The URL of the host that asks for certificates, without a slash at its end, if it is not the issuer.
    pub url: Option<String>,
}

impl AuthMethod {
    /// True if clients can authenticate by the method at a server that offers this mutual TLS.
    pub fn is_offered(self, mutual_tls: Option<&MutualTls>) -> bool {
        match self {
            Self::TlsClientAuth => mutual_tls.is_some_and(|offered| offered.has_authorities),
            method => !method.uses_certificate() || mutual_tls.is_some(),
        }
    }
}

/// The metadata of a protected resource (RFC 9728 §2).
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[expect(
    missing_docs,
    reason = "the members are those of the standard, under their names"
)]
pub struct ProtectedResourceMetadata {
    pub resource: String,
    pub authorization_servers: Vec<String>,
    pub scopes_supported: Vec<String>,
    pub bearer_methods_supported: Vec<String>,
    pub resource_name: String,
    pub tls_client_certificate_bound_access_tokens: bool,
    pub dpop_signing_alg_values_supported: Vec<String>,
    pub dpop_bound_access_tokens_required: bool,
}

impl ProtectedResourceMetadata {
    /// The metadata of the service at `resource`, which takes tokens of `issuer`.
    pub fn of(resource: &str, issuer: &str, name: &str, scopes: &[&str]) -> Self {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Self {
            resource: resource.to_owned(),
            authorization_servers: list(&[issuer]),
            scopes_supported: list(scopes),
            bearer_methods_supported: list(&["header"]),
            resource_name: name.to_owned(),
            tls_client_certificate_bound_access_tokens: false,
            dpop_signing_alg_values_supported: list(&DPOP_ALGORITHMS.map(Algorithm::name)),
            dpop_bound_access_tokens_required: false,
        }
    }

    /// The same metadata. `certificates` is true if clients can present the certificates that their tokens are bound to (RFC 8705 §3).
    #[must_use]
    pub fn with_certificates(mut self, certificates: bool) -> Self {
        self.tls_client_certificate_bound_access_tokens = certificates;
        self
    }
}

/// The path of the metadata of a protected resource without a path (RFC 9728 §3).
pub const PROTECTED_RESOURCE_PATH: &str = "/.well-known/oauth-protected-resource";

/// The URL of the metadata of `resource`, a URL without a slash at its end: its path follows the well-known one (RFC 9728 §3.1).
pub fn protected_resource_url(resource: &str) -> String {
    let path_at = resource
        .find("://")
        .and_then(|scheme| resource.get(scheme + 3..)?.find('/').map(|at| scheme + 3 + at));
    let (origin, path) = resource.split_at(path_at.unwrap_or(resource.len()));
    format!("{origin}{PROTECTED_RESOURCE_PATH}{path}")
}

/// The paths of the endpoints, each with a slash at its beginning.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the endpoints have the names of the standards")]
pub struct EndpointPaths {
    pub authorization: &'static str,
    pub token: &'static str,
    pub userinfo: &'static str,
    pub jwks: &'static str,
    pub revocation: &'static str,
    pub pushed_authorization_request: &'static str,
    pub device_authorization: &'static str,
    pub introspection: &'static str,
    pub end_session: &'static str,
}

impl ProviderMetadata {
    /// The metadata of a Vestibule server at `issuer`, a URL without a slash at its end.
    pub fn of(issuer: &str, paths: EndpointPaths) -> Self {
        let at = |path: &str| format!("{issuer}{path}");
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let methods = AuthMethod::ALL.map(|method| method.name().to_owned()).to_vec();
        let assertion_algorithms: Vec<String> = ASSERTION_ALGORITHMS
            .iter()
            .map(|algorithm| algorithm.name().to_owned())
            .collect();
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: at(paths.authorization),
            token_endpoint: at(paths.token),
            userinfo_endpoint: at(paths.userinfo),
            jwks_uri: at(paths.jwks),
            revocation_endpoint: at(paths.revocation),
            pushed_authorization_request_endpoint: at(paths.pushed_authorization_request),
            device_authorization_endpoint: at(paths.device_authorization),
            require_pushed_authorization_requests: false,
            introspection_endpoint: at(paths.introspection),
            end_session_endpoint: at(paths.end_session),
            registration_endpoint: None,
            scopes_supported: Vec::new(),
            response_types_supported: list(&["code"]),
            response_modes_supported: list(&ResponseMode::NAMES),
            grant_types_supported: list(&GrantType::ALL.map(GrantType::name)),
            subject_types_supported: list(&SubjectType::ALL.map(SubjectType::name)),
            id_token_signing_alg_values_supported: list(&Algorithm::ALL.map(Algorithm::name)),
            introspection_signing_alg_values_supported: list(&Algorithm::ALL.map(Algorithm::name)),
            introspection_endpoint_auth_methods_supported: methods
                .iter()
                .filter(|method| *method != "none")
                .cloned()
                .collect(),
            dpop_signing_alg_values_supported: list(&DPOP_ALGORITHMS.map(Algorithm::name)),
            userinfo_signing_alg_values_supported: list(&Algorithm::ALL.map(Algorithm::name)),
            id_token_encryption_alg_values_supported: list(&KeyManagement::ALL.map(KeyManagement::name)),
            id_token_encryption_enc_values_supported: list(
                &ContentEncryption::ALL.map(ContentEncryption::name),
            ),
            userinfo_encryption_alg_values_supported: list(&KeyManagement::ALL.map(KeyManagement::name)),
            userinfo_encryption_enc_values_supported: list(
                &ContentEncryption::ALL.map(ContentEncryption::name),
            ),
            authorization_signing_alg_values_supported: list(&Algorithm::ALL.map(Algorithm::name)),
            revocation_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_methods_supported: methods,
            token_endpoint_auth_signing_alg_values_supported: assertion_algorithms.clone(),
            revocation_endpoint_auth_signing_alg_values_supported: assertion_algorithms.clone(),
            introspection_endpoint_auth_signing_alg_values_supported: assertion_algorithms,
            tls_client_certificate_bound_access_tokens: false,
            mtls_endpoint_aliases: None,
            code_challenge_methods_supported: list(&["S256"]),
            prompt_values_supported: list(&["none", "login", "consent", "select_account", "create"]),
            acr_values_supported: list(&acr::SUPPORTED),
            ui_locales_supported: list(&["en"]),
            claims_supported: Vec::new(),
            claims_parameter_supported: true,
            request_parameter_supported: true,
            request_uri_parameter_supported: true,
            require_request_uri_registration: true,
            request_object_signing_alg_values_supported: list(&Algorithm::ALL.map(Algorithm::name)),
            authorization_response_iss_parameter_supported: true,
            authorization_details_types_supported: Vec::new(),
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            frontchannel_logout_supported: true,
            frontchannel_logout_session_supported: true,
        }
        .with_claims(&ClaimScopes::default())
    }

    /// The same metadata with the scopes and claims of a server.
    #[must_use]
    pub fn with_claims(mut self, claims: &ClaimScopes) -> Self {
        self.scopes_supported = claims.supported_scopes().map(str::to_owned).collect();
        self.claims_supported = claims.supported();
        self
    }

    /// The same metadata, with the mutual TLS that the server offers. Without it no method of RFC 8705 is listed.
    #[must_use]
    pub fn with_mutual_tls(mut self, offered: Option<&MutualTls>, paths: EndpointPaths) -> Self {
        for methods in [
            &mut self.token_endpoint_auth_methods_supported,
            &mut self.revocation_endpoint_auth_methods_supported,
            &mut self.introspection_endpoint_auth_methods_supported,
        ] {
            methods.retain(|name| {
                name.parse::<AuthMethod>()
                    .is_ok_and(|method| method.is_offered(offered))
            });
        }
        self.tls_client_certificate_bound_access_tokens = offered.is_some();
        self.mtls_endpoint_aliases = offered.and_then(|offered| offered.url.as_ref()).map(|url| {
            let at = |path: &str| format!("{url}{path}");
            MtlsEndpointAliases {
                token_endpoint: at(paths.token),
                userinfo_endpoint: at(paths.userinfo),
                revocation_endpoint: at(paths.revocation),
                introspection_endpoint: at(paths.introspection),
                pushed_authorization_request_endpoint: at(paths.pushed_authorization_request),
            }
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_of_a_resource_stands_before_its_path() {
        // RFC 9728 §3.1
        for (resource, url) in [
            (
                "https://users.example",
                "https://users.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://example.org/directory/x",
                "https://example.org/.well-known/oauth-protected-resource/directory/x",
            ),
        ] {
            assert_eq!(protected_resource_url(resource), url);
        }
    }
}
