//! Clients that registered themselves and that nobody uses.

use std::time::Duration;

use chassis::db::DbError;

use super::super::model::Origin;
use super::super::store as client_store;
use super::{ClientRegistration, store};

/// The time after which a client that registered itself without an initial access token, and was never given tokens, is deleted.
const UNUSED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// The most clients that one transaction of a sweep deletes.
const SWEEP_BATCH: i64 = 100;

impl ClientRegistration {
    /// Deletes clients that registered themselves without an initial access token some time ago, and were never given tokens.
    /// Replicas may do so at the same time.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sweep_unused(&self) -> Result<(), DbError> {
        let clients = &self.clients;
        let before = clients.clock.now() - UNUSED_FOR;
        let unused = store::list_unused(&mut clients.db.reader().await?, before, SWEEP_BATCH).await?;
        if unused.is_empty() {
            return Ok(());
        }
        let mut tx = clients.db.begin("sweep_unused_clients").await?;
        for id in &unused {
            // It may have been given tokens, or have become an administrator's, since it was listed.
            let stored = client_store::find_stored(&mut tx, id).await?;
            let stored = stored.filter(|stored| stored.client.origin == Origin::Registration);
            // The lock keeps an administrator from taking it over before it is deleted.
            if let Some(stored) = stored
                && client_store::lock_version(&mut tx, &stored.client).await?
                && store::delete_unused(&mut tx, id).await?
            {
                clients.remove(&mut tx, &stored.client).await?;
            }
        }
        tx.commit().await?;
        for id in &unused {
            clients.cache.remove(id);
        }
        Ok(())
    }
}
