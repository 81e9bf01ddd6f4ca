//! The secrets of a client: two at once at most, so that one can be changed without a stop.

use std::fmt::Write as _;

use chassis::clock::Timestamp;
use chassis::secret::{Token, TokenHash};

use super::model::{Client, Origin};
use super::{ClientError, Clients, store};

/// The most secrets of a client.
pub const MAX_SECRETS: usize = 2;

/// A secret of a client, of which only the hash is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// SHA-256 of the secret.
    pub(super) hash: Vec<u8>,
    /// The time at which it was made.
    pub created_at: Timestamp,
}

impl ClientSecret {
    pub(super) fn new(secret: &TokenHash, created_at: Timestamp) -> Self {
        Self {
            hash: secret.as_bytes().to_vec(),
            created_at,
        }
    }

    /// The name of the secret for administrators: the beginning of a hash of its hash.
    pub fn id(&self) -> String {
        let stored = hexadecimal(&self.hash);
        let mut id = hexadecimal(TokenHash::of(&stored).as_bytes());
        id.truncate(16);
        id
    }

    pub(super) fn is(&self, secret: &str) -> bool {
        TokenHash::of(secret).matches(&self.hash)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A secret that was just made.
#[derive(Debug)]
pub struct CreatedSecret {
    /// The client with it.
    pub client: Client,
    /// The secret as it is stored.
    pub stored: ClientSecret,
    /// The secret, which is shown once.
    pub secret: Token,
}

impl Clients {
    /// Makes one more secret. The others stay good. Returns `None` if there is no such client.
    ///
    /// # Errors
    /// [`ClientError::NoSecrets`] for a client that authenticates without one; [`ClientError::TooManySecrets`].
    pub async fn add_secret(&self, id: &str) -> Result<Option<CreatedSecret>, ClientError> {
        let mut tx = self.db.begin("add_client_secret").await?;
        let Some(known) = store::find(&mut tx, id).await? else {
            return Ok(None);
        };
        check_has_secrets(&known)?;
        if known.secrets.len() >= MAX_SECRETS {
            return Err(ClientError::TooManySecrets);
        }
        let secret = self.random.token();
        let stored = ClientSecret::new(&secret.hash(), self.clock.now());
        let client = Client {
            // The newest one comes first: a replica of the release before knows that one alone.
            secrets: [vec![stored.clone()], known.secrets.clone()].concat(),
            ..known.changed_at(self.clock.now())
        };
        self.change(&mut tx, &client).await?;
        tx.commit().await?;
        self.cache.remove(id);
        Ok(Some(CreatedSecret {
            client,
            stored,
            secret,
        }))
    }

    /// Deletes a secret, which is refused from then on. Returns whether the client had it.
    ///
    /// # Errors
    /// [`ClientError::LastSecret`].
    pub async fn delete_secret(&self, id: &str, secret_id: &str) -> Result<bool, ClientError> {
        let mut tx = self.db.begin("delete_client_secret").await?;
        let Some(known) = store::find(&mut tx, id).await? else {
            return Ok(false);
        };
        check_has_secrets(&known)?;
        let kept = known.secrets.iter().filter(|secret| secret.id() != secret_id);
        let secrets: Vec<ClientSecret> = kept.cloned().collect();
        if secrets.len() == known.secrets.len() {
            return Ok(false);
        }
        if secrets.is_empty() {
            return Err(ClientError::LastSecret);
        }
        let client = Client {
            secrets,
            ..known.changed_at(self.clock.now())
        };
        self.change(&mut tx, &client).await?;
        tx.commit().await?;
        self.cache.remove(id);
        Ok(true)
    }
}

fn check_has_secrets(client: &Client) -> Result<(), ClientError> {
    if client.origin == Origin::Configuration {
        return Err(ClientError::Configured);
    }
    match client.metadata.token_endpoint_auth_method.uses_secret() {
        true => Ok(()),
        false => Err(ClientError::NoSecrets),
    }
}
