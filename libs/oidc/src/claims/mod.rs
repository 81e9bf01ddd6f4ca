//! Claims of access tokens, ID tokens and the UserInfo response.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::jose::Audience;
use crate::scope::Scope;

/// The claims of an access token (RFC 9068 §2.2). Times are seconds since the Unix epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The subject: a user's id, or the client's id in its own token.
    pub sub: String,
    /// The audience: the services that it is for.
    pub aud: Audience,
    /// The expiration time.
    pub exp: i64,
    /// The time of issue.
    pub iat: i64,
    /// The token id.
    pub jti: String,
    /// The client that it was issued to.
    pub client_id: String,
    /// The granted scope; empty if the token has none (RFC 9068 §2.2.3).
    #[serde(default)]
    pub scope: Scope,
    /// The session that it was issued in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The grant that it was issued for, by which it can be revoked. This claim is our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<String>,
    /// The time of the authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The authentication methods (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The groups of the user (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// The claims of an ID token (OpenID Connect Core §2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user's id.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// The expiration time.
    pub exp: i64,
    /// The time of issue.
    pub iat: i64,
    /// The time of the authentication.
    pub auth_time: i64,
    /// The authentication methods (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// `nonce` of the authorization request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The hash of the access token that is issued with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The session (OpenID Connect Front- and Back-Channel Logout).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// `/oauth2/userinfo`: the claims about a user (OpenID Connect Core §5.1) that the scopes allow (§5.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UserInfo {
    /// The user's id.
    pub sub: String,
    /// Scope `profile`: the full name for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Scope `profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Scope `profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Scope `profile`: the user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// Scope `profile`: a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Scope `profile`: a time zone's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// Scope `profile`: seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// Scope `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Scope `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Scope `groups`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}

impl UserInfo {
    /// The claims that the scope of an access token allows (OpenID Connect Core §5.4). `sub` is always one of them (§5.3.2).
    pub fn limited_to(self, allows: impl Fn(&str) -> bool) -> Self {
        let mut allowed = Self {
            sub: self.sub,
            ..Self::default()
        };
        if allows("profile") {
            allowed.name = self.name;
            allowed.given_name = self.given_name;
            allowed.family_name = self.family_name;
            allowed.preferred_username = self.preferred_username;
            allowed.locale = self.locale;
            allowed.zoneinfo = self.zoneinfo;
            allowed.updated_at = self.updated_at;
        }
        if allows("email") {
            allowed.email = self.email;
            allowed.email_verified = self.email_verified;
        }
        if allows("groups") {
            allowed.groups = self.groups;
        }
        allowed
    }
}
