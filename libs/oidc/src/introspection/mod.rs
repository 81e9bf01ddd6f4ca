//! `POST /oauth2/introspect`: token introspection (RFC 7662), also as a signed JWT (RFC 9701).

#[cfg(test)]
mod tests;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::authorization_details::AuthorizationDetails;
use crate::claims::{AccessTokenClaims, Actor};
use crate::client::RegisteredClient;
use crate::dpop::Confirmation;
use crate::error::{ErrorCode, OAuthError};
use crate::jose::Audience;
use crate::params::Params;
use crate::scope::Scope;

/// `typ` of a signed response (RFC 9701 §5).
pub const TYP_INTROSPECTION: &str = "token-introspection+jwt";
/// The media type of a signed response (RFC 9701 §4).
pub const MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// The token that a client asks about.
#[derive(Clone, Debug)]
pub struct IntrospectionRequest {
    /// `token`.
    pub token: SecretString,
}

impl IntrospectionRequest {
    /// Parses the form. `token_type_hint` may be wrong, so it is ignored (RFC 7662 §2.1).
    ///
    /// # Errors
    /// `invalid_request` without a token.
    pub fn parse(form: &Params) -> Result<Self, OAuthError> {
        let token = form
            .get("token")
            .ok_or_else(|| ErrorCode::InvalidRequest.because("the parameter token is missing"))?;
        Ok(Self {
            token: SecretString::from(token.to_owned()),
        })
    }
}

/// True if a client learns about an access token: one that was issued to it, or one for the resource server that it is (RFC 7662
/// §4: no other learns that a token exists).
pub fn may_introspect(client: RegisteredClient<'_>, token: &AccessTokenClaims) -> bool {
    let own_resource = client.metadata.resource.as_ref();
    token.client_id == client.client_id
        || own_resource.is_some_and(|resource| token.aud.names().any(|audience| resource.matches(audience)))
}

/// True if `accept`, the header of a request, asks for a signed response (RFC 9701 §4).
pub fn accepts_jwt(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        media_type.eq_ignore_ascii_case(MEDIA_TYPE) && !parts.any(is_zero_weight)
    })
}

/// True for `q=0`, which refuses a media type (RFC 9110 §12.4.2).
fn is_zero_weight(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.eq_ignore_ascii_case("q") && value.chars().all(|digit| matches!(digit, '0' | '.'))
    })
}

/// The response (RFC 7662 §2.2). Of a token that is not active it says nothing else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct IntrospectionResponse {
    /// True if the token is valid now.
    pub active: bool,
    /// The granted scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub scope: Option<Scope>,
    /// The client that it was issued to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The user name of the user who granted it, if the token has the scope `profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `Bearer` or `DPoP`, for an access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// The expiration time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// The time of issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub aud: Option<Audience>,
    /// The issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// The token id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The key that the holder has to prove to have (RFC 9449 §6.2, RFC 8705 §3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, String>>")]
    pub cnf: Option<Confirmation>,
    /// The time of the authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The class of the authentication (RFC 9470 §6.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The authorization details: what the client may do (RFC 9396 §9.2).
    #[serde(default, skip_serializing_if = "AuthorizationDetails::is_empty")]
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub authorization_details: AuthorizationDetails,
    /// The groups of the user, if the token has the scope `groups`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The roles of the user at the client that it was issued to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The party that acts for the user (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

impl IntrospectionResponse {
    /// The response about a valid access token.
    pub fn of_access_token(claims: AccessTokenClaims, username: Option<String>) -> Self {
        let bound = claims.cnf.as_ref().is_some_and(|cnf| cnf.jkt.is_some());
        Self {
            active: true,
            scope: Some(claims.scope),
            client_id: Some(claims.client_id),
            username,
            token_type: Some(if bound { "DPoP" } else { "Bearer" }.to_owned()),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            sub: Some(claims.sub),
            aud: Some(claims.aud),
            iss: Some(claims.iss),
            jti: Some(claims.jti),
            cnf: claims.cnf,
            auth_time: claims.auth_time,
            acr: claims.acr,
            authorization_details: claims.authorization_details,
            groups: claims.groups,
            act: claims.act,
            roles: claims.roles,
        }
    }
}

/// The claims of a signed response (RFC 9701 §5).
#[derive(Clone, Debug, Serialize)]
pub struct SignedIntrospection {
    /// The issuer.
    pub iss: String,
    /// The client that asked.
    pub aud: String,
    /// The time of the response.
    pub iat: i64,
    /// The response.
    pub token_introspection: IntrospectionResponse,
}
