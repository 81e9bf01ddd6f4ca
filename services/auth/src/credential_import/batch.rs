//! A batch: many hashes in one transaction, with a fixed number of statements, and some more for each account whose sessions end
//! because its password is replaced.

use std::collections::{BTreeMap, BTreeSet};

use chassis::db::{DbError, Tx};
use chassis::secret::SecretString;
use contract::SessionEnd;
use password_hashes::{ImportError, ImportedHash};
use uuid::Uuid;

use super::{CredentialImport, count_imported};
use crate::{accounts, credentials};

/// The maximum number of rows of a batch.
pub const MAX_BATCH: usize = 1000;

/// A row of a batch.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// The id of the account, as text.
    pub id: String,
    /// The password hash.
    pub password_hash: SecretString,
}

/// The reason why a row is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The id is not a UUID.
    #[error("it is not a UUID")]
    InvalidId,
    /// An earlier row has the same id.
    #[error("an earlier row has the same id")]
    DuplicateId,
    /// There is no such account, or not yet: the event of a new user may still be on its way.
    #[error("there is no such account")]
    NotFound,
    /// The hash is refused.
    #[error(transparent)]
    Hash(#[from] ImportError),
}

/// The outcome of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// The account has the hash now.
    Imported,
    /// The account has a password already, which stays.
    Unchanged,
    /// The row is refused. The others are not affected.
    Rejected(RowError),
}

/// A row that can be imported if its account exists.
struct Candidate {
    /// The position in the batch.
    index: usize,
    hash: ImportedHash,
    text: String,
}

impl CredentialImport {
    /// Imports a batch in one transaction. The outcomes are in the order of the rows. Without `replace`, an account that has a
    /// password keeps it, so that a batch can be sent again. With it, another hash than before ends the account's sessions and
    /// grants.
    ///
    /// # Errors
    /// When the database fails. Then no row is imported.
    pub async fn import(&self, rows: &[NewCredential], replace: bool) -> Result<Vec<RowOutcome>, DbError> {
        let mut candidates = BTreeMap::new();
        let mut outcomes: Vec<RowOutcome> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| match self.candidate(index, row, &mut candidates) {
                Ok(()) => RowOutcome::Rejected(RowError::NotFound),
                Err(error) => RowOutcome::Rejected(error),
            })
            .collect();
        if candidates.is_empty() {
            return Ok(outcomes);
        }
        let mut tx = self.db.begin("admin_import_credentials").await?;
        let ids: Vec<Uuid> = candidates.keys().copied().collect();
        let known = accounts::lock_all(&mut tx, &ids).await?;
        let before: BTreeMap<Uuid, String> = credentials::find_hashes(&mut tx, &known)
            .await?
            .into_iter()
            .collect();
        let known: BTreeSet<Uuid> = known.into_iter().collect();
        candidates.retain(|id, candidate| {
            if !known.contains(id) {
                return false;
            }
            let is_new = before
                .get(id)
                .is_none_or(|before| replace && *before != candidate.text);
            if let Some(outcome) = outcomes.get_mut(candidate.index) {
                *outcome = if is_new {
                    RowOutcome::Imported
                } else {
                    RowOutcome::Unchanged
                };
            }
            is_new
        });
        self.store(&mut tx, &candidates, &before).await?;
        tx.commit().await?;
        candidates
            .values()
            .for_each(|candidate| count_imported(&candidate.hash));
        Ok(outcomes)
    }

    /// Parses a row and adds it to the candidates.
    fn candidate(
        &self,
        index: usize,
        row: &NewCredential,
        candidates: &mut BTreeMap<Uuid, Candidate>,
    ) -> Result<(), RowError> {
        let id = row.id.parse().map_err(|_| RowError::InvalidId)?;
        let hash = self.parse(&row.password_hash)?;
        if candidates.contains_key(&id) {
            return Err(RowError::DuplicateId);
        }
        let text = hash.to_string();
        candidates.insert(id, Candidate { index, hash, text });
        Ok(())
    }

    async fn store(
        &self,
        tx: &mut Tx,
        candidates: &BTreeMap<Uuid, Candidate>,
        before: &BTreeMap<Uuid, String>,
    ) -> Result<(), DbError> {
        let passwords: Vec<(Uuid, &str)> = candidates
            .iter()
            .map(|(id, candidate)| (*id, candidate.text.as_str()))
            .collect();
        credentials::set_passwords(tx, &passwords, self.clock.now()).await?;
        for id in candidates.keys().filter(|id| before.contains_key(id)) {
            self.sessions
                .end_all(tx, *id, SessionEnd::PasswordChanged)
                .await?;
        }
        let ids: Vec<Uuid> = candidates.keys().copied().collect();
        self.accounts.append_passwords_added(tx, &ids).await
    }
}
