//! The statements that collect what is known of one person. They read the tables of other modules, and write nothing.

use chassis::db::{Connection, DbError};
use chassis::on_engine;
use contract::UserId;

use super::{Deletion, RegistrationData};

/// The registration.
pub(super) async fn registration(
    connection: &mut impl Connection,
    id: UserId,
) -> Result<Option<RegistrationData>, DbError> {
    const FIND: &str = "SELECT outcome, decided_at FROM registrations WHERE id = $1";
    Ok(on_engine!(connection, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?))
}

/// The record of a person who was deleted and is not erased yet, in JSON.
pub(super) async fn deleted_record(
    connection: &mut impl Connection,
    id: UserId,
) -> Result<Option<String>, DbError> {
    const FIND: &str = "SELECT CAST(document AS TEXT) FROM deleted_users WHERE id = $1";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(id).fetch_optional(c).await?))
}

/// The deletion.
pub(super) async fn deletion(
    connection: &mut impl Connection,
    id: UserId,
) -> Result<Option<Deletion>, DbError> {
    const FIND: &str = "SELECT deleted_at, erased_at FROM tombstones WHERE id = $1
         UNION ALL SELECT deleted_at, CAST(NULL AS BIGINT) AS erased_at FROM deleted_users WHERE id = $1";
    Ok(on_engine!(connection, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?))
}
