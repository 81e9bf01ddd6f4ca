//! Profiles: rules of a standard that a client is held to as a whole.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Serialize};

use super::{AuthMethod, ClientMetadata, InvalidMetadata, RegisteredClient};
use crate::jose::Algorithm;

/// A profile that a client is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ClientProfile {
    /// The FAPI 2.0 Security Profile: pushed requests, PKCE, a key in place of a secret, tokens that are bound to a key, and refresh
    /// tokens that do not rotate.
    #[serde(rename = "fapi2")]
    Fapi2,
}

/// Parses the name of a profile. The error lists the names that there are.
impl FromStr for ClientProfile {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::deserialize(name.into_deserializer())
    }
}

/// The algorithms of the FAPI 2.0 Security Profile §5.4.1.
pub const FAPI2_ALGORITHMS: [Algorithm; 3] = [Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];

const FAPI2_ALGORITHM: &str = "a FAPI 2.0 client needs PS256, ES256 or EdDSA, and the default is RS256";

impl ClientMetadata {
    /// True if the client is held to the FAPI 2.0 Security Profile.
    pub fn is_fapi2(&self) -> bool {
        self.profile == Some(ClientProfile::Fapi2)
    }

    /// The algorithms that JWTs of the client and for it may be signed with.
    pub fn allowed_algorithms(&self) -> &'static [Algorithm] {
        if self.is_fapi2() {
            &FAPI2_ALGORITHMS
        } else {
            &Algorithm::ALL
        }
    }

    /// The algorithms that its assertions may be signed with (OpenID Connect Registration §2,
    /// `token_endpoint_auth_signing_alg`).
    pub fn assertion_algorithms(&self) -> &[Algorithm] {
        match &self.token_endpoint_auth_signing_alg {
            Some(only) => std::slice::from_ref(only),
            None => self.allowed_algorithms(),
        }
    }

    /// The algorithms that its request objects may be signed with (RFC 9101 §9.2, `request_object_signing_alg`).
    pub fn request_object_algorithms(&self) -> &[Algorithm] {
        match &self.request_object_signing_alg {
            Some(only) => std::slice::from_ref(only),
            None => self.allowed_algorithms(),
        }
    }

    /// The algorithm of its signed introspection responses (RFC 9701 §6).
    pub fn introspection_algorithm(&self) -> Algorithm {
        let default = if self.is_fapi2() {
            Algorithm::Es256
        } else {
            Algorithm::Rs256
        };
        self.introspection_signed_response_alg.unwrap_or(default)
    }

    /// Checks the members that the profile of the client decides about.
    pub(super) fn check_profile(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        if !self.is_fapi2() {
            return Ok(());
        }
        let method = self.token_endpoint_auth_method;
        if method != AuthMethod::PrivateKeyJwt && !method.uses_certificate() {
            return refuse(
                "token_endpoint_auth_method",
                "a FAPI 2.0 client authenticates with private_key_jwt or a certificate",
            );
        }
        if !self.require_pkce {
            return refuse("require_pkce", "a FAPI 2.0 client needs PKCE");
        }
        let algorithms = [
            (
                "token_endpoint_auth_signing_alg",
                self.token_endpoint_auth_signing_alg,
            ),
            (
                "id_token_signed_response_alg",
                Some(self.id_token_signed_response_alg),
            ),
            ("userinfo_signed_response_alg", self.userinfo_signed_response_alg),
            (
                "authorization_signed_response_alg",
                Some(self.authorization_signed_response_alg),
            ),
            (
                "introspection_signed_response_alg",
                self.introspection_signed_response_alg,
            ),
            ("request_object_signing_alg", self.request_object_signing_alg),
        ];
        for (field, algorithm) in algorithms {
            if algorithm.is_some_and(|algorithm| !FAPI2_ALGORITHMS.contains(&algorithm)) {
                return refuse(field, FAPI2_ALGORITHM);
            }
        }
        Ok(())
    }
}

impl RegisteredClient<'_> {
    /// True if its authorization requests have to be pushed (RFC 9126 §6, FAPI 2.0 Security Profile §5.3.2.2).
    pub fn requires_pushed_requests(&self) -> bool {
        self.metadata.require_pushed_authorization_requests || self.metadata.is_fapi2()
    }

    /// True if its access tokens are bound to the key of a DPoP proof (RFC 9449 §5.2). Those of a client of FAPI 2.0 are, unless they are
    /// bound to its certificate (FAPI 2.0 Security Profile §5.3.2.1).
    pub fn requires_dpop(&self) -> bool {
        self.metadata.dpop_bound_access_tokens
            || (self.metadata.is_fapi2() && !self.metadata.tls_client_certificate_bound_access_tokens)
    }

    /// True if its refresh tokens rotate (RFC 9700 §2.2.2). Those of a client with a certificate are bound to it (RFC 8705 §4).
    /// FAPI 2.0 Security Profile §5.3.2.1 forbids it: they are bound to the key with which the client authenticates, and a lost
    /// response would end the access of the client.
    pub fn rotates_refresh_tokens(&self) -> bool {
        !self.metadata.is_fapi2() && !self.metadata.token_endpoint_auth_method.uses_certificate()
    }
}
