//! A verified access token (RFC 9068 §2.2).

use std::collections::BTreeSet;

use oidc::claims::{AccessTokenClaims, Actor};
use oidc::dpop::Confirmation;

use crate::clock::Timestamp;

/// A verified access token: the claims that permissions and use cases depend on.
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
    /// `cnf`: what its holder has to prove. Without it the token is a bearer token.
    pub confirmation: Option<Confirmation>,
    /// `jti`: the id of this token.
    pub jti: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `auth_time`: when the user last authenticated.
    pub auth_time: Option<Timestamp>,
    /// `act`: the party that acts for the user (RFC 8693 §4.1).
    pub actor: Option<Actor>,
    /// `client_chain`: the clients that had the tokens before it, if it was exchanged.
    pub client_chain: Vec<String>,
}

impl AccessToken {
    /// True if the token has `scope`.
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// The client that it was issued to, and those that had the tokens before it: it ends with what is taken from any of them.
    pub fn clients(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.client_id)
            .chain(&self.client_chain)
            .map(String::as_str)
    }

    /// True if it is a client's own token (`client_credentials`), without a user.
    pub fn is_of_client(&self) -> bool {
        self.subject == self.client_id
    }
}

/// `iss` and `aud` are checked on verification and not needed after it.
impl From<AccessTokenClaims> for AccessToken {
    fn from(claims: AccessTokenClaims) -> Self {
        Self {
            subject: claims.sub,
            client_id: claims.client_id,
            scopes: claims.scope.iter().map(str::to_owned).collect(),
            groups: claims.groups,
            session: claims.sid,
            grant: claims.gid,
            confirmation: claims.cnf,
            jti: claims.jti,
            issued_at: Timestamp::from_secs(claims.iat),
            expires_at: Timestamp::from_secs(claims.exp),
            auth_time: claims.auth_time.map(Timestamp::from_secs),
            actor: claims.act,
            client_chain: claims.client_chain,
        }
    }
}
