//! Registrations: `auth` asks, over HTTP and by event; this service decides once, and gives the same answer to
//! whoever asks again.

mod consumer;
mod holdings;
mod store;
#[cfg(test)]
mod tests;

use chassis::db::{DbError, Tx};
use contract::{Email, RegistrationRejected, RegistrationRequested, RejectionReason, UserId, UserState};
use uuid::Uuid;

pub(crate) use consumer::AuthEventHandler;
pub(crate) use holdings::HeldOfAuth;

use crate::app::App;
use crate::users::{self, AGGREGATE, DesiredState, NameRefused};
use crate::{groups, users::store as people_store};

/// The answer to a registration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    /// The person is there, as they are now.
    Accepted(Box<UserState>),
    /// There will be no such person.
    Rejected(RejectionReason),
    /// There was such a person, who was deleted since.
    Gone,
}

/// Decides a registration in a transaction of its own.
///
/// # Errors
/// When the database fails; nothing is decided then.
pub(crate) async fn register(app: &App, wanted: RegistrationRequested) -> Result<Decision, DbError> {
    let mut tx = app.db.begin("register").await?;
    let decision = decide(app, &mut tx, wanted).await?;
    tx.commit().await?;
    Ok(decision)
}

/// Decides a registration, or repeats what was decided. The event of a decision is written with it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn decide(
    app: &App,
    tx: &mut Tx,
    wanted: RegistrationRequested,
) -> Result<Decision, DbError> {
    let id = wanted.id;
    if let Some(known) = known(tx, id).await? {
        return Ok(known);
    }
    // Whoever asks at the same moment waits here for this transaction, and then finds its answer.
    if !store::claim(tx, id, app.clock.now()).await? {
        return known(tx, id)
            .await?
            .ok_or(DbError::Other(sqlx::Error::RowNotFound));
    }
    let Some(group_ids) = find_groups(tx, &wanted.groups).await? else {
        return reject(app, tx, id, RejectionReason::Invalid).await;
    };
    let mut state = person(app, wanted);
    // The id comes from outside, and may have been here before the database was restored.
    state.version = events::restore::first_sequence(tx).await?;
    if users::check(&state).is_err() {
        return reject(app, tx, id, RejectionReason::Invalid).await;
    }
    match users::check_new_name(tx, &app.reserved_names, &state).await? {
        Ok(()) => {}
        Err(NameRefused::Form(_)) => return reject(app, tx, id, RejectionReason::Invalid).await,
        Err(NameRefused::Reserved | NameRefused::Group) => {
            return reject(app, tx, id, RejectionReason::UserNameReserved).await;
        }
    }
    if !users::insert(tx, &state).await? {
        return reject(app, tx, id, RejectionReason::UserNameTaken).await;
    }
    for group in group_ids {
        groups::store::add_member(tx, group, id).await?;
    }
    users::announce_created(app, tx, &state).await?;
    tracing::info!(event.action = "registration-accepted", event.outcome = "success", user.target.id = %id, "a registration is accepted");
    Ok(Decision::Accepted(Box::new(state)))
}

/// Refuses a registration whose event cannot be read at all.
///
/// # Errors
/// When the database fails.
pub(crate) async fn decide_unreadable(app: &App, tx: &mut Tx, id: UserId) -> Result<Decision, DbError> {
    if let Some(known) = known(tx, id).await? {
        return Ok(known);
    }
    if store::claim(tx, id, app.clock.now()).await? {
        reject(app, tx, id, RejectionReason::Invalid).await
    } else {
        known(tx, id)
            .await?
            .ok_or(DbError::Other(sqlx::Error::RowNotFound))
    }
}

/// What is decided already about this id.
async fn known(tx: &mut Tx, id: UserId) -> Result<Option<Decision>, DbError> {
    if let Some(state) = people_store::find(tx, id).await? {
        return Ok(Some(Decision::Accepted(Box::new(state))));
    }
    if people_store::has_tombstone(tx, id).await? {
        return Ok(Some(Decision::Gone));
    }
    Ok(store::rejection(tx, id).await?.map(Decision::Rejected))
}

async fn reject(app: &App, tx: &mut Tx, id: UserId, reason: RejectionReason) -> Result<Decision, DbError> {
    store::reject(tx, id, reason).await?;
    let answer = RegistrationRejected {
        id,
        reason,
        version: events::restore::first_sequence(tx).await?,
    };
    app.outbox
        .append(tx, AGGREGATE, id, answer.version, &answer)
        .await
        .map_err(users::outbox_failed)?;
    Ok(Decision::Rejected(reason))
}

/// The ids of the groups, or nothing when one does not exist.
async fn find_groups(tx: &mut Tx, names: &[String]) -> Result<Option<Vec<Uuid>>, DbError> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        match groups::store::find_by_name(tx, name).await? {
            Some(id) => ids.push(id),
            None => return Ok(None),
        }
    }
    Ok(Some(ids))
}

fn person(app: &App, wanted: RegistrationRequested) -> UserState {
    let email = wanted.email.map(|value| Email {
        value,
        kind: None,
        primary: true,
        verified: false,
    });
    let draft = DesiredState {
        user_name: wanted.user_name,
        name: wanted.name.unwrap_or_default(),
        emails: email.into_iter().collect(),
        locale: wanted.locale,
        zoneinfo: None,
        active: None,
        attributes: Default::default(),
    };
    let mut state = draft.into_state(wanted.id, app.clock.now());
    state.groups = wanted.groups;
    state.groups.sort();
    state.groups.dedup();
    state
}
