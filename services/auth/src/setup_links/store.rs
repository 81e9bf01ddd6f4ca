//! The table `setup_links`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Handle, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;
use uuid::Uuid;

/// A valid link. A set-up link has no account yet.
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct SetupLink {
    pub(crate) account_id: Option<Uuid>,
}

/// Inserts a link. An invitation has an `account`, a set-up link has none.
pub(crate) async fn insert(
    tx: &mut Tx,
    token: &TokenHash,
    account: Option<Uuid>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let statement = "INSERT INTO setup_links (token_hash, purpose, account_id, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)";
    let purpose = if account.is_some() {
        "invitation"
    } else {
        "administrator"
    };
    on_engine!(tx, c => sqlx::query(statement).bind(token.as_bytes()).bind(purpose).bind(account).bind(now)
        .bind(expires_at).execute(c).await?.rows_affected());
    Ok(())
}

/// The valid link of a token.
pub(crate) async fn find(
    db: &mut impl Connection,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<SetupLink>, DbError> {
    let statement = "SELECT account_id FROM setup_links
        WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(token.as_bytes()).bind(now).fetch_optional(c).await?),
    )
}

/// Consumes the set-up link for the registration `account`. Returns whether it was valid.
pub(crate) async fn consume_administrator_link(
    tx: &mut Tx,
    token: &TokenHash,
    account: Uuid,
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement = "UPDATE setup_links SET used_at = $2, account_id = $3
        WHERE token_hash = $1 AND purpose = 'administrator' AND used_at IS NULL AND expires_at > $2";
    let used = on_engine!(tx, c => sqlx::query(statement).bind(token.as_bytes()).bind(now).bind(account)
        .execute(c).await?.rows_affected());
    Ok(used == 1)
}

/// Consumes an invitation. Returns its account, or `None` when it is invalid.
pub(crate) async fn consume_invitation(
    tx: &mut Tx,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<Uuid>, DbError> {
    let statement = "UPDATE setup_links SET used_at = $2
        WHERE token_hash = $1 AND purpose = 'invitation' AND used_at IS NULL AND expires_at > $2
        RETURNING account_id";
    Ok(
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(token.as_bytes()).bind(now)
        .fetch_optional(c).await?),
    )
}

/// Locks the table against writes of other transactions. On SQLite every writing transaction does so.
pub(crate) async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    if let Handle::Postgres(c) = tx.handle() {
        sqlx::query("LOCK TABLE setup_links IN SHARE ROW EXCLUSIVE MODE")
            .execute(c)
            .await?;
    }
    Ok(())
}

/// The token hash of the unused set-up link.
pub(crate) async fn unused_administrator_link(db: &mut impl Connection) -> Result<Option<Vec<u8>>, DbError> {
    let statement = "SELECT token_hash FROM setup_links WHERE purpose = 'administrator' AND used_at IS NULL";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).fetch_optional(c).await?))
}

/// True if a set-up link was used by a registration that is still pending.
pub(crate) async fn is_administrator_pending(db: &mut impl Connection) -> Result<bool, DbError> {
    let statement = "SELECT EXISTS (SELECT 1 FROM setup_links l JOIN registrations r ON r.id = l.account_id
        WHERE l.purpose = 'administrator' AND r.state = 'pending')";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}

/// Makes the set-up link of a failed registration valid again, until its original expiry.
pub(crate) async fn reopen(tx: &mut Tx, account: Uuid) -> Result<(), DbError> {
    let statement = "UPDATE setup_links SET used_at = NULL, account_id = NULL
        WHERE account_id = $1 AND purpose = 'administrator'";
    on_engine!(tx, c => sqlx::query(statement).bind(account).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes every unused set-up link.
pub(crate) async fn delete_unused_administrator_links(tx: &mut Tx) -> Result<u64, DbError> {
    let statement = "DELETE FROM setup_links WHERE purpose = 'administrator' AND used_at IS NULL";
    Ok(on_engine!(tx, c => sqlx::query(statement).execute(c).await?.rows_affected()))
}

/// Deletes the links of an account.
pub(crate) async fn delete_by_account(tx: &mut Tx, account: Uuid) -> Result<(), DbError> {
    let statement = "DELETE FROM setup_links WHERE account_id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(account).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes links that expired before `before`.
pub(crate) async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM setup_links WHERE expires_at < $1";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(before).execute(c).await?.rows_affected()))
}

/// Lets links that a clock ahead created after `latest` begin at `now`. They keep their lifetime.
pub(crate) async fn correct_times(tx: &mut Tx, now: Timestamp, latest: Timestamp) -> Result<(), DbError> {
    let statement = "UPDATE setup_links SET expires_at = expires_at - (created_at - $1), created_at = $1
        WHERE created_at > $2";
    on_engine!(tx, c => sqlx::query(statement).bind(now).bind(latest).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes every link, after the database was restored from a backup.
pub(crate) async fn delete_all(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM setup_links").execute(c).await.map(drop)?);
    Ok(())
}
