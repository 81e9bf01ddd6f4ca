//! The removal of the identifiers that deleted clients gave to users and groups, their `externalId` (ADR 0040), page by page
//! in the background.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::db::DbError;
use chassis::shutdown::Shutdown;
use uuid::Uuid;

use super::imported_client_id::client_id_of;
use super::{ProvisioningClients, store};
use crate::groups::{self, Groups};
use crate::users::{self, Users};

/// The interval at which a replica looks for clients that another one has left.
const EVERY: Duration = Duration::from_secs(60);
/// The time for which a note of a deleted client stays, so that what a request wrote that was under way is removed too.
const KEPT: Duration = Duration::from_secs(60);
/// The pause between two pages, in which others may write.
const PAUSE: Duration = Duration::from_millis(20);

impl ProvisioningClients {
    /// Removes the identifiers of deleted clients until `shutdown`. Replicas share the clients.
    pub(crate) async fn remove_on_schedule(self, users: Users, groups: Groups, shutdown: Shutdown) {
        loop {
            if let Err(error) = self.remove_identifiers(&users, &groups, &shutdown).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the identifiers of a deleted provisioning client could not be removed: retried in a minute"
                );
            }
            tokio::select! {
                () = self.deleted.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Removes the identifiers of all deleted clients.
    ///
    /// # Errors
    /// When the database fails; pages that were committed stay.
    pub(crate) async fn remove_identifiers(
        &self,
        users: &Users,
        groups: &Groups,
        shutdown: &Shutdown,
    ) -> Result<(), DbError> {
        self.note_unnoted().await?;
        for id in store::deleted(&mut self.db.reader().await?).await? {
            while !shutdown.is_cancelled() && self.remove_page(id, users, groups).await? {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Notes the clients with identifiers that are gone without a note: a release before deleted them, or a user was restored since.
    /// The `client_id` of an application is never a UUID.
    async fn note_unnoted(&self) -> Result<(), DbError> {
        let mut reader = self.db.reader().await?;
        let mut known: BTreeSet<String> = users::external_id_clients(&mut reader)
            .await?
            .into_iter()
            .collect();
        known.extend(groups::external_id_clients(&mut reader).await?);
        let noted = store::deleted(&mut reader).await?;
        let mut gone = Vec::new();
        for id in known.iter().filter_map(|client| client_id_of(client)) {
            if !noted.contains(&id) && store::find_client(&mut reader, id).await?.is_none() {
                gone.push(id);
            }
        }
        drop(reader);
        if gone.is_empty() {
            return Ok(());
        }
        let (mut tx, now) = (self.db.begin("note_deleted_clients").await?, self.clock.now());
        for id in gone {
            store::note_deleted(&mut tx, id, now).await?;
        }
        tx.commit().await
    }

    /// Removes one page; `false` when nothing is left of the client, or another replica works on it.
    async fn remove_page(&self, id: Uuid, users: &Users, groups: &Groups) -> Result<bool, DbError> {
        let mut tx = self.db.begin("deleted_provisioning_client").await?;
        let Some(deleted_at) = store::claim_deleted(&mut tx, id).await? else {
            return Ok(false);
        };
        let (client, now) = (id.to_string(), self.clock.now());
        // Groups are locked before users, as everywhere.
        let more = groups.remove_external_ids_of(&mut tx, &client, now).await?
            || users.remove_external_ids_of(&mut tx, &client).await?;
        if deleted_at > now {
            // SB-50: the clock was ahead.
            store::set_deleted_at(&mut tx, id, now).await?;
        } else if !more && now >= deleted_at + KEPT {
            store::forget_deleted(&mut tx, id).await?;
            tracing::info!(provisioning_client.id = %id, "the identifiers of a deleted provisioning client were removed");
        }
        tx.commit().await?;
        Ok(more)
    }
}
