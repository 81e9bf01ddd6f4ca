//! The start after the database was restored from a backup.
//!
//! The backup has sessions that ended since, refresh tokens and codes that were used or revoked, invitations
//! that were used, and signing keys that may have leaked. All of them are revoked, unless the operator
//! restored with `--keep-sessions`.

mod sign_in_gate;
#[cfg(test)]
mod tests;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use events::operations::Operations;
use events::restore::{claim_pending, note_catching_up, pending, take_deleted, take_erased};

pub use sign_in_gate::SignInGate;
pub(crate) use sign_in_gate::{CLOSED_MESSAGE, RETRY_AFTER};

use crate::consents::Consents;
use crate::provisioning::Provisioning;
use crate::sessions::Sessions;
use crate::{
    accounts, authorization_requests, clients, form_submissions, grants, keys, logouts, registration,
    setup_links, subjects,
};

/// Deletes the signing keys of the backup. It runs before the keys are read, so that new ones are generated.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete_restored_keys(db: &Db) -> Result<(), DbError> {
    let noted = pending(&mut db.reader().await?).await?;
    let Some(restoration) = noted.filter(|restoration| !restoration.keep_sessions) else {
        return Ok(());
    };
    let mut tx = db.begin("restored_keys").await?;
    keys::delete_restored(&mut tx, restoration.restored_at).await?;
    tx.commit().await
}

/// The start after a restoration.
#[derive(Clone)]
pub struct Restore {
    db: Db,
    clock: SharedClock,
    consents: Consents,
    provisioning: Provisioning,
    sessions: Sessions,
    operations: Operations,
    gate: SignInGate,
}

impl Restore {
    /// A restoration of `db`, during which `gate` is closed.
    pub fn new(
        (db, clock): (Db, SharedClock),
        consents: Consents,
        provisioning: Provisioning,
        sessions: Sessions,
        operations: Operations,
        gate: SignInGate,
    ) -> Self {
        Self {
            db,
            clock,
            consents,
            provisioning,
            sessions,
            operations,
            gate,
        }
    }

    /// Raises every version above what was given out before the restoration, and revokes what must not come back.
    /// One replica runs it once.
    ///
    /// # Errors
    /// When the database fails. Nothing is changed in that case.
    pub(crate) async fn after_restore(&self) -> Result<(), DbError> {
        let mut tx = self.db.begin("restored").await?;
        let Some(restoration) = claim_pending(&mut tx).await? else {
            return Ok(());
        };
        note_catching_up(&mut tx, restoration.restored_at).await?;
        let by = restoration.raises_by();
        accounts::raise_versions(&mut tx, by).await?;
        clients::raise_versions(&mut tx, by).await?;
        subjects::raise_versions(&mut tx, by).await?;
        clients::note_restoration_of_assertions(&mut tx, self.clock.now()).await?;
        // The user service says what became of them.
        for deleted in take_deleted(&mut tx).await? {
            self.provisioning.suspend(&mut tx, deleted).await?;
        }
        for erased in take_erased(&mut tx).await? {
            self.provisioning.erase(&mut tx, erased).await?;
        }
        if !restoration.keep_sessions {
            self.sessions.after_restore(&mut tx).await?;
            self.consents.after_restore(&mut tx).await?;
            grants::revoke_all(&mut tx, self.clock.now()).await?;
            authorization_requests::delete_all(&mut tx).await?;
            form_submissions::delete_all(&mut tx).await?;
            logouts::delete_all(&mut tx).await?;
            accounts::forget_all_devices(&mut tx).await?;
            registration::proof::after_restore(&mut tx).await?;
            setup_links::delete_all(&mut tx).await?;
        }
        tx.commit().await?;
        tracing::warn!(
            "the database was restored from a backup of {}; {}",
            restoration.taken_at,
            if restoration.keep_sessions {
                "its sessions and tokens are kept, as requested"
            } else {
                "everybody has to sign in again"
            }
        );
        Ok(())
    }
}
