//! Clients: the applications that may request tokens, and their metadata (RFC 7591).

mod addresses;
mod assertions;
mod authentication;
mod bootstrap;
mod cache;
mod certificates;
mod change;
mod encryption;
mod fetches;
mod id;
mod key_sets;
mod logos;
mod managed;
mod model;
mod outbound;
mod registration;
mod request_documents;
mod request_objects;
mod secrets;
mod sectors;
mod store;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError, Tx};
use chassis::random::SharedRandom;
use chassis::secret::Token;
use contract::{ClientCreated, ClientDeleted, ClientRemoved, ClientState, ClientUpdated, EventData};
use events::Outbox;
use oidc::jose::Algorithm;

pub use authentication::{AssertionVerifier, AuthenticationError};
pub use bootstrap::{BootstrapError, ClientSettings, DIRECT_CLIENT};
use cache::ClientCache;
pub use certificates::CertificateVerifier;
use change::void_until;
pub use id::{ClientId, ClientIdError};
pub use key_sets::KeySets;
pub use managed::WantedClient;
pub use model::{Client, Origin};
pub use oidc::client::{AuthMethod, ClientMetadata, GrantType, InvalidMetadata};
pub use outbound::ClientOutbound;
pub use registration::{
    ClientRegistration, ClientRegistrationMode, InitialAccessToken, InitialTokenError, NewInitialToken,
    RegisterClientError, RegisteredClient, RegistrationPolicy,
};
pub use request_documents::RequestDocuments;
pub use secrets::{ClientSecret, CreatedSecret, MAX_SECRETS};
use store::StoredClient;

pub(crate) use assertions::note_restoration as note_restoration_of_assertions;
pub(crate) use bootstrap::with_canonical_audiences;
pub(crate) use logos::{ClientLogos, LogoState};
pub(crate) use registration::mark_used;
pub(crate) use store::raise_versions;

use crate::accounts;
use crate::assignments;
use crate::consents;
use crate::grants;
use crate::keys::{KeyError, KeyRing};

/// A client that was just registered.
#[derive(Debug)]
pub struct CreatedClient {
    /// The client.
    pub client: Client,
    /// Its secret, which is shown once. A client that authenticates without a secret has none.
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
    /// The keys of its algorithms could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The client has another version than the caller expected.
    #[error("the client was changed meanwhile")]
    Changed,
    /// The client authenticates without a secret.
    #[error("the client authenticates without a secret")]
    NoSecrets,
    /// The client has as many secrets as it may have.
    #[error("the client has {MAX_SECRETS} secrets already")]
    TooManySecrets,
    /// The client would have no secret any more.
    #[error("the client has no other secret")]
    LastSecret,
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
    keys: KeyRing,
    cache: ClientCache,
    assertions: AssertionVerifier,
    certificates: CertificateVerifier,
    request_documents: RequestDocuments,
}

impl Clients {
    /// The clients that stand in `db`.
    pub fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        outbox: Outbox,
        keys: KeyRing,
        (assertions, certificates, request_documents): (
            AssertionVerifier,
            CertificateVerifier,
            RequestDocuments,
        ),
    ) -> Self {
        Self {
            db,
            clock,
            random,
            outbox,
            keys,
            cache: ClientCache::default(),
            assertions,
            certificates,
            request_documents,
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

    /// The client `id` as it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_newest(&self, id: &str) -> Result<Option<Client>, DbError> {
        store::find(&mut self.db.reader().await?, id).await
    }

    /// Registers a client. Without `id` one is generated. The keys of its algorithms are published before it can use them.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] names the member; [`ClientError::Taken`].
    pub async fn create(
        &self,
        id: Option<ClientId>,
        metadata: ClientMetadata,
    ) -> Result<CreatedClient, ClientError> {
        metadata.check()?;
        self.check_sector(Origin::Administrator, None, &metadata).await?;
        self.keys.publish(&metadata.signing_algorithms()).await?;
        let id = match id {
            Some(id) => id,
            None => self.generated_id()?,
        };
        let created = self.new_client(id, metadata, Origin::Administrator);
        let mut tx = self.db.begin("create_client").await?;
        self.insert_new(&mut tx, &created.client).await?;
        tx.commit().await?;
        self.cache.remove(created.client.id.as_str());
        Ok(created)
    }

    /// A client that is not stored, with a secret if it needs one.
    fn new_client(&self, id: ClientId, metadata: ClientMetadata, origin: Origin) -> CreatedClient {
        let now = self.clock.now();
        let secret = metadata
            .token_endpoint_auth_method
            .uses_secret()
            .then(|| self.random.token());
        let client = Client {
            id,
            aggregate_id: self.random.uuid(&*self.clock),
            secrets: secret
                .iter()
                .map(|secret| ClientSecret::new(&secret.hash(), now))
                .collect(),
            registration_token_hash: None,
            administrator_addresses: BTreeSet::new(),
            is_unused: origin == Origin::Registration,
            tokens_void_until: None,
            metadata,
            origin,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        CreatedClient { client, secret }
    }

    async fn insert_new(&self, tx: &mut Tx, client: &Client) -> Result<(), ClientError> {
        match self.add(tx, client).await {
            Err(DbError::Unique { .. }) => Err(ClientError::Taken),
            outcome => Ok(outcome?),
        }
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
        let Some(StoredClient { client, .. }) = store::find_stored(&mut tx, id).await? else {
            return Ok(false);
        };
        if client.origin == Origin::Configuration {
            return Err(ClientError::Configured);
        }
        let deleted = self.remove(&mut tx, &client).await?;
        tx.commit().await?;
        self.cache.remove(id);
        Ok(deleted)
    }

    async fn add(&self, tx: &mut Tx, client: &Client) -> Result<(), DbError> {
        store::insert(tx, client).await?;
        logos::follow(tx, client, self.clock.now()).await?;
        self.append_event(tx, client, &ClientCreated(state(client))).await
    }

    /// Writes the next version of a client.
    async fn change(&self, tx: &mut Tx, client: &Client) -> Result<(), ClientError> {
        if !store::update(tx, client).await? {
            return Err(ClientError::Changed);
        }
        logos::follow(tx, client, self.clock.now()).await?;
        self.append_event(tx, client, &ClientUpdated(state(client)))
            .await?;
        Ok(())
    }

    /// Deletes a client, unless another transaction has deleted it. Returns whether it existed.
    async fn remove(&self, tx: &mut Tx, client: &Client) -> Result<bool, DbError> {
        let now = self.clock.now();
        if !store::delete(tx, client.id.as_str()).await? {
            return Ok(false);
        }
        consents::delete_by_client(tx, client.id.as_str()).await?;
        assignments::delete_by_client(tx, client.id.as_str()).await?;
        grants::revoke_for_client(tx, client.id.as_str(), now, void_until(client, now)).await?;
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
        self.append_event(tx, &gone, &event).await?;
        Ok(true)
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

/// The algorithms that the clients of the database and of the configuration are registered for. Their keys are made at start.
///
/// # Errors
/// When the database fails.
pub(crate) async fn signing_algorithms(
    db: &Db,
    configured: &BTreeMap<String, ClientSettings>,
) -> Result<BTreeSet<Algorithm>, DbError> {
    let mut algorithms = store::signing_algorithms(&mut db.reader().await?).await?;
    for client in configured.values() {
        algorithms.extend(client.metadata.signing_algorithms());
    }
    Ok(algorithms)
}

/// The number of clients with pairwise subjects.
///
/// # Errors
/// When the database fails.
pub(crate) async fn count_pairwise(db: &Db) -> Result<usize, DbError> {
    store::count_pairwise(&mut db.reader().await?).await
}

/// Deletes what has expired.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    assertions::sweep(tx, now).await?;
    registration::sweep(tx, now).await
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
