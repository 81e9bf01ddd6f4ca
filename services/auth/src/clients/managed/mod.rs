//! Clients that a declarative file manages. Each is written together with its mark, so that no failure leaves one without it.

mod store;
#[cfg(test)]
mod tests;

use chassis::db::{DbError, Tx};
use chassis::secret::TokenHash;
use secrecy::{ExposeSecret, SecretString};

use super::bootstrap::MIN_SECRET_BYTES;
use super::change::Replacement;
use super::store as clients;
use super::{
    ClientError, ClientId, ClientMetadata, ClientSecret, Clients, CreatedClient, InvalidMetadata, Origin,
};
use crate::managed::{Ending, Expected, FileName, Managed};

/// The longest secret, in bytes.
const MAX_SECRET_BYTES: usize = 256;

/// A client as a declarative file wants it.
#[derive(Debug)]
pub struct WantedClient {
    /// The name of the file.
    pub managed_by: FileName,
    /// The file that manages it so far; without one, no file does. Nothing is expected of what does not exist.
    pub owner: Option<FileName>,
    /// The whole metadata.
    pub metadata: ClientMetadata,
    /// The secret that it is to have. Without one a new client is given one if it needs it, and another keeps what it has.
    pub secret: Option<SecretString>,
}

impl WantedClient {
    /// The hash of the secret.
    fn secret_hash(&self) -> Result<Option<TokenHash>, ClientError> {
        let invalid = |detail| {
            ClientError::Invalid(InvalidMetadata {
                field: "client_secret",
                detail,
            })
        };
        let Some(secret) = self.secret.as_ref().map(ExposeSecret::expose_secret) else {
            return Ok(None);
        };
        if !self.metadata.token_endpoint_auth_method.uses_secret() {
            return Err(invalid(
                "expected none, since the client authenticates without a secret",
            ));
        }
        // RFC 6749 appendix A.2
        let is_readable = secret.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if !is_readable || !(MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&secret.len()) {
            return Err(invalid("expected 32 to 256 printable ASCII characters"));
        }
        Ok(Some(TokenHash::of(secret)))
    }
}

impl Clients {
    /// Makes or changes a client as a declarative file wants it, and marks it as managed by the file. A secret that the client
    /// does not have becomes its newest; of those before, the newest stays.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] names the member; [`ClientError::Taken`] when it exists against the expectation, and
    /// [`ClientError::Changed`] when it has another version, is gone, or is managed by another file than expected.
    pub async fn apply(
        &self,
        id: ClientId,
        expected: Expected,
        wanted: WantedClient,
    ) -> Result<CreatedClient, ClientError> {
        wanted.metadata.check()?;
        let version = match expected {
            Expected::Absent => None,
            Expected::Version(version) => Some(version),
        };
        self.check_sector_of(id.as_str(), version, &wanted.metadata)
            .await?;
        let secret = wanted.secret_hash()?;
        self.keys.publish(&wanted.metadata.signing_algorithms()).await?;
        let mut tx = self.db.begin("apply_client").await?;
        let applied = match expected {
            Expected::Absent => {
                let made = self.insert_wanted(&mut tx, id, &wanted, secret.as_ref()).await?;
                store::insert(&mut tx, &made.client, &wanted.managed_by, self.clock.now()).await?;
                made
            }
            Expected::Version(version) => {
                let known = clients::find(&mut tx, id.as_str()).await?;
                let known = known.filter(|known| known.version == version);
                let known = known.ok_or(ClientError::Changed)?;
                if known.origin == Origin::Configuration {
                    return Err(ClientError::Configured);
                }
                let given = secret.map(|hash| ClientSecret::new(&hash, self.clock.now()));
                // The lock keeps another change from coming between what was read and the mark.
                if !clients::lock_version(&mut tx, &known).await? {
                    return Err(ClientError::Changed);
                }
                let replacement = Replacement {
                    metadata: wanted.metadata.clone(),
                    secret: given,
                    is_conditional: true,
                    is_restated: false,
                };
                let changed = self
                    .replace(&mut tx, known, Origin::Administrator, replacement)
                    .await?;
                let files = (wanted.owner.as_ref(), &wanted.managed_by);
                if !store::claim(&mut tx, &changed.client, files, self.clock.now()).await? {
                    return Err(ClientError::Changed);
                }
                changed
            }
        };
        tx.commit().await?;
        self.cache.remove(applied.client.id.as_str());
        Ok(applied)
    }

    async fn insert_wanted(
        &self,
        tx: &mut Tx,
        id: ClientId,
        wanted: &WantedClient,
        secret: Option<&TokenHash>,
    ) -> Result<CreatedClient, ClientError> {
        let mut created = self.new_client(id, wanted.metadata.clone(), Origin::Administrator);
        if let Some(hash) = secret {
            created.client.secrets = vec![ClientSecret::new(hash, created.client.created_at)];
            created.secret = None;
        }
        self.insert_new(tx, &created.client).await?;
        Ok(created)
    }

    /// Ends the management of a client of this version by a file. Returns whether the file manages it and, for a deletion, made it.
    ///
    /// # Errors
    /// [`ClientError::Changed`] when it has another version.
    pub async fn end_management(
        &self,
        id: &str,
        managed_by: &FileName,
        version: i64,
        ending: Ending,
    ) -> Result<bool, ClientError> {
        let mut tx = self.db.begin("end_management_of_client").await?;
        let found = clients::find_stored(&mut tx, id).await?;
        let Some(client) = found.map(|stored| stored.client) else {
            return Ok(false);
        };
        if ending == Ending::Delete && client.origin == Origin::Configuration {
            return Err(ClientError::Configured);
        }
        // The mark is read under the lock: another file may take the client over without changing its version.
        if client.version != version || !clients::lock_version(&mut tx, &client).await? {
            return Err(ClientError::Changed);
        }
        if !store::unmark(&mut tx, id, managed_by, ending).await? {
            return Ok(false);
        }
        let ended = match ending {
            Ending::Delete => self.remove(&mut tx, &client).await?,
            Ending::Release => true,
        };
        tx.commit().await?;
        self.cache.remove(id);
        Ok(ended)
    }

    /// One page of the marks of clients after `after`, in the order of their ids.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_managed(&self, after: &str, limit: u16) -> Result<Vec<Managed>, DbError> {
        store::list(&mut self.db.reader().await?, after, i64::from(limit)).await
    }
}
