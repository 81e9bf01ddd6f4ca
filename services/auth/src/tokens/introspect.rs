//! Introspection: the facts about a token that somebody presents (RFC 7662).

use chassis::secret::Token;
use oidc::authorization_details::AuthorizationDetails;
use oidc::claims::AccessTokenClaims;
use oidc::dpop::Confirmation;
use oidc::introspection::{IntrospectionResponse, SignedIntrospection, TYP_INTROSPECTION, may_introspect};
use oidc::jose::{self, Algorithm, TYP_ACCESS_TOKEN, Validation};
use oidc::scope::Scope;
use uuid::Uuid;

use super::{GrantError, Tokens, is_privileged};
use crate::assignments;
use crate::clients::{Client, Clients};
use crate::grants;
use crate::subjects;

impl Tokens {
    /// The response to `caller` about a token. One that is not valid, or that is not for the caller, is not active for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn introspect(
        &self,
        clients: &Clients,
        caller: &Client,
        presented: &str,
    ) -> Result<IntrospectionResponse, GrantError> {
        let found = match self.read_access_token(presented) {
            Some(claims) if may_introspect(caller.registered(), &claims) => {
                self.introspect_access_token(clients, caller, claims).await?
            }
            Some(_) => None,
            None => self.introspect_refresh_token(caller, presented).await?,
        };
        Ok(found.unwrap_or_default())
    }

    /// The claims of an access token of this server, for any audience, that has not expired.
    pub(crate) fn read_access_token(&self, presented: &str) -> Option<AccessTokenClaims> {
        let validation = Validation {
            typ: TYP_ACCESS_TOKEN,
            algorithms: &[Algorithm::Es256],
            issuer: self.issuer.url(),
            audience: None,
            now: self.clock.now().as_secs(),
            leeway: 0,
            accept_expired: false,
        };
        let keys = self.keys.current().verification_keys();
        let presented = self.keys.open_token(presented);
        let verified = jose::verify::<AccessTokenClaims>(&presented, &keys, &validation).ok()?;
        Some(verified.claims)
    }

    async fn introspect_access_token(
        &self,
        clients: &Clients,
        caller: &Client,
        claims: AccessTokenClaims,
    ) -> Result<Option<IntrospectionResponse>, GrantError> {
        let of_client = claims.sub == claims.client_id;
        let grant = claims.gid.as_deref().and_then(|id| id.parse::<Uuid>().ok());
        let mut reader = self.db.reader().await?;
        let (live, id) = match grant {
            Some(id) if of_client => (!grants::is_token_revoked(&mut reader, id).await?, None),
            Some(id) => {
                let holder = grants::holder(&mut reader, id).await?;
                (holder.is_some(), holder.map(|(subject, _)| subject))
            }
            None => (true, claims.sub.parse().ok()),
        };
        if !live {
            return Ok(None);
        }
        drop(reader);
        let Some(client) = self.present_client(clients, &claims).await? else {
            return Ok(None);
        };
        let details = self.allowed_details(&client, &claims.authorization_details);
        let claims = AccessTokenClaims {
            authorization_details: details_for(caller, &client, details),
            ..claims
        };
        if of_client {
            return Ok(Some(IntrospectionResponse::of_access_token(claims, None)));
        }
        let mut reader = self.db.reader().await?;
        let Some(id) = id else {
            return Ok(None);
        };
        let privileged = claims.scope.iter().any(is_privileged);
        let subject = subjects::find(&mut reader, id)
            .await?
            .filter(|subject| subject.active && (!privileged || subject.is_administrator()));
        let Some(subject) = subject else {
            return Ok(None);
        };
        let assignment = assignments::of_subject(&mut reader, client.registered(), &subject).await?;
        let username = self.user_name_in(&claims.scope, subject.user_name);
        let claims = AccessTokenClaims {
            groups: self.groups_in(&claims.scope, subject.groups),
            roles: assignment.roles,
            ..claims
        };
        Ok(assignment
            .assigned
            .then(|| IntrospectionResponse::of_access_token(claims, username)))
    }

    /// Those of the granted details that `client` may still use (SB-47).
    fn allowed_details(&self, client: &Client, granted: &AuthorizationDetails) -> AuthorizationDetails {
        let registered = &client.metadata.authorization_details_types;
        self.issuer.detail_types().allowed(granted, registered)
    }

    /// A refresh token is between this server and its client, so that no other learns about it.
    async fn introspect_refresh_token(
        &self,
        caller: &Client,
        presented: &str,
    ) -> Result<Option<IntrospectionResponse>, GrantError> {
        let hash = Token::new(presented).hash();
        let mut reader = self.db.reader().await?;
        let Some(row) = grants::find_refresh_token(&mut reader, hash.as_bytes()).await? else {
            return Ok(None);
        };
        let grant = grants::find_live(&mut reader, row.grant_id, self.clock.now())
            .await?
            .filter(|grant| grant.client_id == caller.id.as_str() && row.rotated_at.is_none());
        let Some(grant) = grant else {
            return Ok(None);
        };
        let subject = subjects::find(&mut reader, grant.subject).await?;
        let Some(subject) = subject.filter(|subject| subject.active) else {
            return Ok(None);
        };
        let assignment = assignments::of_subject(&mut reader, caller.registered(), &subject).await?;
        let scope: Scope = grant.scope.parse().unwrap_or_default();
        let username = self.user_name_in(&scope, subject.user_name);
        Ok(assignment.assigned.then(|| IntrospectionResponse {
            active: true,
            scope: Some(scope),
            client_id: Some(grant.client_id),
            username,
            exp: Some(grant.expires_at.as_secs()),
            iat: Some(grant.created_at.as_secs()),
            sub: Some(self.keys.subject(caller.registered(), grant.subject)),
            iss: Some(self.issuer.url().to_owned()),
            cnf: grant.dpop_jkt.map(|jkt| Confirmation {
                jkt: Some(jkt),
                ..Confirmation::default()
            }),
            authorization_details: grant
                .details
                .map(|details| self.allowed_details(caller, &details.authorization_details))
                .unwrap_or_default(),
            auth_time: Some(grant.auth_time.as_secs()),
            roles: assignment.roles,
            ..IntrospectionResponse::default()
        }))
    }

    /// `username` of a response about a token with `scope`, which gives it as userinfo does.
    fn user_name_in(&self, scope: &Scope, name: String) -> Option<String> {
        self.issuer.gives(scope, "preferred_username").then_some(name)
    }

    /// Signs an introspection response for `caller` (RFC 9701 §5).
    ///
    /// # Errors
    /// [`GrantError::Sign`].
    pub(crate) fn sign_introspection(
        &self,
        caller: &Client,
        response: IntrospectionResponse,
    ) -> Result<String, GrantError> {
        let algorithm = caller.metadata.introspection_algorithm();
        let signed = SignedIntrospection {
            iss: self.issuer.url().to_owned(),
            aud: caller.id.to_string(),
            iat: self.clock.now().as_secs(),
            token_introspection: response,
        };
        Ok(self.keys.sign(algorithm, TYP_INTROSPECTION, &signed)?)
    }
}

/// The details of a token of `client` that `caller` learns: a resource server those for it alone (RFC 9396 §9.2).
fn details_for(caller: &Client, client: &Client, details: AuthorizationDetails) -> AuthorizationDetails {
    if caller.id == client.id {
        details
    } else {
        details.at(caller.metadata.resource.as_slice())
    }
}
