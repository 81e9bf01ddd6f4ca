//! The export of password hashes, each encrypted to the public keys of the configuration (`[passwords] export_recipients`). So a stolen
//! token of an administrator gives nobody a hash who has no secret key, and without a public key there is no export.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use age_format::Recipient;
use chassis::db::{Db, DbError};
use chassis::random::SharedRandom;
use chassis::secret::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::credentials;

/// The most accounts of one page.
pub const MAX_PAGE: u16 = 1000;

/// The reason why no hash is exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The configuration has no recipient.
    #[error("the configuration names nobody to whom password hashes are exported")]
    NoRecipient,
    /// The hashes cannot be encrypted.
    #[error("the password hashes could not be encrypted")]
    Encryption(#[source] io::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The password hash of an account, encrypted in the format of age, in its armor.
#[derive(Debug)]
pub struct EncryptedHash {
    /// The account.
    pub account: Uuid,
    /// The encrypted hash.
    pub hash: String,
}

/// Exports password hashes.
#[derive(Clone)]
pub struct CredentialExport {
    db: Db,
    random: SharedRandom,
    recipients: Arc<[Recipient]>,
}

impl CredentialExport {
    /// An export to `recipients`. Without any it is refused.
    pub fn new(db: Db, random: SharedRandom, recipients: &[Recipient]) -> Self {
        Self {
            db,
            random,
            recipients: recipients.into(),
        }
    }

    /// The password hashes of the accounts after an id, in the order of the ids, `limit` at most.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub async fn page(&self, after: Uuid, limit: u16) -> Result<Vec<EncryptedHash>, ExportError> {
        if self.recipients.is_empty() {
            return Err(ExportError::NoRecipient);
        }
        let mut reader = self.db.reader().await?;
        let page = credentials::hashes_after(&mut reader, after, limit.min(MAX_PAGE)).await?;
        drop(reader);
        let (recipients, random) = (Arc::clone(&self.recipients), Arc::clone(&self.random));
        // A page is two thousand agreements of keys for each recipient.
        tokio::task::spawn_blocking(move || encrypt(&recipients, &random, page))
            .await
            .map_err(|error| ExportError::Encryption(io::Error::other(error)))?
    }
}

fn encrypt(
    recipients: &[Recipient],
    random: &SharedRandom,
    page: Vec<(Uuid, SecretString)>,
) -> Result<Vec<EncryptedHash>, ExportError> {
    let encrypted = page.into_iter().map(|(account, hash)| {
        let hash = age_format::encrypt_text(recipients, &**random, hash.expose_secret());
        let hash = hash.map_err(ExportError::Encryption)?;
        Ok(EncryptedHash { account, hash })
    });
    encrypted.collect()
}
