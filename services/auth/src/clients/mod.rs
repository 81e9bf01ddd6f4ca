//! Clients: the applications that may request tokens, and their metadata (RFC 7591).

mod bootstrap;
mod cache;
mod id;
mod model;
mod store;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chassis::db::{DbError, Tx};
use chassis::secret::Token;
use contract::{ClientCreated, ClientDeleted, ClientRemoved, ClientState, ClientUpdated, EventData};
use oidc::client_auth::ClientAuthentication;
use secrecy::ExposeSecret;

pub use bootstrap::{BootstrapError, ClientSettings, DIRECT_CLIENT, bootstrap};
pub use cache::ClientCache;
pub use id::{ClientId, ClientIdError};
pub use model::{AuthMethod, Client, ClientMetadata, GrantType, IdTokenAlgorithm, InvalidMetadata, Origin};

use crate::accounts;
use crate::app::App;
use crate::grants;

/// A client that was just registered.
#[derive(Debug)]
pub struct CreatedClient {
    /// The client.
    pub client: Client,
    /// Its secret, which is shown once. A public client has none.
    pub secret: Option<Token>,
}

/// Why a client cannot be registered, changed or deleted.
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

/// The client `id`, which may be three seconds old.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, id: &str) -> Result<Option<Arc<Client>>, DbError> {
    let now = app.clock.now();
    if let Some(client) = app.clients.get(id, now) {
        return Ok(Some(client));
    }
    if id.parse::<ClientId>().is_err() {
        return Ok(None);
    }
    let found = store::find(&mut app.db.reader().await?, id).await?.map(Arc::new);
    match &found {
        Some(client) => app.clients.put(Arc::clone(client), now),
        None => app.clients.remove(id),
    }
    Ok(found)
}

/// Authenticates a client by its credentials (RFC 6749 §2.3).
///
/// # Errors
/// When the database fails.
pub async fn authenticate(app: &App, sent: &ClientAuthentication) -> Result<Option<Arc<Client>>, DbError> {
    let secret = sent.secret.as_ref().map(ExposeSecret::expose_secret);
    Ok(find(app, &sent.client_id)
        .await?
        .filter(|client| client.accepts(sent.method, secret)))
}

/// Registers a client. Without `id` one is generated.
///
/// # Errors
/// [`ClientError::Invalid`] names the member; [`ClientError::Taken`].
pub async fn create(
    app: &App,
    id: Option<ClientId>,
    metadata: ClientMetadata,
) -> Result<CreatedClient, ClientError> {
    metadata.check()?;
    let secret = (!metadata.is_public()).then(|| app.random.token());
    let now = app.clock.now();
    let id = match id {
        Some(id) => id,
        None => generated_id(app)?,
    };
    let client = Client {
        id,
        aggregate_id: app.random.uuid(&*app.clock),
        secret_hash: secret.as_ref().map(|secret| secret.hash().as_bytes().to_vec()),
        metadata,
        origin: Origin::Administrator,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = app.db.begin("create_client").await?;
    match add(app, &mut tx, &client).await {
        Err(DbError::Unique { .. }) => return Err(ClientError::Taken),
        outcome => outcome?,
    }
    tx.commit().await?;
    app.clients.remove(client.id.as_str());
    Ok(CreatedClient { client, secret })
}

fn generated_id(app: &App) -> Result<ClientId, ClientError> {
    let id = format!("app-{}", app.random.uuid(&*app.clock).simple());
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
pub async fn list(app: &App, after: &str, limit: u16) -> Result<Vec<Client>, DbError> {
    store::list(&mut app.db.reader().await?, after, i64::from(limit)).await
}

/// Deletes a client and revokes its grants. Returns whether the client existed.
///
/// # Errors
/// [`ClientError::Configured`].
pub async fn delete(app: &App, id: &str) -> Result<bool, ClientError> {
    let mut tx = app.db.begin("delete_client").await?;
    let Some(client) = store::find(&mut tx, id).await? else {
        return Ok(false);
    };
    if client.origin == Origin::Configuration {
        return Err(ClientError::Configured);
    }
    remove(app, &mut tx, &client).await?;
    tx.commit().await?;
    app.clients.remove(id);
    Ok(true)
}

async fn add(app: &App, tx: &mut Tx, client: &Client) -> Result<(), DbError> {
    store::insert(tx, client).await?;
    append_event(app, tx, client, &ClientCreated(state(client))).await
}

async fn change(app: &App, tx: &mut Tx, client: &Client) -> Result<(), DbError> {
    store::update(tx, client).await?;
    append_event(app, tx, client, &ClientUpdated(state(client))).await
}

async fn remove(app: &App, tx: &mut Tx, client: &Client) -> Result<(), DbError> {
    let now = app.clock.now();
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
    append_event(app, tx, &gone, &event).await
}

async fn append_event(
    app: &App,
    tx: &mut Tx,
    client: &Client,
    event: &impl EventData,
) -> Result<(), DbError> {
    app.outbox
        .append(tx, "client", client.aggregate_id, client.version, event)
        .await
        .map(drop)
        .map_err(accounts::outbox_error)
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

/// After the database was restored from a backup: raises the versions of all clients above those that were
/// given out since.
///
/// # Errors
/// When the database fails.
pub(crate) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    store::raise_versions(tx, by).await
}
