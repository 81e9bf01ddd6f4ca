//! Authentication by a provisioning token (RFC 6750).

use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::PoisonError;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use uuid::Uuid;

use super::model::allows_source;
use super::{ProvisioningClients, store, token};

/// The precision of the time of the last use: a use within it writes nothing.
const PRECISION: Duration = Duration::from_secs(60);

/// A provisioning client whose token is valid.
#[derive(Clone, Debug)]
pub(crate) struct AuthenticatedClient {
    /// Its id, which stays the same whatever tokens it has.
    pub(crate) id: Uuid,
    scope: String,
    /// The id of the token.
    token: Uuid,
}

/// The reason why a provisioning token is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenRejected {
    /// Nobody has such a token: it is mistyped, or was revoked.
    #[error("the provisioning token is not known; it may have been revoked")]
    NotFound,
    /// It has expired.
    #[error("the provisioning token has expired")]
    Expired,
    /// The request comes from a network that the client does not call from.
    #[error("the provisioning token cannot be used from this address")]
    Source,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl AuthenticatedClient {
    /// True if the client has a scope.
    pub(crate) fn allows(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|allowed| allowed == scope)
    }
}

impl ProvisioningClients {
    /// The client with this token. A guess costs no query unless its checksum is right, and 256 bits are beyond guessing.
    ///
    /// # Errors
    /// See [`TokenRejected`].
    pub(crate) async fn authenticate(
        &self,
        text: &str,
        source: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, TokenRejected> {
        let hash = token::hash(text).ok_or(TokenRejected::NotFound)?;
        let mut reader = self.db.reader().await?;
        let found = store::find_by_hash(&mut reader, &hash).await?;
        drop(reader);
        let found = found.ok_or(TokenRejected::NotFound)?;
        let now = self.clock.now();
        if found.expires_at <= now {
            return Err(TokenRejected::Expired);
        }
        if !allows_source(&found.networks, source) {
            tracing::warn!(event.action = "provisioning-token-rejected", event.outcome = "failure", provisioning_client.id = %found.client_id, provisioning_token.id = %found.id, "a provisioning token was used from an address that its client does not call from");
            return Err(TokenRejected::Source);
        }
        self.note_use(found.id, found.last_used_at, now);
        Ok(AuthenticatedClient {
            id: found.client_id,
            scope: found.scope,
            token: found.id,
        })
    }

    /// Checks that the token of a client is still valid, and that the client may do what it could do.
    ///
    /// # Errors
    /// See [`TokenRejected`].
    pub(crate) async fn check_again(&self, client: &AuthenticatedClient) -> Result<(), TokenRejected> {
        let mut reader = self.db.reader().await?;
        let found = store::find_scope(&mut reader, client.token).await?;
        match found {
            Some((scope, _)) if scope != client.scope => Err(TokenRejected::NotFound),
            Some((_, expires_at)) if expires_at <= self.clock.now() => Err(TokenRejected::Expired),
            Some(_) => Ok(()),
            None => Err(TokenRejected::NotFound),
        }
    }

    /// Notes a use, which [`Self::write_uses`] writes later, unless that of the same minute is known.
    fn note_use(&self, id: Uuid, written: Option<Timestamp>, now: Timestamp) {
        if written.is_some_and(|written| now < written + PRECISION) {
            return;
        }
        let seconds = now.as_secs();
        let minute = Timestamp::from_secs(seconds.saturating_sub(seconds.rem_euclid(60)));
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        match uses.entry(id) {
            Entry::Vacant(entry) => drop(entry.insert(minute)),
            Entry::Occupied(mut entry) => *entry.get_mut() = minute.max(*entry.get()),
        }
    }

    /// Writes the uses that were noted.
    ///
    /// # Errors
    /// When the database fails. The uses are kept for the next time.
    pub(super) async fn write_uses(&self) -> Result<(), DbError> {
        let noted: Vec<(Uuid, Timestamp)> = {
            let uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.iter().map(|(id, at)| (*id, *at)).collect()
        };
        if noted.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin("provisioning_token_uses").await?;
        for (id, at) in &noted {
            store::set_last_used(&mut tx, *id, *at).await?;
        }
        tx.commit().await?;
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.retain(|id, at| !noted.contains(&(*id, *at)));
        Ok(())
    }
}
