//! The columns `user_name_skeleton` and `user_name_skeleton_of` of `people`.

use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use contract::UserId;

/// True if anybody's skeleton is missing, or is that of an earlier name.
pub(super) async fn any_missing(connection: &mut impl Connection) -> Result<bool, DbError> {
    // In order: PostgreSQL takes nearly everybody to be missing, and would look for the first one without the index.
    const FIRST: &str = "SELECT id FROM people
         WHERE user_name_skeleton_of IS NULL OR user_name_skeleton_of <> user_name_key ORDER BY id LIMIT 1";
    let first: Option<UserId> =
        on_engine!(connection, c => sqlx::query_scalar(FIRST).fetch_optional(c).await?);
    Ok(first.is_some())
}

/// The treatment of rows that another transaction has locked. SQLite has one writer, so there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Locked {
    /// It is waited until they are free.
    AwaitedFor,
    /// They are left out.
    Skipped,
}

/// Ids and keys of the first people whose skeleton is missing, or is that of an earlier name; nobody else can change
/// them until the transaction ends.
pub(super) async fn missing(
    tx: &mut Tx,
    limit: i64,
    locked: Locked,
) -> Result<Vec<(UserId, String)>, DbError> {
    let waiting = sql!(tx,
        sqlite: "SELECT id, user_name_key FROM people
                 WHERE user_name_skeleton_of IS NULL OR user_name_skeleton_of <> user_name_key
                 ORDER BY id LIMIT $1",
        postgres: "SELECT id, user_name_key FROM people
                   WHERE user_name_skeleton_of IS NULL OR user_name_skeleton_of <> user_name_key
                   ORDER BY id LIMIT $1 FOR UPDATE",
    );
    let skipping = sql!(tx,
        sqlite: waiting,
        postgres: "SELECT id, user_name_key FROM people
                   WHERE user_name_skeleton_of IS NULL OR user_name_skeleton_of <> user_name_key
                   ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
    );
    let statement = match locked {
        Locked::AwaitedFor => waiting,
        Locked::Skipped => skipping,
    };
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(limit).fetch_all(c).await?))
}

/// Notes the skeleton of a person whose row is locked; `false` when somebody else has it, and then the person has none.
pub(super) async fn set(tx: &mut Tx, id: UserId, key: &str, skeleton: Option<&str>) -> Result<bool, DbError> {
    const SET: &str = "UPDATE people SET user_name_skeleton = $3, user_name_skeleton_of = $2
         WHERE id = $1 AND user_name_key = $2";
    tx.savepoint().await?;
    let set: Result<_, DbError> = async {
        on_engine!(&mut *tx, c => sqlx::query(SET).bind(id).bind(key).bind(skeleton).execute(c).await?.rows_affected());
        Ok(())
    }
    .await;
    match set {
        Ok(()) => {
            tx.release_savepoint().await?;
            Ok(true)
        }
        Err(DbError::Unique { .. }) => {
            tx.roll_back_to_savepoint().await?;
            on_engine!(&mut *tx, c => sqlx::query(SET).bind(id).bind(key).bind(None::<&str>).execute(c).await?.rows_affected());
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
