//! Signing of access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2).

use chassis::clock::Timestamp;
use oidc::claims::{AccessTokenClaims, IdTokenClaims};
use oidc::jose::{Algorithm, Audience, TYP_ACCESS_TOKEN, TYP_ID_TOKEN, at_hash};
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use uuid::Uuid;

use super::{GrantError, Tokens};
use crate::clients::Client;
use crate::grants::GrantRow;

/// The content of the tokens of a subject.
pub(super) struct TokenInput<'a> {
    pub(super) grant: &'a GrantRow,
    pub(super) client: &'a Client,
    pub(super) scope: Scope,
    pub(super) audiences: &'a [Resource],
    pub(super) groups: Vec<String>,
    pub(super) nonce: Option<String>,
    pub(super) refresh_token: Option<String>,
    pub(super) now: Timestamp,
}

impl Tokens {
    /// Signs the tokens of a subject and builds the token response (RFC 6749 §5.1).
    pub(super) fn sign_subject_tokens(&self, signing: TokenInput<'_>) -> Result<TokenResponse, GrantError> {
        let TokenInput { grant, client, .. } = signing;
        let scope = signing.scope;
        let openid = scope.contains("openid");
        let iat = signing.now.as_secs();
        let exp = iat + i64::from(self.settings.access_seconds);
        let sid = grant.session_id.map(|id| id.to_string());
        let access_token = self.keys.sign(
            Algorithm::Es256,
            TYP_ACCESS_TOKEN,
            &AccessTokenClaims {
                iss: self.issuer.url().to_owned(),
                sub: grant.subject.to_string(),
                aud: self.audience(signing.audiences, openid),
                exp,
                iat,
                jti: self.jti(),
                client_id: client.id.to_string(),
                scope: scope.clone(),
                sid: sid.clone(),
                gid: Some(grant.id.to_string()),
                auth_time: Some(grant.auth_time.as_secs()),
                amr: grant.amr.0.clone(),
                groups: signing.groups,
            },
        )?;
        let id_token = if openid {
            let claims = IdTokenClaims {
                iss: self.issuer.url().to_owned(),
                sub: grant.subject.to_string(),
                aud: client.id.to_string(),
                exp,
                iat,
                auth_time: grant.auth_time.as_secs(),
                amr: grant.amr.0.clone(),
                nonce: signing.nonce,
                at_hash: Some(at_hash(&access_token)),
                sid,
            };
            let algorithm = client.metadata.id_token_signed_response_alg.into();
            Some(self.keys.sign(algorithm, TYP_ID_TOKEN, &claims)?)
        } else {
            None
        };
        Ok(TokenResponse {
            access_token,
            token_type: "Bearer",
            expires_in: self.settings.access_seconds,
            scope,
            refresh_token: signing.refresh_token,
            id_token,
        })
    }

    /// Signs the access token of a client for itself and builds the token response. Nothing is stored.
    pub(super) fn sign_client_token(
        &self,
        client: &Client,
        scope: Scope,
        audiences: &[Resource],
    ) -> Result<TokenResponse, GrantError> {
        let iat = self.clock.now().as_secs();
        let expires_in = self.settings.access_seconds;
        let access_token = self.keys.sign(
            Algorithm::Es256,
            TYP_ACCESS_TOKEN,
            &AccessTokenClaims {
                iss: self.issuer.url().to_owned(),
                sub: client.id.to_string(),
                aud: self.audience(audiences, false),
                exp: iat + i64::from(expires_in),
                iat,
                jti: self.jti(),
                client_id: client.id.to_string(),
                scope: scope.clone(),
                sid: None,
                gid: None,
                auth_time: None,
                amr: Vec::new(),
                groups: Vec::new(),
            },
        )?;
        Ok(TokenResponse {
            access_token,
            token_type: "Bearer",
            expires_in,
            scope,
            refresh_token: None,
            id_token: None,
        })
    }

    fn jti(&self) -> String {
        let id: Uuid = self.random.uuid(&*self.clock);
        id.simple().to_string()
    }

    /// The `aud` claim. With the scope `openid` the token is also for the userinfo endpoint, which is this
    /// service.
    fn audience(&self, audiences: &[Resource], openid: bool) -> Audience {
        let mut names: Vec<String> = audiences
            .iter()
            .map(|resource| resource.as_str().to_owned())
            .collect();
        if openid && !names.iter().any(|name| name == self.issuer.url()) {
            names.push(self.issuer.url().to_owned());
        }
        match <[String; 1]>::try_from(names) {
            Ok([one]) => Audience::One(one),
            Err(several) => Audience::Many(several),
        }
    }
}
