//! Registrations: `auth` asks, over HTTP and by event; this service decides once, and gives the same answer
//! to a repeated request.

mod consumer;
mod holdings;
mod store;
#[cfg(test)]
mod tests;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError, Tx};
use contract::{Email, RegistrationRejected, RegistrationRequested, RejectionReason, UserId, UserState};
use events::Outbox;
use uuid::Uuid;

pub(crate) use consumer::AuthEventHandler;
pub(crate) use holdings::HeldOfAuth;

use crate::groups;
use crate::users::{self, AGGREGATE, DesiredState, NameRefused, Users};

/// The answer to a registration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    /// The user is there, as they are now.
    Accepted(Box<UserState>),
    /// There will be no such user.
    Rejected(RejectionReason),
    /// There was such a user, who was deleted since.
    Gone,
}

/// The registrations. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Registrations {
    db: Db,
    clock: SharedClock,
    outbox: Outbox,
    users: Users,
}

impl Registrations {
    pub(crate) fn new(db: Db, clock: SharedClock, outbox: Outbox, users: Users) -> Self {
        Self {
            db,
            clock,
            outbox,
            users,
        }
    }

    /// Decides a registration in a transaction of its own.
    ///
    /// # Errors
    /// When the database fails; nothing is decided then.
    pub(crate) async fn register(&self, wanted: RegistrationRequested) -> Result<Decision, DbError> {
        let mut tx = self.db.begin("register").await?;
        let decision = self.decide(&mut tx, wanted).await?;
        tx.commit().await?;
        Ok(decision)
    }

    /// Decides a registration, or repeats what was decided. The event of a decision is written with it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn decide(
        &self,
        tx: &mut Tx,
        wanted: RegistrationRequested,
    ) -> Result<Decision, DbError> {
        let id = wanted.id;
        if let Some(known) = self.known_or_claim(tx, id).await? {
            return Ok(known);
        }
        let Some(group_ids) = find_groups(tx, &wanted.groups).await? else {
            return self.reject(tx, id, RejectionReason::Invalid).await;
        };
        let mut state = self.desired(wanted);
        state.group_ids = Some(group_ids.clone());
        // The id comes from outside, and may have been here before the database was restored.
        state.version = events::restore::first_sequence(tx).await?;
        // Administrators may give out names of other directories that have the form of an id; nobody chooses one (SB-49).
        let is_id_shaped = state.user_name.key().parse::<UserId>().is_ok();
        if is_id_shaped || self.users.check(&state).is_err() {
            return self.reject(tx, id, RejectionReason::Invalid).await;
        }
        match self.users.check_new_name(tx, &state).await? {
            Ok(()) => {}
            Err(NameRefused::Form(_)) => return self.reject(tx, id, RejectionReason::Invalid).await,
            Err(NameRefused::Reserved | NameRefused::Group) => {
                return self.reject(tx, id, RejectionReason::UserNameReserved).await;
            }
        }
        if !self.users.insert(tx, &state).await? {
            return self.reject(tx, id, RejectionReason::UserNameTaken).await;
        }
        for group in group_ids {
            groups::add_member(tx, group, id, self.clock.now()).await?;
        }
        tracing::info!(event.action = "registration-accepted", event.outcome = "success", user.target.id = %id, "registration accepted");
        Ok(Decision::Accepted(Box::new(state)))
    }

    /// Refuses a registration whose event cannot be read at all.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn decide_unreadable(&self, tx: &mut Tx, id: UserId) -> Result<Decision, DbError> {
        match self.known_or_claim(tx, id).await? {
            Some(known) => Ok(known),
            None => self.reject(tx, id, RejectionReason::Invalid).await,
        }
    }

    /// The decision that was already made about this id; `None` when the caller is to decide it.
    async fn known_or_claim(&self, tx: &mut Tx, id: UserId) -> Result<Option<Decision>, DbError> {
        if let Some(known) = known(tx, id).await? {
            return Ok(Some(known));
        }
        // A caller that asks at the same moment waits here for this transaction, and then finds its answer.
        if store::claim(tx, id, self.clock.now()).await? {
            return Ok(None);
        }
        let known = known(tx, id).await?;
        known.map(Some).ok_or(DbError::Other(sqlx::Error::RowNotFound))
    }

    async fn reject(&self, tx: &mut Tx, id: UserId, reason: RejectionReason) -> Result<Decision, DbError> {
        store::reject(tx, id, reason).await?;
        let rejected = RegistrationRejected {
            id,
            reason,
            version: events::restore::first_sequence(tx).await?,
        };
        self.outbox
            .append(tx, AGGREGATE, id, rejected.version, &rejected)
            .await
            .map_err(users::outbox_failed)?;
        Ok(Decision::Rejected(reason))
    }

    /// The user that a registration asks for.
    fn desired(&self, wanted: RegistrationRequested) -> UserState {
        let email = wanted.email.map(|value| Email {
            value,
            kind: None,
            primary: true,
            verified: false,
        });
        let desired = DesiredState {
            user_name: wanted.user_name,
            name: wanted.name.unwrap_or_default(),
            emails: email.into_iter().collect(),
            locale: wanted.locale,
            zoneinfo: None,
            active: None,
            attributes: Default::default(),
        };
        let mut state = desired.into_state(wanted.id, self.clock.now());
        state.groups = wanted.groups;
        state.groups.sort();
        state.groups.dedup();
        state
    }
}

/// The decision that was already made about this id.
async fn known(tx: &mut Tx, id: UserId) -> Result<Option<Decision>, DbError> {
    if let Some(state) = users::find(tx, id).await? {
        return Ok(Some(Decision::Accepted(Box::new(state))));
    }
    if users::has_tombstone(tx, id).await? || users::is_deleted(tx, id).await? {
        return Ok(Some(Decision::Gone));
    }
    Ok(store::rejection(tx, id).await?.map(Decision::Rejected))
}

/// The ids of the groups, or nothing when one does not exist.
async fn find_groups(tx: &mut Tx, names: &[String]) -> Result<Option<Vec<Uuid>>, DbError> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        match groups::find_by_name(tx, name).await? {
            Some(id) => ids.push(id),
            None => return Ok(None),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}
