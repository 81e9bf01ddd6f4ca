//! Clients of the configuration file (`[clients.NAME]`). At start the database is reconciled with the file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chassis::db::DbError;
use chassis::http::PublicUrl;
use chassis::secret::TokenHash;
use contract::scopes::DELEGATED;
use oidc::client::{
    AuthMethod, ClientMetadata, Extended, GrantType, InvalidMetadata, deserialize_extended, extended_members,
    extended_schema,
};
use oidc::resource::Resource;
use oidc::scope::Scope;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::id::{ClientId, ClientIdError};
use super::model::{Client, Origin};
use super::secrets::ClientSecret;
use super::{ClientError, Clients, store};

/// The member that the configuration has beside the metadata of a client.
const SECRET: &str = "client_secret";

/// All keys of `[clients.NAME]`.
static KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| extended_members(SECRET));

/// `[clients.NAME]`: a client whose `client_id` is NAME. Its keys are those of [`ClientMetadata`] and `client_secret`.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Its secret. A client without one is public, unless `token_endpoint_auth_method` is `private_key_jwt`.
    pub client_secret: Option<SecretString>,
    /// Its metadata (RFC 7591 §2).
    pub metadata: ClientMetadata,
}

impl<'de> Deserialize<'de> for ClientSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Extended {
            more: client_secret,
            metadata,
            ..
        } = deserialize_extended(deserializer, &KEYS)?;
        Ok(Self {
            client_secret,
            metadata,
        })
    }
}

impl JsonSchema for ClientSettings {
    fn schema_name() -> Cow<'static, str> {
        "ClientSettings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let about = "Its secret. A client without one is public, unless `token_endpoint_auth_method` is `private_key_jwt`.";
        let mut schema = extended_schema(generator, SECRET, about);
        schema.insert(
            "description".to_owned(),
            "`[clients.NAME]`: a client whose `client_id` is NAME, with metadata of RFC 7591.".into(),
        );
        schema
    }
}

/// The reason why a client of the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// A value is wrong.
    #[error("clients.{client}: {reason}")]
    InvalidMetadata {
        /// The table's name.
        client: String,
        /// The fault of the value.
        reason: String,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The clients cannot be written.
    #[error(transparent)]
    Client(ClientError),
}

impl From<ClientError> for BootstrapError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Db(error) => Self::Db(error),
            other => Self::Client(other),
        }
    }
}

/// The client that tokens of `POST /authenticate` are given to. A program refreshes them under this
/// `client_id`.
pub const DIRECT_CLIENT: &str = "vestibule-direct";

/// The minimum length of a secret in the configuration file, in bytes.
pub(super) const MIN_SECRET_BYTES: usize = 32;

/// The largest number of attempts at the reconciliation when replicas that start at once conflict.
const MAX_ATTEMPTS: u32 = 10;

impl ClientSettings {
    fn auth_method(&self) -> Result<AuthMethod, String> {
        match (&self.client_secret, self.metadata.token_endpoint_auth_method) {
            (None, AuthMethod::PrivateKeyJwt) => Ok(AuthMethod::PrivateKeyJwt),
            (None, method) if method != AuthMethod::None && self.has_keys() => Err(
                "token_endpoint_auth_method: a client with keys and without a secret has to say private_key_jwt or none"
                    .to_owned(),
            ),
            (None, _) => Ok(AuthMethod::None),
            (Some(_), method) if method.uses_secret() => Ok(method),
            (Some(_), _) => {
                Err("token_endpoint_auth_method: a client with a secret has to send it".to_owned())
            }
        }
    }

    fn has_keys(&self) -> bool {
        self.metadata.jwks.is_some() || self.metadata.jwks_uri.is_some()
    }

    /// The metadata that is stored. `ours` are the audiences of our own services.
    fn metadata(&self, ours: &[Resource]) -> Result<ClientMetadata, String> {
        let metadata = ClientMetadata {
            token_endpoint_auth_method: self.auth_method()?,
            ..with_canonical_audiences(self.metadata.clone(), ours)
        };
        metadata
            .check()
            .and_then(|()| {
                ours.iter()
                    .skip(1)
                    .try_for_each(|users| metadata.check_audiences(users))
            })
            .map_err(|invalid: InvalidMetadata| invalid.to_string())?;
        if self
            .client_secret
            .as_ref()
            .is_some_and(|secret| secret.expose_secret().len() < MIN_SECRET_BYTES)
        {
            return Err(format!(
                "client_secret: expected {MIN_SECRET_BYTES} characters at least"
            ));
        }
        Ok(metadata)
    }
}

fn has_same_secrets(known: &Client, wanted: &Client) -> bool {
    let hashes = |client: &Client| -> Vec<Vec<u8>> {
        client.secrets.iter().map(|secret| secret.hash.clone()).collect()
    };
    hashes(known) == hashes(wanted)
}

/// The metadata with the audiences of our own services, `ours`, in the form that tokens have: in `audiences`, and in
/// `resource`, which is compared with the audiences of tokens.
pub(crate) fn with_canonical_audiences(metadata: ClientMetadata, ours: &[Resource]) -> ClientMetadata {
    let canonical = |named: &Resource| canonical_audience(ours, named);
    ClientMetadata {
        audiences: metadata.audiences.iter().map(canonical).collect(),
        resource: metadata.resource.as_ref().map(canonical),
        ..metadata
    }
}

/// An audience of a registration. The URL of one of our own services is replaced by the form that tokens
/// have, whatever the case of its host and the slash at its end.
fn canonical_audience(audiences: &[Resource], named: &Resource) -> Resource {
    let url = PublicUrl::parse(named.as_str()).ok();
    let same = |ours: &&Resource| url.as_ref().is_some_and(|url| url.as_str() == ours.as_str());
    audiences.iter().find(same).unwrap_or(named).clone()
}

impl Clients {
    /// Reconciles the clients in the database with the configuration, in one transaction. `audiences`
    /// are our own services. With `direct_sign_in` the client of `POST /authenticate` is among them.
    ///
    /// # Errors
    /// [`BootstrapError::InvalidMetadata`] names the table and the key. Nothing is written in that case.
    pub async fn bootstrap(
        &self,
        settings: &BTreeMap<String, ClientSettings>,
        audiences: &[Resource],
        direct_sign_in: bool,
    ) -> Result<(), BootstrapError> {
        let now = self.clock.now();
        let mut wanted = Vec::new();
        for (name, client) in settings {
            let invalid = |reason: String| BootstrapError::InvalidMetadata {
                client: name.clone(),
                reason,
            };
            wanted.push(Client {
                id: name
                    .parse::<ClientId>()
                    .map_err(|error| invalid(error.to_string()))?,
                aggregate_id: self.random.uuid(&*self.clock),
                secrets: client
                    .client_secret
                    .iter()
                    .map(|secret| ClientSecret::new(&TokenHash::of(secret.expose_secret()), now))
                    .collect(),
                registration_token_hash: None,
                administrator_addresses: BTreeSet::new(),
                is_unused: false,
                tokens_void_until: None,
                metadata: client.metadata(audiences).map_err(invalid)?,
                origin: Origin::Configuration,
                version: 1,
                created_at: now,
                updated_at: now,
            });
        }
        if direct_sign_in {
            wanted.push(self.direct_client()?);
        }
        for _ in 0..MAX_ATTEMPTS {
            match self.reconcile(&wanted).await {
                // A replica that starts at the same moment was faster. The next attempt has less to do.
                Err(ClientError::Db(DbError::Unique { .. }) | ClientError::Changed) => {}
                outcome => return outcome.map_err(BootstrapError::from),
            }
        }
        Ok(self.reconcile(&wanted).await?)
    }

    /// Writes what differs from `wanted`.
    async fn reconcile(&self, wanted: &[Client]) -> Result<(), ClientError> {
        let mut tx = self.db.begin("bootstrap_clients").await?;
        for gone in store::list_configured(&mut tx).await? {
            if !wanted.iter().any(|client| client.id == gone.id) {
                self.remove(&mut tx, &gone).await?;
            }
        }
        for client in wanted {
            let stored = store::find_stored(&mut tx, client.id.as_str()).await?;
            let has_unknown_members = stored.as_ref().is_some_and(|stored| stored.has_unknown_members);
            match stored.map(|stored| stored.client) {
                None => self.add(&mut tx, client).await?,
                Some(known)
                    if has_unknown_members
                        || known.metadata != client.metadata
                        || !has_same_secrets(&known, client)
                        || known.origin != client.origin =>
                {
                    let changed = Client {
                        aggregate_id: known.aggregate_id,
                        registration_token_hash: known.registration_token_hash.clone(),
                        version: known.version + 1,
                        created_at: known.created_at,
                        ..client.clone()
                    };
                    self.void_lost_access(&mut tx, &known, &changed.metadata).await?;
                    self.change(&mut tx, &changed).await?;
                }
                Some(_) => {}
            }
        }
        Ok(tx.commit().await?)
    }

    /// The client of `POST /authenticate`. It has the grant `refresh_token` and no other.
    fn direct_client(&self) -> Result<Client, BootstrapError> {
        let invalid = |reason: String| BootstrapError::InvalidMetadata {
            client: DIRECT_CLIENT.to_owned(),
            reason,
        };
        let now = self.clock.now();
        Ok(Client {
            id: DIRECT_CLIENT
                .parse()
                .map_err(|error: ClientIdError| invalid(error.to_string()))?,
            aggregate_id: self.random.uuid(&*self.clock),
            secrets: Vec::new(),
            registration_token_hash: None,
            administrator_addresses: BTreeSet::new(),
            is_unused: false,
            tokens_void_until: None,
            metadata: ClientMetadata {
                client_name: Some("Direct sign-in".to_owned()),
                grant_types: BTreeSet::from([GrantType::RefreshToken]),
                scope: Scope::of([
                    "openid",
                    "profile",
                    "email",
                    "address",
                    "phone",
                    "groups",
                    "offline_access",
                    "admin",
                    DELEGATED,
                ])
                .map_err(|error| invalid(error.to_string()))?,
                token_endpoint_auth_method: AuthMethod::None,
                ..ClientMetadata::default()
            },
            origin: Origin::Configuration,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }
}
