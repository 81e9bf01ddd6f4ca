//! Import of users with their ids and the times of their creation: many in one transaction, each accepted or refused for itself.

mod store;

use std::collections::{BTreeMap, BTreeSet};

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use contract::{UserId, UserState};
use scim::User;
use serde_json::{Map, Value};

use super::log::log_created;
use super::resource::to_desired_state;
use super::{Invalid, UserError, Users};
use crate::authority::Authority;
use crate::namespace;

/// The most users of one import.
pub(crate) const MAX_IMPORTED: usize = 1000;

/// A user to be imported.
#[derive(Debug)]
pub(crate) struct ImportedUser {
    /// The id to keep; without it the user gets a new one.
    pub(crate) id: Option<UserId>,
    /// The time of the creation to keep; without it the user is new now.
    pub(crate) created_at: Option<Timestamp>,
    /// The attributes, as [`scim::schema::read`] has read them.
    pub(crate) body: Map<String, Value>,
    /// The identifiers that clients gave to the user (ADR 0040), by `client_id`.
    pub(crate) external_ids: BTreeMap<String, String>,
}

/// The outcome of one user of an import.
#[derive(Debug)]
pub(crate) enum ImportOutcome {
    /// The user was created.
    Created(UserId),
    /// The user has this id and this name already, and stays as they are.
    Existing(UserId),
    /// The user was refused. The others are not affected.
    Refused(UserError),
}

/// The users of an import who may be inserted, by their place in it.
type Candidates = BTreeMap<usize, UserState>;
/// The outcomes so far, by the place in the import.
type Outcomes = BTreeMap<usize, ImportOutcome>;

impl Users {
    /// Imports users in one transaction. The outcomes are in the order of the users. What was committed is found again by the
    /// same import with the same ids. `externalId` becomes the one that everybody sees. An import may write every attribute, those too that
    /// are a person's own to write: it brings back what an export has.
    ///
    /// # Errors
    /// When the database fails. Then nobody is imported.
    pub(crate) async fn import(&self, wanted: Vec<ImportedUser>) -> Result<Vec<ImportOutcome>, DbError> {
        let (mut candidates, mut outcomes) = (Candidates::new(), Outcomes::new());
        let mut kept = BTreeMap::new();
        for (index, user) in wanted.into_iter().enumerate() {
            let keeps_id = user.id.is_some();
            match self.state_of_import(user) {
                Err(error) => {
                    outcomes.insert(index, ImportOutcome::Refused(error));
                }
                Ok(state) if keeps_id && kept.contains_key(&state.id) => {
                    let outcome = taken_id("an earlier user of the import has it");
                    outcomes.insert(index, outcome);
                }
                Ok(state) => {
                    if keeps_id {
                        kept.insert(state.id, index);
                    }
                    candidates.insert(index, state);
                }
            }
        }
        let mut tx = self.db.begin("import_users").await?;
        refuse_known(&mut tx, &kept, &mut candidates, &mut outcomes).await?;
        let first_version = events::restore::first_sequence(&mut tx).await?;
        for index in kept.values() {
            // Consumers may have seen the id before a restoration.
            if let Some(state) = candidates.get_mut(index) {
                state.version = first_version;
            }
        }
        let (places, states): (Vec<usize>, Vec<UserState>) = candidates.into_iter().unzip();
        let mut refused = self
            .insert_all_new(&mut tx, &states, &Authority::EVERYBODY)
            .await?;
        tx.commit().await?;
        for (number, (place, state)) in places.into_iter().zip(&states).enumerate() {
            let outcome = match refused.remove(&number) {
                Some(error) => ImportOutcome::Refused(error),
                None => {
                    log_created(state.id);
                    ImportOutcome::Created(state.id)
                }
            };
            outcomes.insert(place, outcome);
        }
        Ok(outcomes.into_values().collect())
    }

    fn state_of_import(&self, wanted: ImportedUser) -> Result<UserState, UserError> {
        let (users, now) = (self.registry.users(), self.clock.now());
        let desired = to_desired_state(User::from_resource(wanted.body)?, users)?;
        let id = wanted.id.unwrap_or_else(|| self.random.uuid(&*self.clock));
        let mut state = desired.into_state(id, now);
        check_identity(id, wanted.created_at, now)?;
        state.created_at = wanted.created_at.unwrap_or(now);
        state.external_ids = wanted.external_ids;
        self.check(&state)?;
        Ok(state)
    }
}

/// Refuses ids that are taken, and finds the users who are there already.
async fn refuse_known(
    tx: &mut Tx,
    kept: &BTreeMap<UserId, usize>,
    candidates: &mut Candidates,
    outcomes: &mut Outcomes,
) -> Result<(), DbError> {
    let ids: Vec<UserId> = kept.keys().copied().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let names: BTreeMap<UserId, String> = store::names_of(tx, &ids).await?.into_iter().collect();
    let gone: BTreeSet<UserId> = store::tombstones_among(tx, &ids).await?.into_iter().collect();
    let groups: BTreeSet<UserId> = namespace::group_ids_among(tx, &ids).await?.into_iter().collect();
    candidates.retain(|index, state| {
        let name = names.get(&state.id);
        let outcome = if name.is_some_and(|name| name == state.user_name.key()) {
            ImportOutcome::Existing(state.id)
        } else if name.is_some() {
            taken_id("belongs to another user")
        } else if gone.contains(&state.id) {
            taken_id("belongs to a user who was deleted")
        } else if groups.contains(&state.id) {
            taken_id("belongs to a group")
        } else {
            return true;
        };
        outcomes.insert(*index, outcome);
        false
    });
    Ok(())
}

/// Checks an id and a time of creation that are to be kept.
///
/// # Errors
/// The nil or the greatest UUID, and a time to come.
pub(crate) fn check_identity(
    id: UserId,
    created_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Invalid> {
    if id.is_nil() || id.is_max() {
        return Err(Invalid::new("id", "expected a UUID other than nil and max"));
    }
    match created_at.is_some_and(|created| created > now) {
        true => Err(Invalid::new("meta.created", "is in the future")),
        false => Ok(()),
    }
}

fn taken_id(reason: &str) -> ImportOutcome {
    ImportOutcome::Refused(Invalid::new("id", reason).into())
}
