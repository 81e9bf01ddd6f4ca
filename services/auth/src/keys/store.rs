//! The tables `signing_keys`, `further_signing_keys`, `past_keys`, `key_ring` and `subject_secret`.
//!
//! `signing_keys` has the keys of ES256 and RS256 alone. An earlier release, which runs beside this one during an upgrade, reads
//! that table and would fail on a key of another algorithm.

use chassis::cipher::Sealed;
use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;

use super::schedule::{ALWAYS, KeyState, PlannedKey};

/// A stored signing key.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct KeyRow {
    pub(super) kid: String,
    pub(super) algorithm: String,
    pub(super) state: String,
    pub(super) private_key: Vec<u8>,
    pub(super) encryption_key: String,
    pub(super) published_at: Timestamp,
    pub(super) activates_at: Timestamp,
    pub(super) retired_at: Option<Timestamp>,
    pub(super) removes_at: Option<Timestamp>,
}

/// Executes a statement on both tables of signing keys.
macro_rules! in_both_tables {
    ($tx:expr, $before:literal, $after:literal $(, $value:expr)*) => {
        on_engine!($tx, c => {
            sqlx::query(concat!($before, " signing_keys ", $after))$(.bind($value))*.execute(&mut *c).await?;
            sqlx::query(concat!($before, " further_signing_keys ", $after))$(.bind($value))*.execute(c).await?;
        })
    };
}

/// Locks the key ring for this transaction, so that replicas change keys one after the other. It also raises
/// the version, by which the others see the change.
pub(super) async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("UPDATE key_ring SET version = version + 1 WHERE id = 1")
        .execute(c).await.map(drop)?);
    Ok(())
}

pub(super) async fn version(db: &mut impl Connection) -> Result<i64, DbError> {
    Ok(
        on_engine!(db, c => sqlx::query_scalar("SELECT version FROM key_ring WHERE id = 1")
        .fetch_one(c).await?),
    )
}

pub(super) async fn all(db: &mut impl Connection) -> Result<Vec<KeyRow>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(
        "SELECT kid, algorithm, state, private_key, encryption_key, published_at, activates_at, retired_at, removes_at
         FROM signing_keys
         UNION ALL
         SELECT kid, algorithm, state, private_key, encryption_key, published_at, activates_at, retired_at, removes_at
         FROM further_signing_keys
         ORDER BY published_at, kid")
        .fetch_all(c).await?))
}

pub(super) async fn insert(
    tx: &mut Tx,
    plan: &PlannedKey,
    kid: &str,
    sealed: &Sealed,
) -> Result<(), DbError> {
    let statement = if ALWAYS.contains(&plan.algorithm) {
        "INSERT INTO signing_keys (kid, algorithm, state, private_key, encryption_key, published_at, activates_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    } else {
        "INSERT INTO further_signing_keys (kid, algorithm, state, private_key, encryption_key, published_at, activates_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    };
    on_engine!(tx, c => sqlx::query(statement)
        .bind(kid).bind(plan.algorithm.name()).bind(plan.state.name()).bind(&sealed.bytes).bind(&sealed.key)
        .bind(plan.published_at).bind(plan.activates_at)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// Retires an active key until `removes_at`.
pub(super) async fn retire(
    tx: &mut Tx,
    kid: &str,
    now: Timestamp,
    removes_at: Timestamp,
) -> Result<(), DbError> {
    in_both_tables!(
        tx,
        "UPDATE",
        "SET state = 'retired', retired_at = $2, removes_at = $3 WHERE kid = $1 AND state = 'active'",
        kid,
        now,
        removes_at
    );
    Ok(())
}

/// Activates a published key.
pub(super) async fn activate(tx: &mut Tx, kid: &str, now: Timestamp) -> Result<(), DbError> {
    in_both_tables!(
        tx,
        "UPDATE",
        "SET state = 'active', activates_at = $2 WHERE kid = $1 AND state = 'published'",
        kid,
        now
    );
    Ok(())
}

/// Sets when a published key becomes active.
pub(super) async fn set_activation(tx: &mut Tx, kid: &str, activates_at: Timestamp) -> Result<(), DbError> {
    in_both_tables!(
        tx,
        "UPDATE",
        "SET activates_at = $2 WHERE kid = $1 AND state = 'published'",
        kid,
        activates_at
    );
    Ok(())
}

/// Stores the public key of a retired key until `forget_at`.
pub(super) async fn insert_past_key(
    tx: &mut Tx,
    kid: &str,
    jwk: &str,
    forget_at: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "INSERT INTO past_keys (kid, jwk, forget_at) VALUES ($1, $2, $3)
         ON CONFLICT (kid) DO UPDATE SET forget_at = excluded.forget_at")
        .bind(kid).bind(jwk).bind(forget_at).execute(c).await.map(drop)?);
    Ok(())
}

/// The public keys of earlier keys.
pub(super) async fn past_keys(db: &mut impl Connection) -> Result<Vec<String>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_scalar("SELECT jwk FROM past_keys ORDER BY kid").fetch_all(c).await?))
}

/// Deletes the public keys whose time is over.
pub(super) async fn delete_past_keys(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM past_keys WHERE forget_at <= $1")
        .bind(now).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes every key and every public key of earlier ones.
pub(super) async fn remove_all(tx: &mut Tx) -> Result<(), DbError> {
    in_both_tables!(tx, "DELETE FROM", "");
    on_engine!(tx, c => sqlx::query("DELETE FROM past_keys").execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes a retired key.
pub(super) async fn remove(tx: &mut Tx, kid: &str) -> Result<(), DbError> {
    in_both_tables!(tx, "DELETE FROM", "WHERE kid = $1 AND state = 'retired'", kid);
    Ok(())
}

/// Replaces the encrypted private key.
pub(super) async fn reseal(tx: &mut Tx, kid: &str, sealed: &Sealed) -> Result<(), DbError> {
    in_both_tables!(
        tx,
        "UPDATE",
        "SET private_key = $2, encryption_key = $3 WHERE kid = $1",
        kid,
        &sealed.bytes,
        &sealed.key
    );
    Ok(())
}

/// The secret of pairwise subjects.
pub(super) async fn subject_secret(db: &mut impl Connection) -> Result<Option<Sealed>, DbError> {
    let statement = "SELECT encryption_key, secret FROM subject_secret WHERE id = 1";
    let found: Option<(String, Vec<u8>)> =
        on_engine!(db, c => sqlx::query_as(statement).fetch_optional(c).await?);
    Ok(found.map(|(key, bytes)| Sealed { key, bytes }))
}

/// Inserts the secret of pairwise subjects, unless it is there. Returns whether it was inserted.
pub(super) async fn insert_subject_secret(
    tx: &mut Tx,
    sealed: &Sealed,
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement =
        "INSERT INTO subject_secret (id, secret, encryption_key, created_at) VALUES (1, $1, $2, $3)
        ON CONFLICT (id) DO NOTHING";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(&sealed.bytes).bind(&sealed.key).bind(now)
        .execute(c).await?.rows_affected() == 1),
    )
}

/// Replaces the encrypted secret of pairwise subjects.
pub(super) async fn reseal_subject_secret(tx: &mut Tx, sealed: &Sealed) -> Result<(), DbError> {
    let statement = "UPDATE subject_secret SET secret = $1, encryption_key = $2 WHERE id = 1";
    on_engine!(tx, c => sqlx::query(statement).bind(&sealed.bytes).bind(&sealed.key).execute(c).await.map(drop)?);
    Ok(())
}

impl KeyRow {
    pub(super) fn sealed(&self) -> Sealed {
        Sealed {
            key: self.encryption_key.clone(),
            bytes: self.private_key.clone(),
        }
    }

    pub(super) fn state(&self) -> Option<KeyState> {
        KeyState::from_name(&self.state)
    }
}

/// Deletes the keys that were published before `restored_at`, and every public key of earlier ones: a key that
/// was deleted because it leaked may be among them.
pub(super) async fn delete_restored(tx: &mut Tx, restored_at: Timestamp) -> Result<(), DbError> {
    in_both_tables!(tx, "DELETE FROM", "WHERE published_at < $1", restored_at);
    on_engine!(tx, c => sqlx::query("DELETE FROM past_keys").execute(c).await.map(drop)?);
    Ok(())
}

/// The number of keys that an earlier release reads.
#[cfg(test)]
pub(super) async fn count_for_earlier_release(db: &mut impl Connection) -> Result<i64, DbError> {
    Ok(
        on_engine!(db, c => sqlx::query_scalar("SELECT COUNT(*) FROM signing_keys")
        .fetch_one(c).await?),
    )
}

/// Inserts a key as a later release might.
#[cfg(test)]
pub(super) async fn insert_of_later_release(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "INSERT INTO further_signing_keys (kid, algorithm, state, private_key, encryption_key, published_at, activates_at)
         SELECT 'later', 'ML-DSA-44', 'active', private_key, encryption_key, $1, $1 FROM signing_keys LIMIT 1")
        .bind(now).execute(c).await.map(drop)?);
    Ok(())
}
