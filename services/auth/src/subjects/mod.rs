//! Subjects: this service's copy of the users, fed by the events of the user service.

mod holdings;
mod store;

use chassis::db::{Connection, Db, DbError};
use contract::UserState;
pub use holdings::SubjectHoldings;
pub(crate) use store::{
    deactivate, delete, has_administrator, insert_tombstone, lock_active, raise_versions, upsert_if_newer,
};
use uuid::Uuid;

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
    /// The groups of the user.
    pub groups: Vec<String>,
    /// The version of the user.
    pub version: i64,
    /// The whole state of the user, for claims.
    pub claims: UserState,
}

impl Subject {
    /// True if the user is an administrator.
    pub fn is_administrator(&self) -> bool {
        self.groups.iter().any(|group| group == ADMINISTRATORS)
    }
}

impl From<UserState> for Subject {
    fn from(claims: UserState) -> Self {
        Self {
            id: claims.id,
            user_name: claims.user_name.as_str().to_owned(),
            active: claims.active,
            groups: claims.groups.clone(),
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
    Ok(store::find(db, id).await?.map(Subject::from))
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
