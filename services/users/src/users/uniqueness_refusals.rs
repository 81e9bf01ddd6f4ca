//! The limit on how often a delegated administrator learns that a value is taken. Each such refusal tells of somebody, or of a group,
//! outside of what is delegated.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::clock::Timestamp;
use contract::UserId;
use scim::ScimType;

use super::{UserError, Users};
use crate::authority::Authority;

/// The refusals of one person within [`WINDOW`].
const MAX_REFUSALS: u32 = 100;
/// The time after which refusals are counted anew.
const WINDOW: Duration = Duration::from_secs(3600);

/// The refusals of each delegated administrator, as this replica has counted them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct UniquenessRefusals(Arc<Mutex<HashMap<UserId, Counted>>>);

#[derive(Clone, Copy, Debug)]
struct Counted {
    since: Timestamp,
    refusals: u32,
    /// Attempts that go on, each of which may become a refusal.
    under_way: u32,
}

impl UniquenessRefusals {
    /// Has an attempt count as refused, until its [`Reservation`] ends, so that attempts at the same time count as well.
    ///
    /// # Errors
    /// The time until there may be room: until refusals are counted anew, or a moment while others are under way.
    fn reserve(&self, person: UserId, now: Timestamp) -> Result<Reservation<'_>, Duration> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|_, of| of.under_way > 0 || of.since.distance(now) < WINDOW);
        let of = counted.entry(person).or_insert(Counted {
            since: now,
            refusals: 0,
            under_way: 0,
        });
        if of.since.distance(now) >= WINDOW {
            (of.since, of.refusals) = (now, 0);
        }
        if of.refusals >= MAX_REFUSALS {
            return Err(WINDOW.saturating_sub(of.since.distance(now)));
        }
        if of.refusals.saturating_add(of.under_way) >= MAX_REFUSALS {
            return Err(Duration::from_secs(1));
        }
        of.under_way = of.under_way.saturating_add(1);
        Ok(Reservation {
            refusals: self,
            person,
            was_refused: false,
        })
    }

    fn end(&self, person: UserId, was_refused: bool) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = counted.get_mut(&person) {
            of.under_way = of.under_way.saturating_sub(1);
            of.refusals = of.refusals.saturating_add(u32::from(was_refused));
        }
    }
}

impl Users {
    /// Runs what gives a user a value that no two may have, unless the caller was refused too often because a value was taken.
    ///
    /// # Errors
    /// [`UserError::TooManyTaken`]; those of `claim`.
    pub(super) async fn claim<T>(
        &self,
        authority: &Authority,
        claim: impl Future<Output = Result<T, UserError>>,
    ) -> Result<T, UserError> {
        let Some(person) = authority.holder() else {
            return claim.await;
        };
        let reserved = self.refusals.reserve(person, self.clock.now());
        let mut reservation = reserved.map_err(|retry_after| UserError::TooManyTaken { retry_after })?;
        let outcome = claim.await;
        reservation.was_refused = outcome.as_ref().is_err_and(is_taken);
        outcome
    }
}

/// An attempt that counts as refused while it goes on. One that is given up, as when its caller has gone, counts no more.
struct Reservation<'a> {
    refusals: &'a UniquenessRefusals,
    person: UserId,
    was_refused: bool,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.refusals.end(self.person, self.was_refused);
    }
}

fn is_taken(error: &UserError) -> bool {
    match error {
        UserError::NameTaken => true,
        UserError::Scim(error) => error.scim_type == Some(ScimType::Uniqueness),
        _ => false,
    }
}
