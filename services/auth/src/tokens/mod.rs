//! Tokens: authorization codes, refresh tokens, access tokens and ID tokens, and what a client gets for each.

mod codes;
mod issuer;
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
use oidc::id_token_hint::IdTokenHint;
use oidc::resource::Resource;
use oidc::scope::Scope;
use oidc::token::TokenResponse;
use sqlx::types::Json;
use uuid::Uuid;

pub use codes::{CodeRedemption, NewCode};
pub use issuer::{Issuer, IssuerError};
pub use model::{Grant, GrantError, client_scope, subject_scope};
pub(crate) use model::{is_privileged, user};
use sign::TokenInput;

use crate::clients::{Client, GrantType};
use crate::grants::{self, GrantRow};
use crate::grants::{Grants, TokenSettings};
use crate::keys::KeyRing;
use crate::subjects;

/// Issues the tokens of this installation.
#[derive(Clone)]
pub struct Tokens {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    keys: KeyRing,
    issuer: Arc<Issuer>,
    grants: Grants,
    settings: TokenSettings,
}

/// The tokens of a grant before they are signed. They are signed after the commit, so that a signature holds
/// no transaction.
pub(crate) struct PendingTokens {
    grant: GrantRow,
    scope: Scope,
    groups: Vec<String>,
    nonce: Option<String>,
    refresh_token: Option<Token>,
    now: Timestamp,
}

impl Tokens {
    /// Tokens of `issuer`, signed with `keys`.
    pub fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        keys: KeyRing,
        issuer: Arc<Issuer>,
        grants: Grants,
        settings: TokenSettings,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            keys,
            issuer,
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

    /// Grants access to `client` for a signed-in subject without a code. The caller commits `tx` and then has
    /// [`Self::sign`] sign the tokens.
    ///
    /// # Errors
    /// `invalid_grant` when the subject may not sign in.
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
            nonce: pending.nonce,
            refresh_token: pending.refresh_token.map(|token| token.expose().to_owned()),
            now: pending.now,
        })
    }

    /// Issues an access token to a client for itself (RFC 6749 §4.4).
    ///
    /// # Errors
    /// `invalid_scope`, `invalid_target`.
    pub fn issue_client_token(
        &self,
        client: &Client,
        asked: Option<&Scope>,
        resources: &[Resource],
    ) -> Result<TokenResponse, GrantError> {
        let scope = client_scope(client, asked)?;
        self.sign_client_token(client, scope, &self.audiences(client, resources)?)
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
            .filter(|subject| subject.active)
            .ok_or_else(model::invalid_grant)?;
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
            created_at: now,
            expires_at: now + life,
        };
        grants::insert_grant(tx, &row).await?;
        let refresh_token = if refreshes {
            let token = self.random.token();
            grants::insert_refresh_token(tx, &token.hash(), id, now).await?;
            Some(token)
        } else {
            None
        };
        Ok(PendingTokens {
            grant: row,
            scope: grant.scope,
            groups: subject.groups,
            nonce: grant.nonce,
            refresh_token,
            now,
        })
    }
}
