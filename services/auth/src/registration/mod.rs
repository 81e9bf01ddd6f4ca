//! Registrations: accounts that wait for the decision of the user service, and the decision itself.
//!
//! 1. One transaction: a pending registration with the password's hash, and the event `registration.requested`.
//! 2. The same command over HTTP, two seconds at most.
//! 3. The user service decides, once, whichever way the command came.
//! 4. Its decision is applied here once, whether it comes over HTTP or as an event.
//!
//! Without a response the registration stays pending until the event comes. After [`EXPIRES_AFTER`] the
//! sweeper expires it. The steps that this service drives are in [`crate::sign_up`].

mod decision;
pub(crate) mod proof;
mod store;

use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::random::SharedRandom;
use contract::RejectionReason;
pub(crate) use store::{clear_proof, delete, insert, state};
use uuid::Uuid;

use crate::accounts::Accounts;

/// The time for which a registration stays pending.
pub const EXPIRES_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// The time for which a decided registration is retained.
pub const DECISION_RETENTION: Duration = Duration::from_secs(24 * 3600);

/// The registrations of this installation.
#[derive(Clone)]
pub struct Registrations {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    accounts: Accounts,
}

impl Registrations {
    /// The registrations that stand in `db`.
    pub fn new(db: Db, clock: SharedClock, random: SharedRandom, accounts: Accounts) -> Self {
        Self {
            db,
            clock,
            random,
            accounts,
        }
    }

    /// The state of the registration `id`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn status(&self, id: Uuid) -> Result<Option<RegistrationState>, DbError> {
        let mut reader = self.db.reader().await?;
        store::state(&mut reader, id).await
    }
}

/// The state of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// The user service accepted it, and the person can sign in.
    Active,
    /// The user service has not decided yet.
    Pending,
    /// The user service rejected it.
    Rejected(Rejection),
    /// No decision came in time. The person has to register again.
    Expired,
}

/// The reason why the user service rejected a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The user name, or one that looks like it, is taken.
    UserNameTaken,
    /// The user name is reserved for administrators, or is the name of a group.
    UserNameReserved,
    /// The user service rejected a value.
    Invalid,
}

impl From<RejectionReason> for Rejection {
    fn from(reason: RejectionReason) -> Self {
        match reason {
            RejectionReason::UserNameTaken => Self::UserNameTaken,
            RejectionReason::UserNameReserved => Self::UserNameReserved,
            RejectionReason::Invalid | RejectionReason::Other => Self::Invalid,
        }
    }
}

impl Rejection {
    /// The name that is stored and shown: `user_name_taken`, `user_name_reserved`, `invalid`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserNameTaken => "user_name_taken",
            Self::UserNameReserved => "user_name_reserved",
            Self::Invalid => "invalid",
        }
    }
}
