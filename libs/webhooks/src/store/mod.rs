//! The statements about webhooks themselves.

pub(crate) mod log;
pub(crate) mod queue;

use chassis::cipher::Sealed;
use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use uuid::Uuid;

use crate::types::Types;

/// A webhook as it is stored.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct Webhook {
    pub(crate) id: Uuid,
    pub(crate) url: String,
    types: String,
    pub(crate) description: String,
    secret: Vec<u8>,
    secret_key: String,
    previous_secret: Option<Vec<u8>>,
    previous_secret_key: Option<String>,
    pub(crate) previous_until: Option<Timestamp>,
    pub(crate) disabled_at: Option<Timestamp>,
    pub(crate) disabled_reason: Option<String>,
    paused_until: Timestamp,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Webhook {
    pub(crate) fn types(&self) -> Types {
        Types::stored(&self.types)
    }

    /// True if something may be sent: it is neither disabled nor left alone for a while.
    pub(crate) fn may_be_called(&self, now: Timestamp) -> bool {
        self.disabled_at.is_none() && self.paused_until <= now
    }

    /// The secret that signs.
    pub(crate) fn secret(&self) -> Sealed {
        Sealed {
            key: self.secret_key.clone(),
            bytes: self.secret.clone(),
        }
    }

    /// The secret from before, whether it still signs or not.
    pub(crate) fn previous(&self) -> Option<Sealed> {
        Some(Sealed {
            key: self.previous_secret_key.clone()?,
            bytes: self.previous_secret.clone()?,
        })
    }

    /// The secret from before, while it signs beside the other.
    pub(crate) fn previous_at(&self, now: Timestamp) -> Option<Sealed> {
        self.previous()
            .filter(|_| self.previous_until.is_some_and(|until| until > now))
    }
}

/// A webhook about to be made.
#[derive(Debug)]
pub(crate) struct NewRow<'a> {
    pub(crate) id: Uuid,
    pub(crate) url: &'a str,
    pub(crate) types: &'a Types,
    pub(crate) description: &'a str,
    pub(crate) secret: &'a Sealed,
    pub(crate) now: Timestamp,
}

/// Writes a webhook that stands at the head of the feed.
pub(crate) async fn insert(tx: &mut Tx, new: &NewRow<'_>) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO webhooks (id, url, types, description, secret, secret_key, position, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, (SELECT last FROM outbox_feed), 1, $7, $7)")
            .bind(new.id)
            .bind(new.url)
            .bind(new.types.to_string())
            .bind(new.description)
            .bind(&new.secret.bytes)
            .bind(&new.secret.key)
            .bind(new.now)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Up to `limit` webhooks after `after`, in the order of their ids.
pub(crate) async fn list(
    reader: &mut impl Connection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Webhook>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT id, url, types, description, secret, secret_key, previous_secret, previous_secret_key, previous_until,
                    disabled_at, disabled_reason, paused_until, version, created_at, updated_at
             FROM webhooks WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

pub(crate) async fn find(reader: &mut impl Connection, id: Uuid) -> Result<Option<Webhook>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT id, url, types, description, secret, secret_key, previous_secret, previous_secret_key, previous_until,
                    disabled_at, disabled_reason, paused_until, version, created_at, updated_at
             FROM webhooks WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

/// Finds a webhook that stays as it is until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<Webhook>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT id FROM webhooks WHERE id = $1",
        postgres: "SELECT id FROM webhooks WHERE id = $1 FOR UPDATE",
    );
    let found: Option<Uuid> =
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?);
    match found {
        Some(id) => find(tx, id).await,
        None => Ok(None),
    }
}

/// The values that an operator changes.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) url: &'a str,
    pub(crate) types: &'a Types,
    pub(crate) description: &'a str,
    pub(crate) disabled: Option<(Timestamp, &'a str)>,
}

/// Writes what an operator changed. A pause that the receiver asked for ends.
pub(crate) async fn update(
    tx: &mut Tx,
    id: Uuid,
    change: &Change<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE webhooks SET url = $2, types = $3, description = $4, disabled_at = $5, disabled_reason = $6,
                                 paused_until = 0, version = version + 1, updated_at = $7
             WHERE id = $1")
            .bind(id)
            .bind(change.url)
            .bind(change.types.to_string())
            .bind(change.description)
            .bind(change.disabled.map(|(at, _)| at))
            .bind(change.disabled.map(|(_, reason)| reason))
            .bind(now)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// A new secret; the one that was there signs beside it until `until`.
pub(crate) async fn rotate(
    tx: &mut Tx,
    id: Uuid,
    secret: &Sealed,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE webhooks SET previous_secret = secret, previous_secret_key = secret_key, previous_until = $4,
                                 secret = $2, secret_key = $3, version = version + 1, updated_at = $5
             WHERE id = $1")
            .bind(id)
            .bind(&secret.bytes)
            .bind(&secret.key)
            .bind(until)
            .bind(now)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Removes a webhook with its deliveries, and answers whether there was one.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let gone = on_engine!(tx, c => {
        // The webhook first: a replica that is about to write deliveries for it waits, and finds nothing.
        let gone = sqlx::query("DELETE FROM webhooks WHERE id = $1").bind(id).execute(&mut *c).await?.rows_affected();
        sqlx::query("DELETE FROM webhook_deliveries WHERE webhook_id = $1").bind(id).execute(c).await?;
        gone
    });
    Ok(gone > 0)
}

/// The receiver is gone for good (410), unless it was moved meanwhile.
pub(crate) async fn disable_gone(tx: &mut Tx, id: Uuid, url: &str, now: Timestamp) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE webhooks SET disabled_at = $3, disabled_reason = 'gone', version = version + 1, updated_at = $3
             WHERE id = $1 AND url = $2 AND disabled_at IS NULL")
        .bind(id)
        .bind(url)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected() > 0))
}

/// The receiver asked to be left alone until `until`.
pub(crate) async fn pause(tx: &mut Tx, id: Uuid, until: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query("UPDATE webhooks SET paused_until = $2 WHERE id = $1 AND paused_until < $2")
            .bind(id)
            .bind(until)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Writes secrets encrypted anew, unless they were changed meanwhile.
pub(crate) async fn reseal(
    tx: &mut Tx,
    known: &Webhook,
    secret: &Sealed,
    previous: Option<&Sealed>,
) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE webhooks SET secret = $3, secret_key = $4, previous_secret = $5, previous_secret_key = $6
             WHERE id = $1 AND version = $2")
            .bind(known.id)
            .bind(known.version)
            .bind(&secret.bytes)
            .bind(&secret.key)
            .bind(previous.map(|sealed| &sealed.bytes))
            .bind(previous.map(|sealed| &sealed.key))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Forgets secrets that sign no more.
pub(crate) async fn forget_previous(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE webhooks SET previous_secret = NULL, previous_secret_key = NULL, previous_until = NULL
             WHERE previous_until <= $1")
            .bind(now)
            .execute(c)
            .await?;
    });
    Ok(())
}
