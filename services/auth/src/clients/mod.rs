//! Clients: the applications that may request tokens, and their metadata (RFC 7591).

mod bootstrap;
mod cache;
mod id;
mod model;
mod store;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError, Tx};
use chassis::random::SharedRandom;
use chassis::secret::Token;
use contract::{ClientCreated, ClientDeleted, ClientRemoved, ClientState, ClientUpdated, EventData};
use events::Outbox;
use oidc::client_auth::ClientAuthentication;
use secrecy::ExposeSecret;

pub use bootstrap::{BootstrapError, ClientSettings, DIRECT_CLIENT};
use cache::ClientCache;
pub use id::{ClientId, ClientIdError};
pub use model::{Client, Origin};
pub use oidc::client::{AuthMethod, ClientMetadata, GrantType, IdTokenAlgorithm, InvalidMetadata};

pub(crate) use store::raise_versions;

use crate::accounts;
use crate::grants;

/// A client that was just registered.
#[derive(Debug)]
pub struct CreatedClient {
    /// The client.
    pub client: Client,
    /// Its secret, which is shown once. A public client has none.
    pub secret: Option<Token>,
}

/// The reason why a client cannot be registered, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A member of the metadata is invalid.
    #[error(transparent)]
    Invalid(#[from] InvalidMetadata),
    /// Another client has this `client_id`.
    #[error("there is a client of that id")]
    Taken,
    /// The client is part of the configuration file and can only be changed there.
    #[error("the client is part of the configuration file")]
    Configured,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The clients of this installation.
#[derive(Clone)]
pub struct Clients {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    outbox: Outbox,
    cache: ClientCache,
}

impl Clients {
    /// The clients that stand in `db`.
    pub fn new(db: Db, clock: SharedClock, random: SharedRandom, outbox: Outbox) -> Self {
        Self {
            db,
            clock,
            random,
            outbox,
            cache: ClientCache::default(),
        }
    }

    /// The client `id`, which may be three seconds old.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, id: &str) -> Result<Option<Arc<Client>>, DbError> {
        let now = self.clock.now();
        if let Some(client) = self.cache.get(id, now) {
            return Ok(Some(client));
        }
        if id.parse::<ClientId>().is_err() {
            return Ok(None);
        }
        let found = store::find(&mut self.db.reader().await?, id).await?.map(Arc::new);
        match &found {
            Some(client) => self.cache.put(Arc::clone(client), now),
            None => self.cache.remove(id),
        }
        Ok(found)
    }

    /// Authenticates a client by its credentials (RFC 6749 §2.3).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authenticate(&self, sent: &ClientAuthentication) -> Result<Option<Arc<Client>>, DbError> {
        let secret = sent.secret.as_ref().map(ExposeSecret::expose_secret);
        Ok(self
            .find(&sent.client_id)
            .await?
            .filter(|client| client.accepts(sent.method, secret)))
    }

    /// Registers a client. Without `id` one is generated.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] names the member; [`ClientError::Taken`].
    pub async fn create(
        &self,
        id: Option<ClientId>,
        metadata: ClientMetadata,
    ) -> Result<CreatedClient, ClientError> {
        metadata.check()?;
        let secret = (!metadata.is_public()).then(|| self.random.token());
        let now = self.clock.now();
        let id = match id {
            Some(id) => id,
            None => self.generated_id()?,
        };
        let client = Client {
            id,
            aggregate_id: self.random.uuid(&*self.clock),
            secret_hash: secret.as_ref().map(|secret| secret.hash().as_bytes().to_vec()),
            metadata,
            origin: Origin::Administrator,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.db.begin("create_client").await?;
        match self.add(&mut tx, &client).await {
            Err(DbError::Unique { .. }) => return Err(ClientError::Taken),
            outcome => outcome?,
        }
        tx.commit().await?;
        self.cache.remove(client.id.as_str());
        Ok(CreatedClient { client, secret })
    }

    fn generated_id(&self) -> Result<ClientId, ClientError> {
        let id = format!("app-{}", self.random.uuid(&*self.clock).simple());
        id.parse().map_err(|_| {
            ClientError::Invalid(InvalidMetadata {
                field: "client_id",
                detail: "could not be made",
            })
        })
    }

    /// One page of clients after `after`, in the order of their ids.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, after: &str, limit: u16) -> Result<Vec<Client>, DbError> {
        store::list(&mut self.db.reader().await?, after, i64::from(limit)).await
    }

    /// Deletes a client and revokes its grants. Returns whether the client existed.
    ///
    /// # Errors
    /// [`ClientError::Configured`].
    pub async fn delete(&self, id: &str) -> Result<bool, ClientError> {
        let mut tx = self.db.begin("delete_client").await?;
        let Some(client) = store::find(&mut tx, id).await? else {
            return Ok(false);
        };
        if client.origin == Origin::Configuration {
            return Err(ClientError::Configured);
        }
        self.remove(&mut tx, &client).await?;
        tx.commit().await?;
        self.cache.remove(id);
        Ok(true)
    }

    async fn add(&self, tx: &mut Tx, client: &Client) -> Result<(), DbError> {
        store::insert(tx, client).await?;
        self.append_event(tx, client, &ClientCreated(state(client))).await
    }

    async fn change(&self, tx: &mut Tx, client: &Client) -> Result<(), DbError> {
        store::update(tx, client).await?;
        self.append_event(tx, client, &ClientUpdated(state(client))).await
    }

    async fn remove(&self, tx: &mut Tx, client: &Client) -> Result<(), DbError> {
        let now = self.clock.now();
        store::delete(tx, client.id.as_str()).await?;
        grants::revoke_for_client(tx, client.id.as_str(), now).await?;
        let gone = Client {
            version: client.version + 1,
            ..client.clone()
        };
        let event = ClientDeleted(ClientRemoved {
            id: gone.aggregate_id,
            client_id: gone.id.to_string(),
            version: gone.version,
            deleted_at: now,
        });
        self.append_event(tx, &gone, &event).await
    }

    async fn append_event(
        &self,
        tx: &mut Tx,
        client: &Client,
        event: &impl EventData,
    ) -> Result<(), DbError> {
        self.outbox
            .append(tx, "client", client.aggregate_id, client.version, event)
            .await
            .map(drop)
            .map_err(accounts::outbox_error)
    }
}

fn state(client: &Client) -> ClientState {
    ClientState {
        id: client.aggregate_id,
        client_id: client.id.to_string(),
        client_name: client.metadata.client_name.clone(),
        redirect_uris: client
            .metadata
            .redirect_uris
            .iter()
            .map(ToString::to_string)
            .collect(),
        grant_types: client
            .metadata
            .grant_types
            .iter()
            .map(|grant| grant.name().to_owned())
            .collect(),
        scopes: client.metadata.scope.iter().map(str::to_owned).collect(),
        version: client.version,
        updated_at: client.updated_at,
    }
}
