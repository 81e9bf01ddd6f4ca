//! The table `passwords`: password hashes of accounts, each the canonical text of a [`password_hashes::ImportedHash`]. What this
//! service makes itself is a PHC string of argon2id.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::secret::SecretString;
use chassis::{on_engine, sql};
use uuid::Uuid;

/// Sets or replaces the password of an account.
pub(crate) async fn set_password(
    tx: &mut Tx,
    account: Uuid,
    hash: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    let statement = "INSERT INTO passwords (account_id, hash, changed_at) VALUES ($1, $2, $3)
        ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at";
    on_engine!(tx, c => sqlx::query(statement).bind(account).bind(hash).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

/// Sets or replaces the passwords of accounts, each of which is there once.
pub(crate) async fn set_passwords(
    tx: &mut Tx,
    passwords: &[(Uuid, &str)],
    at: Timestamp,
) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO passwords (account_id, hash, changed_at)
            SELECT unhex(value ->> 0), value ->> 1, $2 FROM json_each($1) WHERE true
            ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at",
        postgres: "INSERT INTO passwords (account_id, hash, changed_at)
            SELECT (value ->> 0)::uuid, value ->> 1, $2 FROM jsonb_array_elements($1::jsonb) AS e(value)
            ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at",
    );
    let rows = passwords
        .iter()
        .map(|(account, hash)| serde_json::json!([account.simple().to_string(), hash]));
    let list = serde_json::Value::from_iter(rows).to_string();
    on_engine!(tx, c => sqlx::query(statement).bind(list).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

/// The password hashes of those of these accounts that have one.
pub(crate) async fn find_hashes(
    db: &mut impl Connection,
    accounts: &[Uuid],
) -> Result<Vec<(Uuid, String)>, DbError> {
    let statement = sql!(db,
        sqlite: "SELECT account_id, hash FROM passwords
            WHERE account_id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT account_id, hash FROM passwords
            WHERE account_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(accounts.iter().copied());
    Ok(on_engine!(db, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// The password hashes of the accounts after an id, in the order of the ids.
pub(crate) async fn hashes_after(
    db: &mut impl Connection,
    after: Uuid,
    limit: u16,
) -> Result<Vec<(Uuid, SecretString)>, DbError> {
    const AFTER: &str =
        "SELECT account_id, hash FROM passwords WHERE account_id > $1 ORDER BY account_id LIMIT $2";
    let page: Vec<(Uuid, String)> =
        on_engine!(db, c => sqlx::query_as(AFTER).bind(after).bind(i64::from(limit)).fetch_all(c).await?);
    Ok(page
        .into_iter()
        .map(|(account, hash)| (account, hash.into()))
        .collect())
}

/// Replaces the hash of the same password by one at another cost, unless the password changed meanwhile.
pub(crate) async fn rehash(tx: &mut Tx, account: Uuid, old: &str, new: &str) -> Result<bool, DbError> {
    let statement = "UPDATE passwords SET hash = $3 WHERE account_id = $1 AND hash = $2";
    let done = on_engine!(tx, c => sqlx::query(statement).bind(account).bind(old).bind(new).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// The password hash of an account, if it has one.
pub(crate) async fn find_hash(db: &mut impl Connection, account: Uuid) -> Result<Option<String>, DbError> {
    let statement = "SELECT hash FROM passwords WHERE account_id = $1";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(account).fetch_optional(c).await?))
}

/// True if an account has a password.
pub(crate) async fn has_password(db: &mut impl Connection, account: Uuid) -> Result<bool, DbError> {
    let statement = "SELECT EXISTS (SELECT 1 FROM passwords WHERE account_id = $1)";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(account).fetch_one(c).await?))
}

/// True if the password of an account was set after `then`.
pub(crate) async fn changed_since(
    db: &mut impl Connection,
    account: Uuid,
    then: Timestamp,
) -> Result<bool, DbError> {
    let statement = "SELECT EXISTS (SELECT 1 FROM passwords WHERE account_id = $1 AND changed_at > $2)";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(account).bind(then).fetch_one(c).await?))
}
