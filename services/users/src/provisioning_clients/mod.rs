//! Provisioning clients: systems such as Microsoft Entra ID and Okta that are given the address of SCIM and one long-lived
//! bearer token, which this service issues itself (`docs/decisions/0044-provisioning-tokens.md`).
//!
//! A token is looked up by its hash in the database of this service at each request. So a revoked one is refused by every
//! replica at once (SB-47), and provisioning goes on while `auth` is away.

mod authenticate;
mod imported_client_id;
mod model;
mod removal;
mod schedule;
mod store;
#[cfg(test)]
mod tests;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError, Tx};
use chassis::random::SharedRandom;
use chassis::secret::Token;
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) use authenticate::{AuthenticatedClient, TokenRejected};
pub(crate) use model::{ProvisioningClient, ProvisioningError, ProvisioningToken};
pub(crate) use token::has_prefix;

use model::{ClientName, networks_column, scope_column};
use store::{ClientRow, TokenRow};

/// The most tokens of a client that are valid at a time: the present one, and the next one during a rotation.
pub(crate) const MAX_VALID_TOKENS: usize = 2;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The limits on the tokens of an installation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenLimits {
    /// The longest life of a token, and that of one for which no other is asked, in days.
    pub(crate) max_days: u16,
    /// The days before the end of a client's last token from which on a warning is logged.
    pub(crate) warn_days: u16,
}

/// The provisioning clients, and the use cases about them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ProvisioningClients {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    limits: TokenLimits,
    /// Uses of tokens that are not written yet.
    uses: Arc<Mutex<HashMap<Uuid, Timestamp>>>,
    /// Woken when a client was deleted, whose identifiers are to be removed.
    deleted: Arc<Notify>,
}

/// A client to be created.
#[derive(Clone, Debug)]
pub(crate) struct DesiredClient {
    /// The id that it has in another installation, whose users and groups are to be imported; otherwise it gets a new one.
    pub(crate) id: Option<Uuid>,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) networks: Vec<String>,
    /// The life of its first token, in days; the longest that is allowed if it is left out.
    pub(crate) expires_in_days: Option<u16>,
}

/// A change of a client. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientEdit {
    pub(crate) name: Option<String>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) networks: Option<Vec<String>>,
}

impl ProvisioningClients {
    pub(crate) fn new(db: Db, (clock, random): (SharedClock, SharedRandom), limits: TokenLimits) -> Self {
        Self {
            db,
            clock,
            random,
            limits,
            uses: Arc::default(),
            deleted: Arc::default(),
        }
    }

    /// Creates a client with its first token, which is returned this once.
    ///
    /// # Errors
    /// See [`ProvisioningError`].
    pub(crate) async fn create(
        &self,
        desired: DesiredClient,
    ) -> Result<(ProvisioningClient, Token), ProvisioningError> {
        let name = ClientName::parse(&desired.name)?;
        let life = self.life(desired.expires_in_days)?;
        let now = self.clock.now();
        let client = ClientRow {
            id: desired.id.unwrap_or_else(|| self.random.uuid(&*self.clock)),
            name: name.shown,
            scope: scope_column(&desired.scopes)?,
            networks: networks_column(&desired.networks)?,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.db.begin("create_provisioning_client").await?;
        if let Some(id) = desired.id {
            imported_client_id::check_free(&mut tx, id).await?;
        }
        if !store::insert_client(&mut tx, &client, &name.key).await? {
            return Err(ProvisioningError::NameTaken);
        }
        let (row, token) = self.insert_token(&mut tx, client.id, life).await?;
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-client-created", event.outcome = "success", provisioning_client.id = %client.id, "a provisioning client was created");
        Ok((ProvisioningClient::of(client, vec![row]), token))
    }

    /// Changes a client. Its tokens stay as they are.
    ///
    /// # Errors
    /// See [`ProvisioningError`].
    pub(crate) async fn change(
        &self,
        id: Uuid,
        edit: ClientEdit,
    ) -> Result<ProvisioningClient, ProvisioningError> {
        let name = edit.name.as_deref().map(ClientName::parse).transpose()?;
        let scope = edit.scopes.as_deref().map(scope_column).transpose()?;
        let networks = edit.networks.as_deref().map(networks_column).transpose()?;
        let mut tx = self.db.begin("change_provisioning_client").await?;
        let found = store::lock_client(&mut tx, id).await?;
        let old = found.ok_or(ProvisioningError::NotFound)?;
        let key = name
            .as_ref()
            .map_or_else(|| old.name.to_lowercase(), |name| name.key.clone());
        let new = ClientRow {
            name: name.map_or(old.name, |name| name.shown),
            scope: scope.unwrap_or(old.scope),
            networks: networks.unwrap_or(old.networks),
            updated_at: self.clock.now(),
            ..old
        };
        let written = store::update_client(&mut tx, &new, &key).await;
        written.map_err(|error| match error {
            DbError::Unique { .. } => ProvisioningError::NameTaken,
            other => ProvisioningError::Db(other),
        })?;
        let tokens = store::tokens_of(&mut tx, id).await?;
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-client-changed", event.outcome = "success", provisioning_client.id = %id, "a provisioning client was changed");
        Ok(ProvisioningClient::of(new, tokens))
    }

    /// Deletes a client. Its tokens are refused from then on.
    ///
    /// # Errors
    /// [`ProvisioningError::NotFound`]; when the database fails.
    pub(crate) async fn delete(&self, id: Uuid) -> Result<(), ProvisioningError> {
        let mut tx = self.db.begin("delete_provisioning_client").await?;
        if !store::delete_client(&mut tx, id).await? {
            return Err(ProvisioningError::NotFound);
        }
        // What it said of users and groups goes in the background: there may be millions.
        store::note_deleted(&mut tx, id, self.clock.now()).await?;
        tx.wake_on_commit(&self.deleted);
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-client-deleted", event.outcome = "success", provisioning_client.id = %id, "a provisioning client was deleted");
        Ok(())
    }

    /// Issues another token to a client, which is returned this once. The one before it stays valid, so that the client can
    /// change over.
    ///
    /// # Errors
    /// [`ProvisioningError::TooManyTokens`] for a third one; see [`ProvisioningError`].
    pub(crate) async fn issue_token(
        &self,
        id: Uuid,
        expires_in_days: Option<u16>,
    ) -> Result<(ProvisioningToken, Token), ProvisioningError> {
        let life = self.life(expires_in_days)?;
        let mut tx = self.db.begin("issue_provisioning_token").await?;
        if store::lock_client(&mut tx, id).await?.is_none() {
            return Err(ProvisioningError::NotFound);
        }
        store::delete_expired(&mut tx, id, self.clock.now()).await?;
        if store::tokens_of(&mut tx, id).await?.len() >= MAX_VALID_TOKENS {
            return Err(ProvisioningError::TooManyTokens);
        }
        let (row, token) = self.insert_token(&mut tx, id, life).await?;
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-token-issued", event.outcome = "success", provisioning_client.id = %id, provisioning_token.id = %row.id, "a provisioning client was given another token");
        Ok((ProvisioningToken::of(row), token))
    }

    /// Revokes one token of a client.
    ///
    /// # Errors
    /// [`ProvisioningError::NotFound`]; when the database fails.
    pub(crate) async fn revoke_token(&self, id: Uuid, token: Uuid) -> Result<(), ProvisioningError> {
        let mut tx = self.db.begin("revoke_provisioning_token").await?;
        if !store::delete_token(&mut tx, id, token).await? {
            return Err(ProvisioningError::NotFound);
        }
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-token-revoked", event.outcome = "success", provisioning_client.id = %id, provisioning_token.id = %token, "a token of a provisioning client was revoked");
        Ok(())
    }

    /// One client.
    ///
    /// # Errors
    /// [`ProvisioningError::NotFound`]; when the database fails.
    pub(crate) async fn find(&self, id: Uuid) -> Result<ProvisioningClient, ProvisioningError> {
        let mut reader = self.db.reader().await?;
        let found = store::find_client(&mut reader, id).await?;
        let row = found.ok_or(ProvisioningError::NotFound)?;
        let tokens = store::tokens_of(&mut reader, id).await?;
        Ok(ProvisioningClient::of(row, tokens))
    }

    /// The clients after an id, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn page(&self, after: Uuid, limit: i64) -> Result<Vec<ProvisioningClient>, DbError> {
        let mut reader = self.db.reader().await?;
        let mut found = Vec::new();
        for row in store::clients_after(&mut reader, after, limit).await? {
            let tokens = store::tokens_of(&mut reader, row.id).await?;
            found.push(ProvisioningClient::of(row, tokens));
        }
        Ok(found)
    }

    async fn insert_token(
        &self,
        tx: &mut Tx,
        client: Uuid,
        life: Duration,
    ) -> Result<(TokenRow, Token), DbError> {
        let (token, now) = (token::generate(&self.random), self.clock.now());
        let row = TokenRow {
            id: self.random.uuid(&*self.clock),
            client_id: client,
            ending: token::ending(&token).to_owned(),
            created_at: now,
            expires_at: now + life,
            last_used_at: None,
        };
        store::insert_token(tx, &row, &token.hash()).await?;
        Ok((row, token))
    }

    /// The life of a token for which so many days are asked.
    fn life(&self, days: Option<u16>) -> Result<Duration, ProvisioningError> {
        let most = self.limits.max_days;
        let days = days.unwrap_or(most);
        match (1..=most).contains(&days) {
            true => Ok(DAY.saturating_mul(u32::from(days))),
            false => Err(ProvisioningError::Invalid {
                field: "expires_in_days",
                reason: format!("expected a number from 1 to {most}, which the configuration allows"),
            }),
        }
    }
}
