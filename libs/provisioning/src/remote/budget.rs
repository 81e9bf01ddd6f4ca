//! The budget of answers: the bytes of answers of targets that a process reads at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use uuid::Uuid;

use super::{RemoteError, SMALL_BYTES, USER_BYTES};

/// The bytes of one permit.
const UNIT: usize = 1024;
/// The bytes of answers about groups and of pages that a process reads at once.
const LARGE_SHARE: usize = 24 * 1024 * 1024;
/// The bytes of answers about users that a process reads at once: they never wait for large ones.
const USER_SHARE: usize = 8 * 1024 * 1024;
/// The bytes of answers about users that a process reads of one target at once.
const USER_SHARE_OF_TARGET: usize = USER_SHARE / 4;
/// The longest that a call waits for room.
const WAIT: Duration = Duration::from_secs(10);

/// The budget of one process: 32 MiB together. An answer that announces at most 64 KiB needs no room in it: the number of
/// these is bounded by that of the pushes under way. A target has one large answer read at a time, and a quarter of the share of
/// answers about users at most, so that three that are slow leave room for the others.
#[derive(Debug)]
pub(crate) struct AnswerBudget {
    large: Semaphore,
    users: Semaphore,
    targets: Mutex<HashMap<Uuid, Arc<TargetShare>>>,
    /// The longest that a call waits.
    wait: Duration,
}

/// The shares of one target.
#[derive(Debug)]
struct TargetShare {
    large: Arc<Semaphore>,
    users: Arc<Semaphore>,
}

impl Default for TargetShare {
    fn default() -> Self {
        Self {
            large: Arc::new(Semaphore::new(1)),
            users: Arc::new(Semaphore::new(USER_SHARE_OF_TARGET / UNIT)),
        }
    }
}

/// The room for one answer, which is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room<'a> {
    _of_target: OwnedSemaphorePermit,
    _of_process: SemaphorePermit<'a>,
    /// Holds the shares of the target while any room of it is taken.
    _share: Arc<TargetShare>,
}

impl Default for AnswerBudget {
    fn default() -> Self {
        Self {
            large: Semaphore::new(LARGE_SHARE / UNIT),
            users: Semaphore::new(USER_SHARE / UNIT),
            targets: Mutex::default(),
            wait: WAIT,
        }
    }
}

impl AnswerBudget {
    /// Waits for room for an answer of a target of at most `bytes`; `None` if it needs none.
    ///
    /// # Errors
    /// [`RemoteError::NoRoom`] when there was none in time.
    pub(super) async fn reserve(&self, target: Uuid, bytes: usize) -> Result<Option<Room<'_>>, RemoteError> {
        if bytes <= SMALL_BYTES {
            return Ok(None);
        }
        let share = self.of_target(target);
        let units = |most: usize| u32::try_from(bytes.min(most).div_ceil(UNIT)).unwrap_or(u32::MAX);
        let (of_target, of_process) = match bytes <= USER_BYTES {
            true => (
                (&share.users, units(USER_SHARE_OF_TARGET)),
                (&self.users, units(USER_SHARE)),
            ),
            false => ((&share.large, 1), (&self.large, units(LARGE_SHARE))),
        };
        let waiting = async {
            let of_target = Arc::clone(of_target.0).acquire_many_owned(of_target.1).await?;
            let of_process = of_process.0.acquire_many(of_process.1).await?;
            Ok((of_target, of_process))
        };
        match timeout(self.wait, waiting).await {
            Ok(Ok::<_, AcquireError>((of_target, of_process))) => Ok(Some(Room {
                _of_target: of_target,
                _of_process: of_process,
                _share: Arc::clone(&share),
            })),
            // No semaphore is ever closed.
            Ok(Err(_)) | Err(_) => Err(RemoteError::NoRoom),
        }
    }

    /// The shares of a target; those that nobody uses are dropped.
    fn of_target(&self, target: Uuid) -> Arc<TargetShare> {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        targets.retain(|_, share| Arc::strong_count(share) > 1);
        Arc::clone(targets.entry(target).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 8 * 1024 * 1024;

    fn impatient() -> AnswerBudget {
        AnswerBudget {
            wait: Duration::from_millis(20),
            ..AnswerBudget::default()
        }
    }

    /// True if there is no room.
    async fn is_full(budget: &AnswerBudget, target: u128, bytes: usize) -> bool {
        let room = budget.reserve(Uuid::from_u128(target), bytes).await;
        matches!(room, Err(RemoteError::NoRoom))
    }

    #[tokio::test]
    async fn a_target_waits_for_itself_and_for_a_process_that_reads_much_and_not_for_ever() {
        let budget = impatient();
        let target = Uuid::from_u128;
        let first = budget.reserve(target(1), LARGE).await.unwrap();
        assert!(is_full(&budget, 1, LARGE).await);
        let mut others = Vec::new();
        for number in 2..=3 {
            others.push(budget.reserve(target(number), LARGE).await.unwrap());
        }
        assert!(is_full(&budget, 4, LARGE).await);
        // Answers about users wait for none of them.
        for number in [1, 4] {
            let room = budget.reserve(target(number), USER_BYTES).await.unwrap();
            assert!(room.is_some());
        }
        drop(first);
        drop(budget.reserve(target(4), LARGE).await.unwrap());
        drop(budget.reserve(target(1), LARGE).await.unwrap());
        drop(others);
        // More than there is waits for everything, and not for ever.
        assert!(budget.reserve(target(1), usize::MAX).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn answers_about_users_have_a_share_of_which_a_target_has_a_quarter_at_most() {
        let budget = impatient();
        let mut rooms = Vec::new();
        for target in 1..=4 {
            for _ in 0..2 {
                rooms.push(budget.reserve(Uuid::from_u128(target), USER_BYTES).await.unwrap());
            }
            assert!(is_full(&budget, target, SMALL_BYTES + 1).await, "{target}");
        }
        assert!(
            is_full(&budget, 5, SMALL_BYTES + 1).await,
            "the process has no more"
        );
        // One that announces that it is small waits for nobody, and large ones have room of their own.
        let small = budget.reserve(Uuid::from_u128(1), SMALL_BYTES).await.unwrap();
        assert!(small.is_none());
        assert!(!is_full(&budget, 1, LARGE).await);
        rooms.clear();
        assert!(!is_full(&budget, 5, USER_BYTES).await);
    }
}
