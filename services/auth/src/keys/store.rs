//! The tables `signing_keys`, `past_keys` and `key_ring`.

use chassis::cipher::Sealed;
use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;

use super::schedule::{KeyState, PlannedKey};

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
         FROM signing_keys ORDER BY published_at, kid")
        .fetch_all(c).await?))
}

pub(super) async fn insert(
    tx: &mut Tx,
    plan: &PlannedKey,
    kid: &str,
    sealed: &Sealed,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "INSERT INTO signing_keys (kid, algorithm, state, private_key, encryption_key, published_at, activates_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
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
    on_engine!(tx, c => sqlx::query(
        "UPDATE signing_keys SET state = 'retired', retired_at = $2, removes_at = $3
         WHERE kid = $1 AND state = 'active'")
        .bind(kid).bind(now).bind(removes_at).execute(c).await.map(drop)?);
    Ok(())
}

/// Activates a published key.
pub(super) async fn activate(tx: &mut Tx, kid: &str, now: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "UPDATE signing_keys SET state = 'active', activates_at = $2 WHERE kid = $1 AND state = 'published'")
        .bind(kid).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

/// Sets when a published key becomes active.
pub(super) async fn set_activation(tx: &mut Tx, kid: &str, activates_at: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "UPDATE signing_keys SET activates_at = $2 WHERE kid = $1 AND state = 'published'")
        .bind(kid).bind(activates_at).execute(c).await.map(drop)?);
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
    on_engine!(tx, c => {
        sqlx::query("DELETE FROM signing_keys").execute(&mut *c).await?;
        sqlx::query("DELETE FROM past_keys").execute(c).await?;
    });
    Ok(())
}

/// Deletes a retired key.
pub(super) async fn remove(tx: &mut Tx, kid: &str) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM signing_keys WHERE kid = $1 AND state = 'retired'")
        .bind(kid).execute(c).await.map(drop)?);
    Ok(())
}

/// Replaces the encrypted private key.
pub(super) async fn reseal(tx: &mut Tx, kid: &str, sealed: &Sealed) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
        "UPDATE signing_keys SET private_key = $2, encryption_key = $3 WHERE kid = $1")
        .bind(kid).bind(&sealed.bytes).bind(&sealed.key).execute(c).await.map(drop)?);
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
    on_engine!(tx, c => {
        sqlx::query("DELETE FROM signing_keys WHERE published_at < $1").bind(restored_at).execute(&mut *c).await?;
        sqlx::query("DELETE FROM past_keys").execute(c).await?;
    });
    Ok(())
}
