//! Subjects: what this service has to know of a person to sign them in, fed by the events of the user service.

use chassis::db::{Connection, DbError};
use uuid::Uuid;

/// A person as the user service last told it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The user's id; `sub` in tokens.
    pub id: Uuid,
    /// The user name as it is shown.
    pub user_name: String,
    /// Whether they may sign in.
    pub active: bool,
    /// The groups they are in.
    pub groups: Vec<String>,
    /// The version of the user that this is.
    pub version: i64,
}

/// The subject `id`, if it is known.
///
/// # Errors
/// When the database fails.
pub async fn find(_db: &mut impl Connection, _id: Uuid) -> Result<Option<Subject>, DbError> {
    Ok(None)
}
