//! Users (RFC 7643 §4.1): who there is, what is known of them, and whether they may sign in.
//!
//! Every change takes the row's lock, raises the version by one and writes its event in the same transaction.

mod access;
mod batch;
mod bulk;
mod change;
mod check;
mod delegated;
mod delete;
mod deleted;
mod desired_state;
mod edit;
mod error;
mod external_ids;
mod find_created;
mod import;
mod log;
mod managers;
mod membership;
mod names;
mod passwords;
mod refusal;
mod resource;
mod restore;
mod search;
mod skeletons;
mod snapshot;
mod store;

#[cfg(test)]
mod tests;
mod text_search;
mod total;
mod uniqueness_refusals;
mod values;
mod write;

use std::sync::Arc;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError, Tx};
use chassis::random::SharedRandom;
use contract::{UserId, UserState};
use events::Outbox;
use scim::schema::Registry;
use scim::version::IfMatch;

pub(crate) use access::{hide_from_person, hides_from_people};
pub use bulk::{indexed_rows, word_keys};
pub(crate) use check::{Invalid, check_extension_text};
pub(crate) use deleted::{
    DeletedUser, GracePeriod, PagePosition, exists as is_deleted, find_deleted, page as deleted_page,
    states_after as deleted_states_after, states_of as deleted_states_of,
};
pub(crate) use desired_state::{DesiredState, Patch};
pub(crate) use edit::{ResourceEdit, Writer};
pub(crate) use error::{UserError, outbox_failed};
pub(crate) use external_ids::{clients as external_id_clients, seen_by};
pub(crate) use find_created::Found;
pub(crate) use import::{ImportOutcome, ImportedUser, MAX_IMPORTED, check_identity};
pub(crate) use log::{Change, log_created, log_deleted};
pub(crate) use managers::{Managers, managers_of, show_manager};
pub(crate) use membership::{lock_all, lock_before};
use names::check_new_name;
pub(crate) use names::{NameRefused, ReservedNames};
pub(crate) use passwords::{HandedOver, NewPassword};
pub(crate) use refusal::NO_CREDENTIALS;
pub(crate) use resource::{location, to_resource};
pub(crate) use search::{Search, SearchError, Start};
pub(crate) use snapshot::UsersSnapshot;
pub(crate) use text_search::{MOST_RESULTS, MatchKind, Part, SearchText};
#[cfg(test)]
pub(crate) use values::assert_index_agrees;
// These need a transaction, or a connection to read from, and nothing else.
pub(crate) use store::{
    Stored, erasures, erasures_of, find, find_stored, has_tombstone, record_erasure, states_after, states_of,
};

use values::IndexedAttributes;

use crate::authority::Authority;
use crate::credentials::Credentials;
use crate::user_created_waiters::UserCreatedWaiters;

/// The kind of aggregate that a user is, in the outbox.
pub(crate) const AGGREGATE: &str = "user";

/// The users, and the use cases that change them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Users {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    outbox: Outbox,
    reserved_names: Arc<ReservedNames>,
    registry: Arc<Registry>,
    indexed: Arc<IndexedAttributes>,
    /// The maximum number of people that one search looks at in memory.
    search_limit: usize,
    offsets: Arc<search::KnownOffsets>,
    waiters: UserCreatedWaiters,
    credentials: Credentials,
    grace: GracePeriod,
    refusals: uniqueness_refusals::UniquenessRefusals,
}

/// The rules of an installation for its users.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The user names that only administrators may have.
    pub(crate) reserved_names: ReservedNames,
    /// The attributes.
    pub(crate) registry: Arc<Registry>,
    /// The time for which a deleted user can be restored.
    pub(crate) grace: GracePeriod,
}

impl Users {
    pub(crate) fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        outbox: Outbox,
        rules: Rules,
        waiters: UserCreatedWaiters,
        credentials: Credentials,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            outbox,
            reserved_names: Arc::new(rules.reserved_names),
            indexed: Arc::new(IndexedAttributes::new(rules.registry.users())),
            registry: rules.registry,
            search_limit: search::MAX_COMPARED,
            offsets: Arc::default(),
            waiters,
            credentials,
            grace: rules.grace,
            refusals: uniqueness_refusals::UniquenessRefusals::default(),
        }
    }

    /// The attribute registry.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Creates a user with a new id.
    ///
    /// # Errors
    /// [`UserError::NameTaken`], [`UserError::Invalid`], [`UserError::Db`].
    #[cfg(test)]
    pub(crate) async fn create(&self, desired: DesiredState) -> Result<UserState, UserError> {
        let state = self.new_state(desired, None)?;
        self.create_state(&Authority::EVERYBODY, state).await
    }

    /// The state of a user to be, with a new id. `client` is the one whose `externalId` it is.
    ///
    /// # Errors
    /// [`UserError::Invalid`].
    fn new_state(&self, desired: DesiredState, client: Option<&str>) -> Result<UserState, UserError> {
        let mut state = desired.into_state(self.random.uuid(&*self.clock), self.clock.now());
        external_ids::assign(&mut state, client, None);
        self.check(&state)?;
        Ok(state)
    }

    /// Holds a new user against the limits.
    ///
    /// # Errors
    /// The first value that does not fit.
    pub(crate) fn check(&self, state: &UserState) -> Result<(), Invalid> {
        check::check(state, self.registry.users())
    }

    /// Checks that the user may be given the name that `state` has.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn check_new_name(
        &self,
        tx: &mut Tx,
        state: &UserState,
    ) -> Result<Result<(), NameRefused>, DbError> {
        check_new_name(tx, &self.reserved_names, state).await
    }

    /// Puts `desired` in place of what is known of a user.
    ///
    /// # Errors
    /// See [`UserError`].
    #[cfg(test)]
    pub(crate) async fn replace(
        &self,
        id: UserId,
        condition: &IfMatch,
        desired: DesiredState,
    ) -> Result<UserState, UserError> {
        self.change("replace_user", id, (condition, &Authority::EVERYBODY), |state| {
            desired.replace(state);
            Ok(())
        })
        .await
    }

    /// Changes what a person may change of themselves.
    ///
    /// # Errors
    /// See [`UserError`]; a deactivated user is not found.
    pub(crate) async fn patch_own(
        &self,
        id: UserId,
        condition: &IfMatch,
        patch: Patch,
    ) -> Result<UserState, UserError> {
        // The person's own record, whatever is delegated to them.
        self.change("patch_own", id, (condition, &Authority::EVERYBODY), |state| {
            if !state.active {
                return Err(UserError::NotFound);
            }
            patch.apply(state, self.registry.users()).map_err(UserError::from)
        })
        .await
    }
}
