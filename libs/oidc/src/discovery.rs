//! `/.well-known/openid-configuration`: provider metadata (OpenID Connect Discovery §3, RFC 8414 §2).

use serde::{Deserialize, Serialize};

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
    pub end_session_endpoint: String,
    pub scopes_supported: Vec<String>,
    pub response_types_supported: Vec<String>,
    pub response_modes_supported: Vec<String>,
    pub grant_types_supported: Vec<String>,
    pub subject_types_supported: Vec<String>,
    pub id_token_signing_alg_values_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: Vec<String>,
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    pub code_challenge_methods_supported: Vec<String>,
    pub prompt_values_supported: Vec<String>,
    pub claims_supported: Vec<String>,
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    pub authorization_response_iss_parameter_supported: bool,
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
    pub end_session: &'static str,
}

impl ProviderMetadata {
    /// The metadata of a Vestibule server at `issuer`, a URL without a slash at its end.
    pub fn of(issuer: &str, paths: EndpointPaths) -> Self {
        let at = |path: &str| format!("{issuer}{path}");
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let methods = list(&["client_secret_basic", "client_secret_post", "none"]);
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: at(paths.authorization),
            token_endpoint: at(paths.token),
            userinfo_endpoint: at(paths.userinfo),
            jwks_uri: at(paths.jwks),
            revocation_endpoint: at(paths.revocation),
            end_session_endpoint: at(paths.end_session),
            scopes_supported: list(&["openid", "profile", "email", "groups", "offline_access"]),
            response_types_supported: list(&["code"]),
            response_modes_supported: list(&["query"]),
            grant_types_supported: list(&["authorization_code", "refresh_token", "client_credentials"]),
            subject_types_supported: list(&["public"]),
            id_token_signing_alg_values_supported: list(&["RS256", "ES256"]),
            revocation_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_methods_supported: methods,
            code_challenge_methods_supported: list(&["S256"]),
            prompt_values_supported: list(&["none", "login"]),
            claims_supported: list(&[
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "amr",
                "nonce",
                "at_hash",
                "sid",
                "name",
                "given_name",
                "family_name",
                "preferred_username",
                "locale",
                "zoneinfo",
                "updated_at",
                "email",
                "email_verified",
                "groups",
            ]),
            claims_parameter_supported: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
        }
    }
}
