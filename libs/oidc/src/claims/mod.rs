//! Claims of access tokens, ID tokens and the UserInfo response.

#[cfg(test)]
mod tests;

mod scopes;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use scopes::{ClaimScopes, STANDARD_SCOPES, is_reserved};

use crate::authorization_details::AuthorizationDetails;
use crate::dpop::Confirmation;
use crate::jose::Audience;
use crate::scope::Scope;

/// The claims of an access token (RFC 9068 §2.2). Times are seconds since the Unix epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
    /// The key that its holder has to prove to have (RFC 7800 §3.1). Without it the token is a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// The time of the authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The class of the authentication (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The authentication methods (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The authorization details: what the client may do (RFC 9396 §9.1).
    #[serde(default, skip_serializing_if = "AuthorizationDetails::is_empty")]
    pub authorization_details: AuthorizationDetails,
    /// The groups of the user (RFC 9068 §2.2.3.1), with the scope `groups`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The roles of the user at the client (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The party that acts for the user, in a token that was exchanged (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// The clients that the tokens before it were issued to, in a token that was exchanged: that of the grant first. What is taken from
    /// one of them ends it (SB-47). This claim is our own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_chain: Vec<String>,
}

impl AccessTokenClaims {
    /// True if it is a client's own token (`client_credentials`), without a user (RFC 9068 §2.2).
    pub fn is_of_client(&self) -> bool {
        self.sub == self.client_id
    }
}

/// The claim `act`: the party that acts for the subject, and the one that acted before it (RFC 8693 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Actor {
    /// The subject of the actor: the id of a client or of a user.
    pub sub: String,
    /// The actor before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Self>>,
}

impl Actor {
    /// The number of actors.
    pub fn depth(&self) -> usize {
        std::iter::successors(Some(self), |actor| actor.act.as_deref()).count()
    }
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
    /// The class of the authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
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
    /// The roles of the user at the client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// The claims of an ID token, and single claims about the user that were requested (OpenID Connect Core §5.5).
#[derive(Clone, Debug, Serialize)]
pub struct ExtendedIdToken {
    /// The claims that every ID token has.
    #[serde(flatten)]
    pub id_token: IdTokenClaims,
    /// The claims about the user, which have other names.
    #[serde(flatten)]
    pub user: Map<String, Value>,
}

/// `/oauth2/userinfo`: the claims about a user (OpenID Connect Core §5.1) that the scopes allow (§5.4), by their names. A claim without
/// a value is left out (§5.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserInfo(Map<String, Value>);

/// A signed response of userinfo (OpenID Connect Core §5.3.2). It has no `exp`, so it is no ID token.
#[derive(Clone, Debug, Serialize)]
pub struct SignedUserInfo {
    /// The issuer.
    pub iss: String,
    /// The client that asked.
    pub aud: String,
    /// The claims about the user.
    #[serde(flatten)]
    pub claims: UserInfo,
}

impl UserInfo {
    /// The claims about the user `sub`: those of `names`, as `value` has them.
    pub fn of<'a>(
        sub: &str,
        names: impl IntoIterator<Item = &'a str>,
        value: impl Fn(&str) -> Option<Value>,
    ) -> Self {
        let mut claims: Map<String, Value> = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), value(name)?)))
            .collect();
        claims.insert("sub".to_owned(), sub.into());
        Self(claims)
    }

    /// The same claims, with the roles of the user at the client, if there are any.
    pub fn with_roles(mut self, roles: Vec<String>) -> Self {
        if !roles.is_empty() {
            self.0.insert("roles".to_owned(), roles.into());
        }
        self
    }

    /// The value of a claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The names of the claims, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl JsonSchema for UserInfo {
    fn schema_name() -> Cow<'static, str> {
        "UserInfo".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |description: &str| json!({ "type": "string", "description": description });
        let truth = |description: &str| json!({ "type": "boolean", "description": description });
        json_schema!({
            "type": "object",
            "description": "The claims that the scopes of the token allow (OpenID Connect Core §5.1, §5.4). The configuration may define more.",
            "required": ["sub"],
            "properties": {
                "sub": text("The user's id."),
                "name": text("Scope `profile`: the full name for display."),
                "given_name": text("Scope `profile`."),
                "family_name": text("Scope `profile`."),
                "middle_name": text("Scope `profile`."),
                "nickname": text("Scope `profile`: the casual name."),
                "preferred_username": text("Scope `profile`: the user name."),
                "profile": text("Scope `profile`: the URL of the user's page."),
                "picture": text("Scope `profile`: the URL of a picture."),
                "website": text("Scope `profile`: the URL of the user's website or blog."),
                "gender": text("Scope `profile`."),
                "birthdate": text("Scope `profile`: YYYY-MM-DD, 0000-MM-DD without the year, or YYYY alone."),
                "zoneinfo": text("Scope `profile`: a time zone's name."),
                "locale": text("Scope `profile`: a BCP 47 tag."),
                "updated_at": { "type": "integer", "description": "Scope `profile`: seconds since the Unix epoch." },
                "email": text("Scope `email`."),
                "email_verified": truth("Scope `email`."),
                "phone_number": text("Scope `phone`."),
                "phone_number_verified": truth("Scope `phone`."),
                "address": {
                    "type": "object",
                    "description": "Scope `address` (OpenID Connect Core §5.1.1).",
                    "properties": {
                        "formatted": text("The whole address."),
                        "street_address": text("Street and number."),
                        "locality": text("City."),
                        "region": text("State or region."),
                        "postal_code": text("Postal code."),
                        "country": text("Country."),
                    },
                },
                "groups": {
                    "type": "array",
                    "description": "Scope `groups`: the names of the groups, those of groups in groups included.",
                    "items": { "type": "string" },
                },
            },
        })
    }
}
