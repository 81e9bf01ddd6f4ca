//! Assignments: the roles that were given to people at clients, and the assignment of a person to a client
//! ([`oidc::assignment`]).
//!
//! Groups and roles are defined in the metadata of the client, also the groups that have a role. Only what was given to a person is
//! stored here. See `docs/decisions/0061-assignment-and-roles.md`.

mod store;
#[cfg(test)]
mod tests;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Connection, Db, DbError, Tx};
use contract::{RoleAssigned, RoleChange, RoleWithdrawn};
use oidc::assignment::Assignment;
use oidc::client::RegisteredClient;
use uuid::Uuid;

pub(crate) use store::{delete_by_client, delete_roles};

use crate::accounts::{self, Accounts};
use crate::grants;
use crate::subjects::{self, Subject};

/// A role that a person was given at a client.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(crate) struct GivenRole {
    /// The person.
    pub(crate) subject: Uuid,
    /// The role.
    pub(crate) role: String,
    /// The time at which it was given.
    pub(crate) assigned_at: Timestamp,
}

/// A role was not given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssignError {
    /// The client has no such role.
    #[error("the client has no such role")]
    NoRole,
    /// There is no such person, or they may not sign in.
    #[error("there is no active person with this id")]
    NoPerson,
    /// The client was changed or deleted at the same moment.
    #[error("the client was changed at the same moment")]
    Changed,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The assignments of this installation.
#[derive(Clone)]
pub struct Assignments {
    db: Db,
    clock: SharedClock,
    accounts: Accounts,
}

impl Assignments {
    /// The assignments that stand in `db`.
    pub fn new(db: Db, clock: SharedClock, accounts: Accounts) -> Self {
        Self { db, clock, accounts }
    }

    /// Gives a person a role at a client of this version. Returns whether they did not have it.
    ///
    /// # Errors
    /// [`AssignError`].
    pub(crate) async fn assign(
        &self,
        (client, client_version): (RegisteredClient<'_>, i64),
        subject: Uuid,
        role: &str,
    ) -> Result<bool, AssignError> {
        if !client.metadata.roles.contains_key(role) {
            return Err(AssignError::NoRole);
        }
        let now = self.clock.now();
        let mut tx = self.db.begin("assign_role").await?;
        // The subject is held, so that nobody is given a role after their erasure.
        if !subjects::lock_active(&mut tx, subject).await? {
            return Err(AssignError::NoPerson);
        }
        accounts::lock(&mut tx, subject).await?;
        let new = store::NewRow {
            client: client.client_id,
            client_version,
            subject,
            role,
        };
        if !store::insert(&mut tx, &new, now).await? {
            let known = store::roles(&mut tx, client.client_id, subject).await?;
            return match known.iter().any(|known| known == role) {
                true => Ok(false),
                false => Err(AssignError::Changed),
            };
        }
        let event = |version| RoleAssigned(change(client.client_id, subject, role, version));
        self.accounts.append_event(&mut tx, subject, event).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a role that was given to a person. What the client has for the person is revoked, so that resource servers refuse it
    /// (SB-47). Returns whether they had it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn withdraw(&self, client: &str, subject: Uuid, role: &str) -> Result<bool, DbError> {
        let mut tx = self.db.begin("withdraw_role").await?;
        if !accounts::lock(&mut tx, subject).await? || !store::delete(&mut tx, client, subject, role).await? {
            return Ok(false);
        }
        grants::revoke_for_subject_of_client(&mut tx, subject, client, self.clock.now()).await?;
        let event = |version| RoleWithdrawn(change(client, subject, role, version));
        self.accounts.append_event(&mut tx, subject, event).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The roles that people were given at a client, after the one of `after`, in the order of people and roles.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn list(
        &self,
        client: &str,
        after: (Uuid, &str),
        limit: u16,
    ) -> Result<Vec<GivenRole>, DbError> {
        store::list(&mut self.db.reader().await?, client, after, i64::from(limit)).await
    }
}

fn change(client: &str, subject: Uuid, role: &str, version: i64) -> RoleChange {
    RoleChange {
        id: subject,
        client_id: client.to_owned(),
        role: role.to_owned(),
        version,
    }
}

/// The assignment of a subject to a client. Nothing is read for a client without roles.
///
/// # Errors
/// When the database fails.
pub(crate) async fn of_subject(
    db: &mut impl Connection,
    client: RegisteredClient<'_>,
    subject: &Subject,
) -> Result<Assignment, DbError> {
    let given = match client.metadata.roles.is_empty() {
        true => Vec::new(),
        false => store::roles(db, client.client_id, subject.id).await?,
    };
    Ok(Assignment::of(client.metadata, &subject.groups, &given))
}

/// Deletes what was given of the roles that a client does not define any more.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete_undefined<'a>(
    tx: &mut Tx,
    client: &str,
    before: impl Iterator<Item = &'a String>,
    is_defined: impl Fn(&str) -> bool,
) -> Result<(), DbError> {
    for role in before.filter(|role| !is_defined(role)) {
        delete_roles(tx, client, role).await?;
    }
    Ok(())
}
