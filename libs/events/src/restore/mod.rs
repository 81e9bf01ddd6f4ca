//! The restoration of a service's database from a backup, and its consequences for events.
//!
//! The database knows less than it has published: positions and versions that were given out after the backup are unknown to
//! it, and others remember them. So both go on far above whatever can have been given out. Followers of the feed that
//! stand beyond what is known here are told that their position is gone, and begin with a snapshot; what the snapshot and later
//! events say has higher versions than anything said before, and is applied.

mod store;

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};

pub use crate::outbox::first_sequence;
use crate::restoration_steps::{self, RestorationStep};
use crate::{inbox, outbox, reconcile, relay};
pub use store::{
    note, note_deleted, note_deleted_in, note_erased, note_erased_in, note_in, pending, take_deleted,
    take_erased,
};

/// The amount that every version is raised by, and again for each second since the backup, so that a second
/// restoration of the same backup goes above the first. No aggregate changes more often between two
/// restorations, so the versions from before one and from after it never share a multiple of this.
pub(crate) const SEQUENCES_A_SECOND: i64 = 1_000_000;
/// Positions that are left out at least.
const POSITIONS_LEFT_OUT: i64 = 1_000_000_000;
/// And for each second since the backup: more events than any service publishes.
const POSITIONS_A_SECOND: i64 = 100_000;

/// A restoration, as the one who restored the database noted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Restoration {
    /// The time at which the backup was made.
    pub taken_at: Timestamp,
    /// The time at which it was put in place.
    pub restored_at: Timestamp,
    /// True if sessions and tokens of the backup are to go on.
    pub keep_sessions: bool,
}

impl Restoration {
    fn seconds(&self) -> i64 {
        let age: Duration = self.restored_at.since(self.taken_at);
        // A hundred years are enough for a clock that was wrong.
        i64::try_from(age.as_secs())
            .unwrap_or(i64::MAX)
            .min(100 * 366 * 86_400)
    }

    /// The amount that the versions of all aggregates are raised by.
    pub fn raises_by(&self) -> i64 {
        SEQUENCES_A_SECOND * (1 + self.seconds())
    }

    fn leaves_out(&self) -> i64 {
        POSITIONS_LEFT_OUT + self.seconds() * POSITIONS_A_SECOND
    }
}

/// Takes the note of a restoration, which one replica does, and has every module of events draw its consequences. The caller
/// raises the versions of its aggregates by [`Restoration::raises_by`] in the same transaction.
///
/// # Errors
/// When the database fails.
pub async fn claim_pending(tx: &mut Tx) -> Result<Option<Restoration>, DbError> {
    let Some(restoration) = store::claim(tx).await? else {
        return Ok(None);
    };
    outbox::renumber(tx, restoration.leaves_out(), restoration.raises_by()).await?;
    relay::after_restore(tx).await?;
    inbox::after_restore(tx, restoration.restored_at).await?;
    reconcile::store::after_restore(tx).await?;
    // Of an earlier restoration. The caller notes it anew if it has to.
    note_caught_up(tx).await?;
    Ok(Some(restoration))
}

/// Notes that the service has to [catch up](crate::reconcile::ReconcilerHandle::catch_up) with the one that it follows.
///
/// # Errors
/// When the database fails.
pub async fn note_catching_up(tx: &mut Tx, restored_at: Timestamp) -> Result<(), DbError> {
    restoration_steps::note(tx, RestorationStep::Reconcile, restored_at).await
}

/// True if the service still has to catch up.
///
/// # Errors
/// When the database fails.
pub async fn is_catching_up(connection: &mut impl Connection) -> Result<bool, DbError> {
    restoration_steps::is_pending(connection, RestorationStep::Reconcile).await
}

/// Notes that the service has caught up.
///
/// # Errors
/// When the database fails.
pub async fn note_caught_up(tx: &mut Tx) -> Result<(), DbError> {
    restoration_steps::finish(tx, RestorationStep::Reconcile).await
}
