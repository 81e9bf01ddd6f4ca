//! Reservations: guesses that are counted before the password is verified (SB-46).

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};

use super::{Key, Limit, Tally, Throttle, store};

/// The delay that is reported when a counter changed between its read and its reservation.
const RETRY_AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// One counter that has to admit a guess.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    key: Key,
    limit: Limit,
    tally: Option<Tally>,
}

impl Admission {
    /// An admission with the tally that was read.
    pub(crate) fn new((key, limit): (Key, Limit), tally: Option<Tally>) -> Self {
        Self { key, limit, tally }
    }

    /// The delay that is left, according to the tally that was read.
    pub(crate) fn delay_left(&self, now: Timestamp) -> Option<Duration> {
        self.limit.delay_left(self.tally, now)
    }

    /// An admission without a tally.
    pub(crate) fn unread(key: Key, limit: Limit) -> Self {
        Self {
            key,
            limit,
            tally: None,
        }
    }
}

/// The reason why a guess was not reserved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReserveError {
    /// The delay is not over.
    #[error("too many tries")]
    Throttled {
        /// The time until another guess is admitted.
        retry_after: Duration,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A guess that is counted as a failure and not settled yet. When it is dropped, it stays counted: a caller
/// who closes the connection has guessed all the same.
#[derive(Debug)]
pub(crate) struct Reservation {
    keys: Vec<Key>,
}

impl Reservation {
    /// The keys of the reserved counters.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Records that the guess was wrong. The delay begins now.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn record_failure(&self, tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
        for key in &self.keys {
            store::record_failure(tx, key, now).await?;
        }
        Ok(())
    }
}

impl Throttle {
    /// Reserves a guess in every counter of `admissions`, in their order, or in none. When the tallies were
    /// read and a delay is not over, nothing is written.
    ///
    /// # Errors
    /// [`ReserveError::Throttled`] with the longest delay.
    pub(crate) async fn reserve(&self, admissions: Vec<Admission>) -> Result<Reservation, ReserveError> {
        let now = self.clock.now();
        let waits = admissions.iter().filter_map(|one| one.delay_left(now));
        if let Some(retry_after) = waits.max() {
            self.clamp(&admissions, now).await?;
            return Err(ReserveError::Throttled { retry_after });
        }
        let mut tx = self.db.begin_shared("reserve_guess").await?;
        for one in &admissions {
            if !store::reserve(&mut tx, &one.key, one.limit, now).await? {
                let tally = store::find(&mut tx, &one.key).await?;
                tx.rollback().await?;
                self.clamp(&[Admission { tally, ..one.clone() }], now).await?;
                let retry_after = one.limit.delay_left(tally, now).unwrap_or(RETRY_AFTER_CONFLICT);
                return Err(ReserveError::Throttled { retry_after });
            }
        }
        tx.commit().await?;
        let keys = admissions.into_iter().map(|one| one.key).collect();
        Ok(Reservation { keys })
    }

    /// Settles the guess in its own transaction: records a failure or releases it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn settle(&self, guess: Reservation, failed: bool) -> Result<(), DbError> {
        if !failed {
            return self.release(guess).await;
        }
        let mut tx = self.db.begin_shared("guess_failed").await?;
        guess.record_failure(&mut tx, self.clock.now()).await?;
        tx.commit().await
    }

    /// Releases the guess, as if it had not been made.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn release(&self, guess: Reservation) -> Result<(), DbError> {
        let mut tx = self.db.begin_shared("give_guess_back").await?;
        for key in &guess.keys {
            store::release(&mut tx, key).await?;
        }
        tx.commit().await
    }

    /// Sets the times of counters that were written by a clock ahead to `now`, so that their delays end (SB-50).
    async fn clamp(&self, admissions: &[Admission], now: Timestamp) -> Result<(), DbError> {
        let ahead = |one: &&Admission| one.tally.is_some_and(|tally| tally.is_from_the_future(now));
        let mut ahead = admissions.iter().filter(ahead).peekable();
        if ahead.peek().is_none() {
            return Ok(());
        }
        let mut tx = self.db.begin("clamp_guesses").await?;
        for one in ahead {
            store::clamp(&mut tx, &one.key, now).await?;
        }
        tx.commit().await
    }
}
