//! Client metadata (RFC 7591 §2): what a client is registered with, in the configuration, over HTTP and in the store.

mod access;
mod certificate;
mod check;
mod extended;
mod members;
mod names;
mod profile;
mod registered;
mod request_uri;
mod role;
mod sector;
mod web_uri;

#[cfg(test)]
mod tests;

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::{InvalidMetadata, is_role_name};
pub use extended::{Extended, deserialize_extended, extended_members, extended_schema};
pub use names::{AccessTokenFormat, AuthMethod, GrantType, SubjectType};
pub use profile::{ClientProfile, FAPI2_ALGORITHMS};
pub use registered::RegisteredClient;
pub use request_uri::RequestUri;
pub use role::RoleDefinition;
pub use web_uri::{WebUri, WebUriError};

use members::{
    default_grant_types, default_require_pkce, default_scope, grant_types, is_default, null_is_default,
    public_keys, require_pkce, scope,
};

use crate::jose::{Algorithm, ContentEncryption, JwkSet, KeyManagement};
use crate::redirect_uri::RedirectUri;
use crate::resource::Resource;
use crate::scope::Scope;

/// The metadata of a client, with the names of RFC 7591 §2, OpenID Connect RP-Initiated Logout 1.0 §3.1
/// (`post_logout_redirect_uris`), JARM §3, RFC 8705 §2.1.2 and §3.4, RFC 9126 §6, RFC 9396 §10, RFC 9449 §5.2 and RFC 9701 §6, and some of our own: `access_token_format`, `audiences`,
/// `require_pkce`, `require_consent`, `require_assignment`, `allowed_groups`, `roles`, `resource` and `profile`. What is left out, or null, has its default. A member that the release before does
/// not know is not written at its default. Replicas of that release cannot read a row that has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientMetadata {
    /// The name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Its home page (RFC 7591 §2), which the consent page leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub client_uri: Option<WebUri>,
    /// Its logo (RFC 7591 §2): a PNG, JPEG, GIF or WebP image. It is fetched, and shown from the origin of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub logo_uri: Option<WebUri>,
    /// Its privacy policy (RFC 7591 §2), which the consent page leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub policy_uri: Option<WebUri>,
    /// Its terms of service (RFC 7591 §2), which the consent page leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub tos_uri: Option<WebUri>,
    /// The URIs to which codes may be sent: matched exactly, the port of a loopback address excepted.
    #[serde(default, deserialize_with = "null_is_default")]
    #[schemars(with = "Vec<String>")]
    pub redirect_uris: Vec<RedirectUri>,
    /// The URIs to which a person may be sent after signing out: matched exactly.
    #[serde(default, deserialize_with = "null_is_default")]
    #[schemars(with = "Vec<String>")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// The grants that it may use: `authorization_code` and `refresh_token` by default.
    #[serde(default = "default_grant_types", deserialize_with = "grant_types")]
    pub grant_types: BTreeSet<GrantType>,
    /// The scopes that it may ask for, between spaces: `openid profile email groups offline_access` by default.
    #[serde(default = "default_scope", deserialize_with = "scope")]
    #[schemars(with = "String")]
    pub scope: Scope,
    /// The method with which it authenticates at the token endpoint.
    #[serde(default, deserialize_with = "null_is_default")]
    pub token_endpoint_auth_method: AuthMethod,
    /// The only algorithm that its assertions may be signed with (OpenID Connect Registration §2), for `private_key_jwt`. Without
    /// it every algorithm of the metadata is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// The URL of its public keys (RFC 7591 §2). They are fetched when they are needed, and cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub jwks_uri: Option<WebUri>,
    /// Its public keys (RFC 7591 §2), in place of `jwks_uri`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "public_keys"
    )]
    pub jwks: Option<JwkSet>,
    /// The subject of its certificate, for `tls_client_auth` (RFC 8705 §2.1.2), as in RFC 4514: `CN=robot,O=Example`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// A DNS name of its certificate, in place of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// A URI of its certificate, in place of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// An IP address of its certificate, in place of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub tls_client_auth_san_ip: Option<IpAddr>,
    /// An e-mail address of its certificate, in place of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// True if all its access tokens are bound to its certificate (RFC 8705 §3.4).
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// The type of its subject identifiers: `public`, which are the ids of users, by default, or `pairwise`, which are others for
    /// every sector (OpenID Connect Core §8).
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub subject_type: SubjectType,
    /// The https URL of a JSON array that lists all its redirect URIs (OpenID Connect Registration §5). Its host is the sector. A
    /// pairwise client needs it unless all its redirect URIs have the same host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub sector_identifier_uri: Option<WebUri>,
    /// The algorithm that its ID tokens are signed with: `RS256` by default.
    #[serde(default, deserialize_with = "null_is_default")]
    pub id_token_signed_response_alg: Algorithm,
    /// The algorithm that its responses of userinfo are signed with. Without one they are plain JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// The algorithm with which its ID tokens are encrypted to one of its keys (OpenID Connect Registration §2). Without it they
    /// are signed alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<KeyManagement>,
    /// The algorithm that encrypts the content of its ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<ContentEncryption>,
    /// The algorithm with which its responses of userinfo are encrypted to one of its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<KeyManagement>,
    /// The algorithm that encrypts the content of its responses of userinfo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<ContentEncryption>,
    /// The algorithm that authorization responses are signed with in the response modes of JARM (JARM §3).
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub authorization_signed_response_alg: Algorithm,
    /// True if its authorization requests have to be pushed (RFC 9126 §6).
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub require_pushed_authorization_requests: bool,
    /// True if all its access tokens are bound to a key by DPoP (RFC 9449 §5.2).
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub dpop_bound_access_tokens: bool,
    /// The resource server that it is: it may introspect the tokens for this audience (RFC 7662).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub resource: Option<Resource>,
    /// The algorithm that its signed introspection responses are signed with (RFC 9701 §6): `RS256` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<Algorithm>,
    /// The only algorithm that its request objects may be signed with (RFC 9101 §9.2). Without it every algorithm of the metadata is
    /// accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub request_object_signing_alg: Option<Algorithm>,
    /// The URLs of its request objects (OpenID Connect Registration §2). No other URL is fetched.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    #[schemars(with = "Vec<String>")]
    pub request_uris: Vec<RequestUri>,
    /// True if its authorization requests have to come in signed request objects (RFC 9101 §10.5), which then need `aud`, `nbf` and
    /// `exp`.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub require_signed_request_object: bool,
    /// The format of its access tokens. Those for the user service are JWTs always.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "is_default"
    )]
    pub access_token_format: AccessTokenFormat,
    /// The types of `authorization_details` that it may request (RFC 9396 §10).
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    pub authorization_details_types: BTreeSet<String>,
    /// The services that it may get tokens for (RFC 8707). Empty: `auth` and `users`.
    #[serde(default, deserialize_with = "null_is_default")]
    #[schemars(with = "Vec<String>")]
    pub audiences: Vec<Resource>,
    /// True if a code needs a proof key (RFC 7636). A public client always needs one.
    #[serde(default = "default_require_pkce", deserialize_with = "require_pkce")]
    pub require_pkce: bool,
    /// True if people are asked before the client gets access: it is an application of another party. An application of the
    /// house, which is the default, gets access without a question.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub require_consent: bool,
    /// Ways to reach the people who run the client (RFC 7591 §2), such as an e-mail address. People who may not use it are told to
    /// ask there.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub contacts: Vec<String>,
    /// True if only people who are assigned may use it: members of `allowed_groups`, and people with one of its roles.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub require_assignment: bool,
    /// The names of the groups whose members may use it, also by groups in groups.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub allowed_groups: Vec<String>,
    /// Its roles by name, for the claim `roles` (RFC 9068 §2.2.3.1).
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub roles: BTreeMap<String, RoleDefinition>,
    /// The URI to which a logout token is posted when a session ends in which the client took part (OpenID Connect Back-Channel
    /// Logout §2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub backchannel_logout_uri: Option<RedirectUri>,
    /// True if the client needs `sid` in logout tokens. They always have it.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub backchannel_logout_session_required: bool,
    /// The URI that a browser loads in a frame when the person signs out (OpenID Connect Front-Channel Logout §2), at the origin of a
    /// redirect URI of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub frontchannel_logout_uri: Option<RedirectUri>,
    /// True if the client needs `iss` and `sid` there. They are always sent.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub frontchannel_logout_session_required: bool,
    /// The profile that it is held to: `fapi2` for the FAPI 2.0 Security Profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ClientProfile>,
}

impl Default for ClientMetadata {
    fn default() -> Self {
        Self {
            client_name: None,
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: default_grant_types(),
            scope: default_scope(),
            token_endpoint_auth_method: AuthMethod::default(),
            token_endpoint_auth_signing_alg: None,
            jwks_uri: None,
            jwks: None,
            tls_client_auth_subject_dn: None,
            tls_client_auth_san_dns: None,
            tls_client_auth_san_uri: None,
            tls_client_auth_san_ip: None,
            tls_client_auth_san_email: None,
            tls_client_certificate_bound_access_tokens: false,
            subject_type: SubjectType::default(),
            sector_identifier_uri: None,
            id_token_signed_response_alg: Algorithm::default(),
            userinfo_signed_response_alg: None,
            id_token_encrypted_response_alg: None,
            id_token_encrypted_response_enc: None,
            userinfo_encrypted_response_alg: None,
            userinfo_encrypted_response_enc: None,
            dpop_bound_access_tokens: false,
            resource: None,
            introspection_signed_response_alg: None,
            authorization_signed_response_alg: Algorithm::default(),
            require_pushed_authorization_requests: false,
            request_object_signing_alg: None,
            request_uris: Vec::new(),
            require_signed_request_object: false,
            access_token_format: AccessTokenFormat::default(),
            authorization_details_types: BTreeSet::new(),
            audiences: Vec::new(),
            require_pkce: default_require_pkce(),
            require_consent: false,
            contacts: Vec::new(),
            require_assignment: false,
            allowed_groups: Vec::new(),
            roles: BTreeMap::new(),
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: false,
            profile: None,
        }
    }
}

impl ClientMetadata {
    /// The algorithms that it is registered for: of ID tokens and of signed responses.
    pub fn signing_algorithms(&self) -> BTreeSet<Algorithm> {
        [
            Some(self.id_token_signed_response_alg),
            Some(self.authorization_signed_response_alg),
            self.userinfo_signed_response_alg,
            self.introspection_signed_response_alg,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// True if the client wants to hear of the end of a session in which it took part.
    pub fn has_logout_uri(&self) -> bool {
        self.backchannel_logout_uri.is_some() || self.frontchannel_logout_uri.is_some()
    }

    /// The algorithms that its ID tokens are encrypted with.
    pub fn id_token_encryption(&self) -> Option<(KeyManagement, ContentEncryption)> {
        self.id_token_encrypted_response_alg
            .zip(self.id_token_encrypted_response_enc)
    }

    /// The algorithms that its responses of userinfo are encrypted with.
    pub fn userinfo_encryption(&self) -> Option<(KeyManagement, ContentEncryption)> {
        self.userinfo_encrypted_response_alg
            .zip(self.userinfo_encrypted_response_enc)
    }

    /// True if its subject identifiers are pairwise (OpenID Connect Core §8.1).
    pub fn is_pairwise(&self) -> bool {
        self.subject_type == SubjectType::Pairwise
    }

    /// True if the client is public (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == AuthMethod::None
    }
}
