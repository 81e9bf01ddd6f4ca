//! Subjects: what this service has to know of a person to sign them in, fed by the events of the user service.

mod apply;
mod holdings;
pub(crate) mod store;
#[cfg(test)]
mod tests;
mod user_event_handler;

pub(crate) use apply::{apply_state, erase, suspend};
use chassis::db::{Connection, DbError};
use contract::UserState;
pub use holdings::SubjectHoldings;
pub use user_event_handler::UserEventHandler;
use uuid::Uuid;

/// The group that administers.
pub const ADMINISTRATORS: &str = "vestibule-admins";

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
    /// The whole state, for claims.
    pub claims: UserState,
}

impl Subject {
    /// Whether the person administers.
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

/// The subject `id`, if it is known.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut impl Connection, id: Uuid) -> Result<Option<Subject>, DbError> {
    Ok(store::find(db, id).await?.map(Subject::from))
}
