//! Claims of a verified access token.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};

use crate::clock::Timestamp;

/// The claims of a verified access token (RFC 9068 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// `sub`: the user's id; in a client's own token, the client's id.
    pub subject: String,
    /// `client_id`: the client that the token was issued to.
    pub client_id: String,
    /// `scope`.
    pub scopes: BTreeSet<String>,
    /// `groups`: the groups of the user when the token was issued.
    pub groups: Vec<String>,
    /// `sid`: the session that it belongs to, if there is one.
    pub session: Option<String>,
    /// `gid`: the grant that it belongs to, by which the issuer can revoke it before it expires.
    pub grant: Option<String>,
    /// `jti`: the id of this token.
    pub jti: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `auth_time`: when the user last authenticated.
    pub auth_time: Option<Timestamp>,
}

impl AccessToken {
    /// Whether the token has `scope`.
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether it is a client's own token (`client_credentials`), without a user.
    pub fn is_of_client(&self) -> bool {
        self.subject == self.client_id
    }
}

/// The claims as encoded. RFC 9068 §2.2 requires `iss`, `exp`, `aud` (checked on verification), `sub`, `client_id`, `iat`
/// and `jti`.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    sub: String,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(default, deserialize_with = "scopes")]
    scope: BTreeSet<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    sid: Option<String>,
    #[serde(default)]
    gid: Option<String>,
    #[serde(default)]
    auth_time: Option<i64>,
}

fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    Ok(text.split_ascii_whitespace().map(str::to_owned).collect())
}

impl From<Claims> for AccessToken {
    fn from(claims: Claims) -> Self {
        Self {
            subject: claims.sub,
            client_id: claims.client_id,
            scopes: claims.scope,
            groups: claims.groups,
            session: claims.sid,
            grant: claims.gid,
            jti: claims.jti,
            issued_at: Timestamp::from_secs(claims.iat),
            expires_at: Timestamp::from_secs(claims.exp),
            auth_time: claims.auth_time.map(Timestamp::from_secs),
        }
    }
}
