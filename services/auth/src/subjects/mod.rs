//! Subjects: this service's copy of the users, fed by the events of the user service.

mod claims;
mod holdings;
mod store;

use chassis::db::{Connection, Db, DbError};
pub(crate) use claims::value as claim;
pub use claims::{AttributePath, ConfiguredClaims};
use contract::UserState;
pub use holdings::SubjectHoldings;
pub(crate) use store::find as find_state;
pub(crate) use store::{
    credential_id, deactivate, delete, insert_tombstone, lock_active, raise_versions, upsert_if_newer,
};
use uuid::Uuid;

use crate::groups;

/// The group of the administrators.
pub const ADMINISTRATORS: &str = "vestibule-admins";

/// The copy of a user.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The id of the user, which is `sub` in tokens.
    pub id: Uuid,
    /// The user name for display.
    pub user_name: String,
    /// True if the user may sign in.
    pub active: bool,
    /// The names of the groups that the user is a member of, directly and by groups in groups.
    pub groups: Vec<String>,
    /// The version of the user.
    pub version: i64,
    /// The whole state of the user, for claims; its `groups` are the same names.
    pub claims: UserState,
}

impl Subject {
    /// True if the user is an administrator.
    pub fn is_administrator(&self) -> bool {
        self.groups.iter().any(|group| group == ADMINISTRATORS)
    }
}

impl Subject {
    /// The subject of a state, with the names of its groups.
    pub(crate) fn new(mut claims: UserState, groups: Vec<String>) -> Self {
        claims.groups.clone_from(&groups);
        Self {
            id: claims.id,
            user_name: claims.user_name.as_str().to_owned(),
            active: claims.active,
            groups,
            version: claims.version,
            claims,
        }
    }
}

/// The subject `id`.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut impl Connection, id: Uuid) -> Result<Option<Subject>, DbError> {
    let Some(state) = store::find(db, id).await? else {
        return Ok(None);
    };
    of_state(db, state).await.map(Some)
}

/// The subject of a state that another statement has read. Nothing is read for somebody without groups.
///
/// # Errors
/// When the database fails.
pub(crate) async fn of_state(db: &mut impl Connection, state: UserState) -> Result<Subject, DbError> {
    let groups = groups::effective_names(db, &state).await?;
    Ok(Subject::new(state, groups))
}

/// True if somebody administers: there is an active subject in the group of the administrators, or a group in it. Who makes
/// one a member of it administers already, so that nobody is offered to become the first administrator after that.
///
/// # Errors
/// When the database fails.
pub(crate) async fn has_administrator(db: &mut impl Connection) -> Result<bool, DbError> {
    Ok(store::has_direct_administrator(db).await? || groups::any_in_administrators(db).await?)
}

/// The subjects of this installation.
#[derive(Clone)]
pub struct Subjects {
    db: Db,
}

impl Subjects {
    /// The subjects that stand in `db`.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// The subject `id`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, id: Uuid) -> Result<Option<Subject>, DbError> {
        find(&mut self.db.reader().await?, id).await
    }
}
