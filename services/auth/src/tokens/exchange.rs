//! Token exchange (RFC 8693): an access token of a user, for a service that was called with another one. Nothing is stored: the
//! new token is of the grant of the old one, and is revoked with it.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::{SKEW, Timestamp};
use chassis::secret::ExposeSecret;
use oidc::assignment::Assignment;
use oidc::authorization_details::AuthorizationDetails;
use oidc::claims::AccessTokenClaims;
use oidc::dpop::Confirmation;
use oidc::error::ErrorCode;
use oidc::exchange::{
    Exchange, ExchangeRequest, Exchanged, TYPE_ACCESS_TOKEN, invalid_actor_token, invalid_subject_token,
};
use oidc::grant::User;
use oidc::token::TokenResponse;
use uuid::Uuid;

use super::model::{PRIVILEGED_SCOPES, user};
use super::sign::{claim, token_type};
use super::{GrantError, Tokens};
use crate::assignments;
use crate::clients::{Client, Clients};
use crate::grants;
use crate::subjects::{self, Subject};

/// The most by which an exchanged token is dated ahead of the clock, less than what is voided when something is taken from a client: see
/// `void_until` in `clients/change.rs`.
const MAX_AHEAD: Duration = Duration::from_secs(1);

/// The user of a subject token, and the session of its grant.
struct LiveSubject {
    subject: Subject,
    session: Option<Uuid>,
}

/// True if a client was there when a token was issued, and nothing was taken from it since.
fn accepts(client: &Client, token: &AccessTokenClaims) -> bool {
    client.created_at.as_secs() <= token.iat && !client.has_voided(Timestamp::from_secs(token.iat))
}

impl Tokens {
    /// Exchanges an access token of a user for one that `client` may use, with less or the same.
    ///
    /// # Errors
    /// `invalid_request`, `invalid_target`, `invalid_scope` (RFC 8693 §2.2.2); `temporarily_unavailable` for a token that would be dated ahead.
    pub(crate) async fn exchange(
        &self,
        clients: &Clients,
        client: &Client,
        request: &ExchangeRequest,
        confirmation: &Confirmation,
    ) -> Result<TokenResponse, GrantError> {
        let subject_token = self
            .read_access_token(request.subject_token.expose_secret())
            .ok_or_else(invalid_subject_token)?;
        self.check_newest_clients(clients, client, &subject_token).await?;
        self.check_date(client, &subject_token)?;
        let subject = self.live_subject(clients, &subject_token).await?;
        let actor = match &request.actor_token {
            Some(token) => Some(self.live_actor(clients, token.expose_secret()).await?),
            None => None,
        };
        let assignment = match &subject {
            Some(LiveSubject { subject, .. }) => {
                let mut reader = self.db.reader().await?;
                assignments::of_subject(&mut reader, client.registered(), subject).await?
            }
            None => Assignment::default(),
        };
        let exchanged = Exchange {
            client: client.registered(),
            default_audiences: self.issuer.audiences(),
            issuer: self.issuer.url(),
            privileged: PRIVILEGED_SCOPES,
            subject: &subject_token,
            user: subject.as_ref().map(|LiveSubject { subject, .. }| User {
                assigned: assignment.assigned,
                ..user(subject)
            }),
            actor: actor.as_ref(),
            resources: &request.resources,
            scope: request.scope.as_ref(),
        }
        .decide()?;
        let Some(LiveSubject { subject, session }) = subject else {
            return Err(invalid_subject_token().into());
        };
        tracing::info!(
            event.action = "token-exchange",
            event.outcome = "success",
            user.id = %subject.id,
            client.id = client.id.as_str(),
            "access token of a user exchanged for one of another client"
        );
        // The identifiers are those that the client that gets the token knows.
        let subject_token = AccessTokenClaims {
            sub: self.keys.subject(client.registered(), subject.id),
            sid: session.map(|id| self.keys.session(client.registered(), id)),
            ..subject_token
        };
        let names = (subject.groups, assignment.roles);
        self.sign_exchanged(client, subject_token, exchanged, names, confirmation)
    }

    /// The subject of a verified token, when they are active, and the grant and the clients of the token are still there.
    async fn live_subject(
        &self,
        clients: &Clients,
        token: &AccessTokenClaims,
    ) -> Result<Option<LiveSubject>, GrantError> {
        let grant = token.gid.as_deref().and_then(|id| id.parse::<Uuid>().ok());
        let Some(grant) = grant else {
            return Ok(None);
        };
        let Some(client) = self.present_client(clients, token).await? else {
            return Ok(None);
        };
        let mut reader = self.db.reader().await?;
        let Some((id, session)) = grants::holder(&mut reader, grant).await? else {
            return Ok(None);
        };
        let subject = subjects::find(&mut reader, id).await?;
        let Some(subject) = subject.filter(|subject| subject.active) else {
            return Ok(None);
        };
        let assignment = assignments::of_subject(&mut reader, client.registered(), &subject).await?;
        Ok(assignment.assigned.then_some(LiveSubject { subject, session }))
    }

    /// The claims of an actor token that is still valid.
    async fn live_actor(&self, clients: &Clients, token: &str) -> Result<AccessTokenClaims, GrantError> {
        let claims = self.read_access_token(token).ok_or_else(invalid_actor_token)?;
        let grant = claims.gid.as_deref().and_then(|id| id.parse::<Uuid>().ok());
        let live = if claims.is_of_client() {
            let revoked = match grant {
                Some(id) => grants::is_token_revoked(&mut self.db.reader().await?, id).await?,
                None => false,
            };
            !revoked && self.is_of_present_client(clients, &claims).await?
        } else {
            self.live_subject(clients, &claims).await?.is_some()
        };
        if live {
            Ok(claims)
        } else {
            Err(invalid_actor_token().into())
        }
    }

    /// True if there is a [present client](Self::present_client) of a token.
    async fn is_of_present_client(
        &self,
        clients: &Clients,
        token: &AccessTokenClaims,
    ) -> Result<bool, GrantError> {
        Ok(self.present_client(clients, token).await?.is_some())
    }

    /// The client of a token, if it is the one that the token was issued to, and nothing was taken from it since, nor from the clients before it
    /// (SB-47).
    pub(super) async fn present_client(
        &self,
        clients: &Clients,
        token: &AccessTokenClaims,
    ) -> Result<Option<Arc<Client>>, GrantError> {
        for id in &token.client_chain {
            let client = clients.find(id).await?;
            if !client.is_some_and(|client| accepts(&client, token)) {
                return Ok(None);
            }
        }
        let client = clients.find(&token.client_id).await?;
        Ok(client.filter(|client| accepts(client, token)))
    }

    /// Checks the clients of a subject token as they are in the database, if the new token will have an `iat` that is ahead of the clock because
    /// something was taken from the client that exchanges. A client of the chain that lost something at that time, and is older in the memory of this
    /// replica, would not make the new token void (SB-47).
    ///
    /// # Errors
    /// `invalid_request`.
    async fn check_newest_clients(
        &self,
        clients: &Clients,
        client: &Client,
        token: &AccessTokenClaims,
    ) -> Result<(), GrantError> {
        let now = self.clock.now();
        if client.issued_at(now).max(token.iat) <= now.as_secs() {
            return Ok(());
        }
        for id in token.client_chain.iter().chain([&token.client_id]) {
            let newest = clients.find_newest(id).await?;
            if !newest.is_some_and(|client| accepts(&client, token)) {
                return Err(invalid_subject_token().into());
            }
        }
        Ok(())
    }

    /// Checks that the new token will not be dated ahead of the clock by more than [`MAX_AHEAD`]. What is taken from another client of its chain
    /// after the exchange would not make it void: that is so for tokens that are dated before it was taken (SB-47). The date is ahead for some
    /// seconds after something was taken from a client, and when the clock of the replica that issued the subject token is ahead. A date
    /// that is further ahead than clocks differ is from before this clock was set back, and holds nobody up (SB-50).
    ///
    /// # Errors
    /// `temporarily_unavailable`: the same exchange succeeds when the clock is there.
    fn check_date(&self, client: &Client, token: &AccessTokenClaims) -> Result<(), GrantError> {
        let now = self.clock.now();
        let date = client.issued_at(now).max(token.iat);
        let ahead = Timestamp::from_secs(date).since(Timestamp::from_secs(now.as_secs()));
        if ahead > MAX_AHEAD && ahead <= SKEW {
            return Err(ErrorCode::TemporarilyUnavailable
                .because(
                    "the subject_token, or a change of the client, is too new: try again in some seconds",
                )
                .into());
        }
        Ok(())
    }

    /// Signs an exchanged token. It expires with the subject token at the latest.
    fn sign_exchanged(
        &self,
        client: &Client,
        subject: AccessTokenClaims,
        exchanged: Exchanged,
        (groups, roles): (Vec<String>, Vec<String>),
        confirmation: &Confirmation,
    ) -> Result<TokenResponse, GrantError> {
        let now = self.clock.now();
        let exp = subject
            .exp
            .min(now.as_secs() + i64::from(self.settings.access_seconds));
        let access_token = self.sign_access_token(
            client,
            &AccessTokenClaims {
                aud: self.audience(&exchanged.audiences, false),
                exp,
                // Not before the subject token: that time says what of the clients before was void already.
                iat: client.issued_at(now).max(subject.iat),
                jti: self.jti(),
                client_id: client.id.to_string(),
                scope: exchanged.scope.clone(),
                cnf: claim(confirmation),
                // They were allowed to the client of the subject token.
                authorization_details: AuthorizationDetails::default(),
                groups: self.groups_in(&exchanged.scope, groups),
                roles,
                act: Some(exchanged.act),
                client_chain: exchanged.client_chain,
                // The user, their session and authentication, and the grant, by which it is revoked.
                ..subject
            },
        )?;
        Ok(TokenResponse {
            access_token,
            token_type: token_type(confirmation),
            expires_in: u32::try_from(exp - now.as_secs()).unwrap_or_default(),
            scope: exchanged.scope,
            refresh_token: None,
            id_token: None,
            issued_token_type: Some(TYPE_ACCESS_TOKEN),
            authorization_details: AuthorizationDetails::default(),
        })
    }
}
