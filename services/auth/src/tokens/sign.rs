//! Signing of access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2).

use chassis::clock::Timestamp;
use oidc::acr;
use oidc::authorization_details::AuthorizationDetails;
use oidc::claims::{AccessTokenClaims, ExtendedIdToken, IdTokenClaims, SignedUserInfo, UserInfo};
use oidc::client::AccessTokenFormat;
use oidc::dpop::Confirmation;
use oidc::error::ErrorCode;
use oidc::jose::{
    Algorithm, Audience, MAX_TOKEN_BYTES, SignError, TYP_ACCESS_TOKEN, TYP_ID_TOKEN, TYP_USERINFO,
};
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{GrantError, Tokens};
use crate::clients::Client;
use crate::grants::GrantRow;
use crate::subjects::Subject;

/// The content of the tokens of a subject.
pub(super) struct TokenInput<'a> {
    pub(super) grant: &'a GrantRow,
    pub(super) client: &'a Client,
    pub(super) scope: Scope,
    pub(super) audiences: &'a [Resource],
    pub(super) groups: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) claims: Map<String, Value>,
    pub(super) authorization_details: AuthorizationDetails,
    pub(super) nonce: Option<String>,
    pub(super) confirmation: Confirmation,
    pub(super) refresh_token: Option<String>,
    pub(super) now: Timestamp,
}

impl Tokens {
    /// Signs the tokens of a subject and builds the token response (RFC 6749 §5.1).
    pub(super) fn sign_subject_tokens(&self, signing: TokenInput<'_>) -> Result<TokenResponse, GrantError> {
        let TokenInput { grant, client, .. } = signing;
        let scope = signing.scope;
        let openid = scope.contains("openid");
        let now = signing.now.as_secs();
        let exp = now + i64::from(self.settings.access_seconds);
        let acr = acr::of_methods(&grant.amr.0).map(str::to_owned);
        let sub = self.keys.subject(client.registered(), grant.subject);
        let sid = grant
            .session_id
            .map(|id| self.keys.session(client.registered(), id));
        let access_token = self.sign_access_token(
            client,
            &AccessTokenClaims {
                iss: self.issuer.url().to_owned(),
                sub: sub.clone(),
                aud: self.audience(signing.audiences, openid),
                exp,
                iat: client.issued_at(signing.now),
                jti: self.jti(),
                client_id: client.id.to_string(),
                scope: scope.clone(),
                sid: sid.clone(),
                gid: Some(grant.id.to_string()),
                cnf: claim(&signing.confirmation),
                auth_time: Some(grant.auth_time.as_secs()),
                acr: acr.clone(),
                amr: grant.amr.0.clone(),
                authorization_details: signing.authorization_details.clone(),
                groups: self.groups_in(&scope, signing.groups),
                roles: signing.roles.clone(),
                act: None,
                client_chain: Vec::new(),
            },
        )?;
        let algorithm = client.metadata.id_token_signed_response_alg;
        let id_token = if openid {
            let claims = IdTokenClaims {
                iss: self.issuer.url().to_owned(),
                sub,
                aud: client.id.to_string(),
                exp,
                iat: now,
                auth_time: grant.auth_time.as_secs(),
                acr,
                amr: grant.amr.0.clone(),
                nonce: signing.nonce,
                at_hash: Some(algorithm.at_hash(&access_token)),
                sid,
                roles: signing.roles,
            };
            Some(self.sign_id_token(algorithm, claims, signing.claims)?)
        } else {
            None
        };
        Ok(TokenResponse {
            access_token,
            token_type: token_type(&signing.confirmation),
            expires_in: self.settings.access_seconds,
            scope,
            refresh_token: signing.refresh_token,
            id_token,
            issued_token_type: None,
            authorization_details: signing.authorization_details,
        })
    }

    fn sign_id_token(
        &self,
        algorithm: Algorithm,
        id_token: IdTokenClaims,
        user: Map<String, Value>,
    ) -> Result<String, SignError> {
        if user.is_empty() {
            return self.keys.sign(algorithm, TYP_ID_TOKEN, &id_token);
        }
        let claims = ExtendedIdToken { id_token, user };
        self.keys.sign(algorithm, TYP_ID_TOKEN, &claims)
    }

    /// The single claims of the ID tokens of a grant (OpenID Connect Core §5.5), as far as the client is still registered for
    /// their scopes.
    pub(super) fn id_token_claims(
        &self,
        client: &Client,
        grant: &GrantRow,
        subject: &Subject,
    ) -> Map<String, Value> {
        let Some(details) = &grant.details else {
            return Map::new();
        };
        let claims = details
            .claims
            .of_scopes(&client.metadata.scope, self.scopes.claims());
        claims
            .of_id_token()
            .filter_map(|name| Some((name.to_owned(), self.scopes.claim(subject, name)?)))
            .collect()
    }

    /// Signs the access token of a client for itself and builds the token response. Nothing is stored.
    pub(super) fn sign_client_token(
        &self,
        client: &Client,
        scope: Scope,
        audiences: &[Resource],
        confirmation: &Confirmation,
        authorization_details: AuthorizationDetails,
    ) -> Result<TokenResponse, GrantError> {
        let now = self.clock.now();
        let id: Uuid = self.random.uuid(&*self.clock);
        let expires_in = self.settings.access_seconds;
        let access_token = self.sign_access_token(
            client,
            &AccessTokenClaims {
                iss: self.issuer.url().to_owned(),
                sub: client.id.to_string(),
                aud: self.audience(audiences, false),
                exp: now.as_secs() + i64::from(expires_in),
                iat: client.issued_at(now),
                jti: id.simple().to_string(),
                client_id: client.id.to_string(),
                scope: scope.clone(),
                sid: None,
                // By which it is revoked: see `Grants::revoke_client_token`.
                gid: Some(id.to_string()),
                cnf: claim(confirmation),
                auth_time: None,
                acr: None,
                amr: Vec::new(),
                authorization_details: authorization_details.clone(),
                groups: Vec::new(),
                roles: Vec::new(),
                act: None,
                client_chain: Vec::new(),
            },
        )?;
        Ok(TokenResponse {
            access_token,
            token_type: token_type(confirmation),
            expires_in,
            scope,
            refresh_token: None,
            id_token: None,
            issued_token_type: None,
            authorization_details,
        })
    }

    /// Checks that the key that signs the ID tokens of `client` signs already. It is called before a code is issued or used up.
    ///
    /// # Errors
    /// [`SignError::NoKey`] while the key is only published (SB-37).
    pub(super) fn check_key(&self, client: &Client) -> Result<(), GrantError> {
        let algorithm = client.metadata.id_token_signed_response_alg;
        match self.keys.current().signing_key(algorithm) {
            Some(_) => Ok(()),
            None => Err(SignError::NoKey(algorithm).into()),
        }
    }

    /// Signs the claims of userinfo for `client` (OpenID Connect Core §5.3.2).
    ///
    /// # Errors
    /// [`SignError`].
    pub(crate) fn sign_user_info(
        &self,
        client: &Client,
        algorithm: Algorithm,
        claims: UserInfo,
    ) -> Result<String, SignError> {
        let signed = SignedUserInfo {
            iss: self.issuer.url().to_owned(),
            aud: client.id.to_string(),
            claims,
        };
        self.keys.sign(algorithm, TYP_USERINFO, &signed)
    }

    /// Signs an access token. It is opaque if `client` is registered for that, unless it is for the user service, which verifies
    /// tokens by itself.
    ///
    /// # Errors
    /// `invalid_authorization_details` if they make it longer than this server reads: it could be neither introspected nor revoked.
    pub(super) fn sign_access_token(
        &self,
        client: &Client,
        claims: &AccessTokenClaims,
    ) -> Result<String, GrantError> {
        let jwt = self.keys.sign(Algorithm::Es256, TYP_ACCESS_TOKEN, claims)?;
        let for_users = claims.aud.contains(self.issuer.users().as_str());
        let token = match client.metadata.access_token_format {
            AccessTokenFormat::Opaque if !for_users => self.keys.seal_token(&jwt)?,
            _ => jwt,
        };
        if token.len() > MAX_TOKEN_BYTES && !claims.authorization_details.is_empty() {
            return Err(ErrorCode::InvalidAuthorizationDetails
                .because("authorization_details makes the access token longer than 16 KiB")
                .into());
        }
        Ok(token)
    }

    /// The claim `groups` of a token with `scope`. It is told only to a client that may learn it, as at userinfo: the client can
    /// read the token.
    pub(super) fn groups_in(&self, scope: &Scope, groups: Vec<String>) -> Vec<String> {
        match self.issuer.gives(scope, "groups") {
            true => groups,
            false => Vec::new(),
        }
    }

    pub(super) fn jti(&self) -> String {
        let id: Uuid = self.random.uuid(&*self.clock);
        id.simple().to_string()
    }

    /// The `aud` claim. With the scope `openid` the token is also for the userinfo endpoint, which is this
    /// service.
    pub(super) fn audience(&self, audiences: &[Resource], openid: bool) -> Audience {
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

/// `cnf`, if there is anything to prove.
pub(super) fn claim(confirmation: &Confirmation) -> Option<Confirmation> {
    Some(confirmation.clone()).filter(|confirmation| *confirmation != Confirmation::default())
}

/// `token_type` (RFC 6750 §4, RFC 9449 §5).
pub(super) fn token_type(confirmation: &Confirmation) -> &'static str {
    if confirmation.jkt.is_some() {
        "DPoP"
    } else {
        "Bearer"
    }
}
