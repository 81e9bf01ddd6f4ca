//! Tokens: authorization codes, refresh tokens, access tokens and ID tokens, and what a client gets for each.

mod codes;
mod devices;
mod exchange;
mod introspect;
mod issuer;
mod length;
mod model;
mod refresh;
mod sign;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, Tx};
use chassis::random::SharedRandom;
use chassis::secret::Token;
use oidc::authorization_details::AuthorizationDetails;
use oidc::dpop::Confirmation;
use oidc::grant::refresh_token_key;
use oidc::id_token_hint::IdTokenHint;
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

pub use codes::{CodeConsent, CodeRedemption, NewCode};
pub use devices::DeviceRedemption;
pub use issuer::{Issuer, IssuerError};
pub(crate) use length::RequestedDetails;
pub use model::{Grant, GrantError, client_scope, subject_scope};
pub(crate) use model::{is_privileged, user};
pub use refresh::RefreshRequest;
use sign::TokenInput;

use crate::assignments;
use crate::clients::{self, Client, GrantType};
use crate::grants::{self, GrantRow};
use crate::grants::{Grants, TokenSettings};
use crate::keys::KeyRing;
use crate::scopes::Scopes;
use crate::subjects::{self, Subject};

/// Issues the tokens of this installation.
#[derive(Clone)]
pub struct Tokens {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    keys: KeyRing,
    issuer: Arc<Issuer>,
    scopes: Scopes,
    grants: Grants,
    settings: TokenSettings,
}

/// The request of a client for a token for itself (RFC 6749 §4.4.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientTokenRequest<'a> {
    /// `scope`.
    pub scope: Option<&'a Scope>,
    /// `resource` (RFC 8707 §2.2).
    pub resources: &'a [Resource],
    /// `authorization_details` (RFC 9396 §5).
    pub details: Option<&'a AuthorizationDetails>,
}

/// The tokens of a grant before they are signed. They are signed after the commit, so that a signature holds
/// no transaction.
pub(crate) struct PendingTokens {
    grant: GrantRow,
    scope: Scope,
    groups: Vec<String>,
    roles: Vec<String>,
    /// The single claims of the ID token.
    claims: Map<String, Value>,
    authorization_details: AuthorizationDetails,
    nonce: Option<String>,
    confirmation: Confirmation,
    refresh_token: Option<Token>,
    now: Timestamp,
}

impl Tokens {
    /// Tokens of `issuer`, signed with `keys`. `scopes` has the values of claims.
    pub fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        keys: KeyRing,
        (issuer, scopes): (Arc<Issuer>, Scopes),
        grants: Grants,
        settings: TokenSettings,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            keys,
            issuer,
            scopes,
            grants,
            settings,
        }
    }

    /// Verifies an `id_token_hint`. Keys that are not published any more still verify hints for as long as a
    /// session can live.
    pub fn id_token_hint(&self, token: &str) -> IdTokenHint {
        let hint_keys = self.keys.current().hint_keys();
        let server = self.issuer.server(&hint_keys);
        IdTokenHint::verify(token, server, self.clock.now().as_secs())
    }

    /// `sub` by which `client` knows a user (OpenID Connect Core §8).
    pub(crate) fn subject(&self, client: &Client, user: Uuid) -> String {
        self.keys.subject(client.registered(), user)
    }

    /// Grants access to `client` for a signed-in subject without a code. The caller commits `tx` and then has
    /// [`Self::sign`] sign the tokens.
    ///
    /// # Errors
    /// `invalid_grant` when the subject may not sign in, or is not assigned to the client.
    pub(crate) async fn issue(
        &self,
        tx: &mut Tx,
        client: &Client,
        grant: Grant,
    ) -> Result<PendingTokens, GrantError> {
        let id = self.random.uuid(&*self.clock);
        self.create_grant(tx, client, id, grant).await
    }

    /// Signs the tokens of a grant, after the transaction that created it was committed.
    ///
    /// # Errors
    /// [`GrantError::Sign`].
    pub(crate) fn sign(
        &self,
        pending: PendingTokens,
        client: &Client,
        audiences: &[Resource],
    ) -> Result<TokenResponse, GrantError> {
        self.sign_subject_tokens(TokenInput {
            grant: &pending.grant,
            client,
            scope: pending.scope,
            audiences,
            groups: pending.groups,
            roles: pending.roles,
            claims: pending.claims,
            authorization_details: pending.authorization_details,
            nonce: pending.nonce,
            confirmation: pending.confirmation,
            refresh_token: pending.refresh_token.map(|token| token.expose().to_owned()),
            now: pending.now,
        })
    }

    /// Issues an access token to a client for itself (RFC 6749 §4.4).
    ///
    /// # Errors
    /// `invalid_scope`, `invalid_target`, `invalid_authorization_details`.
    pub fn issue_client_token(
        &self,
        client: &Client,
        request: &ClientTokenRequest<'_>,
        confirmation: &Confirmation,
    ) -> Result<TokenResponse, GrantError> {
        let scope = client_scope(client, request.scope)?;
        let audiences = self.audiences(client, request.resources)?;
        let details = request.details.cloned().unwrap_or_default();
        let registered = &client.metadata.authorization_details_types;
        self.issuer.detail_types().check(&details, registered)?;
        let details = details.at(&audiences);
        self.sign_client_token(client, scope, &audiences, confirmation, details)
    }

    async fn create_grant(
        &self,
        tx: &mut Tx,
        client: &Client,
        id: Uuid,
        grant: Grant,
    ) -> Result<PendingTokens, GrantError> {
        let subject = subjects::find(tx, grant.subject)
            .await?
            .ok_or_else(model::invalid_grant)?;
        self.create_grant_for(tx, client, id, grant, subject).await
    }

    /// As [`Self::create_grant`], for the subject of the grant, which was read before.
    async fn create_grant_for(
        &self,
        tx: &mut Tx,
        client: &Client,
        id: Uuid,
        grant: Grant,
        subject: Subject,
    ) -> Result<PendingTokens, GrantError> {
        if !subject.active {
            return Err(model::invalid_grant());
        }
        // The last check before tokens are issued, whatever led here.
        let assignment = assignments::of_subject(tx, client.registered(), &subject).await?;
        if !assignment.assigned {
            return Err(model::invalid_grant());
        }
        let now = self.clock.now();
        let refreshes = client.may_use(GrantType::RefreshToken);
        let tokens = &self.settings;
        let life = if refreshes {
            Duration::from_secs(u64::from(tokens.refresh_days) * 86_400)
        } else {
            Duration::from_secs(u64::from(tokens.access_seconds))
        };
        let mut rotation_secret = vec![0; 32];
        self.random.fill(&mut rotation_secret);
        let row = GrantRow {
            id,
            client_id: client.id.to_string(),
            subject: grant.subject,
            session_id: grant.session_id,
            scope: grant.scope.to_string(),
            audiences: Json(grant.audiences),
            auth_time: grant.auth_time,
            amr: Json(grant.amr),
            offline: grant.scope.contains("offline_access"),
            rotation_secret,
            dpop_jkt: refresh_token_key(client.registered(), &grant.confirmation),
            details: model::stored_details(grant.details),
            created_at: now,
            expires_at: now + life,
        };
        let refresh_token = refreshes.then(|| self.random.token());
        grants::insert_grant(tx, &row, refresh_token.as_ref().map(Token::hash).as_ref()).await?;
        if client.is_unused() {
            clients::mark_used(tx, client.id.as_str(), now).await?;
        }
        Ok(PendingTokens {
            claims: self.id_token_claims(client, &row, &subject),
            authorization_details: AuthorizationDetails::default(),
            grant: row,
            scope: grant.scope,
            groups: subject.groups,
            roles: assignment.roles,
            nonce: grant.nonce,
            confirmation: grant.confirmation,
            refresh_token,
            now,
        })
    }
}
