//! Groups (RFC 7643 §4.2): what registrations and user names need of them.

mod store;

use chassis::db::{Connection, DbError};
use contract::UserId;

pub(crate) use store::{add_member, find_by_name, is_name};

/// The group whose members administer, there from the first migration on.
pub(crate) const ADMINISTRATORS: &str = "vestibule-admins";

/// True if a user is an administrator.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_administrator(
    connection: &mut impl Connection,
    user: UserId,
) -> Result<bool, DbError> {
    store::is_member(connection, ADMINISTRATORS, user).await
}
