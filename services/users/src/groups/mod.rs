//! Groups: what registration and a person's record need of them.

pub(crate) mod store;

use chassis::db::{Connection, DbError};
use contract::UserId;

/// The group whose members administer, there from the first migration on.
pub(crate) const ADMINISTRATORS: &str = "vestibule-admins";

/// Whether a person administers.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_administrator(
    connection: &mut impl Connection,
    person: UserId,
) -> Result<bool, DbError> {
    store::is_member(connection, ADMINISTRATORS, person).await
}
