//! The table `consents`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use uuid::Uuid;

/// A stored consent.
#[derive(Debug, sqlx_macros::FromRow)]
pub(super) struct ConsentRow {
    pub(super) client_id: String,
    pub(super) scope: String,
    /// The audiences, separated by spaces.
    pub(super) audiences: String,
    pub(super) granted_at: Timestamp,
}

/// The scope that a subject allowed to a client, and the audiences. A release before wrote none of these.
pub(super) async fn find(
    db: &mut impl Connection,
    subject: Uuid,
    client: &str,
) -> Result<Option<(String, Option<String>)>, DbError> {
    let statement = "SELECT scope, audiences FROM consents WHERE subject = $1 AND client_id = $2";
    Ok(on_engine!(db, c => sqlx::query_as(statement).bind(subject).bind(client).fetch_optional(c).await?))
}

/// The consents of a subject, in the order of the clients.
pub(super) async fn list(db: &mut impl Connection, subject: Uuid) -> Result<Vec<ConsentRow>, DbError> {
    let statement = "SELECT client_id, scope, COALESCE(audiences, '') AS audiences, granted_at FROM consents
        WHERE subject = $1 ORDER BY client_id";
    Ok(on_engine!(db, c => sqlx::query_as(statement).bind(subject).fetch_all(c).await?))
}

/// A consent to store.
pub(super) struct NewConsent<'a> {
    pub(super) subject: Uuid,
    pub(super) client: &'a str,
    /// The id of the client in events.
    pub(super) aggregate: Uuid,
    pub(super) scope: &'a str,
    pub(super) audiences: &'a str,
}

/// Stores a consent, in place of a former one, if the client is still there. Returns whether it was stored. The client is held, so
/// that a transaction that deletes it waits, and then deletes this row.
pub(super) async fn upsert(tx: &mut Tx, new: &NewConsent<'_>, now: Timestamp) -> Result<bool, DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO consents (subject, client_id, scope, granted_at, updated_at, audiences) SELECT $1, $2, $3, $4, $4, $6
            WHERE EXISTS (SELECT 1 FROM clients WHERE id = $2 AND aggregate_id = $5)
            ON CONFLICT (subject, client_id) DO UPDATE SET scope = excluded.scope, updated_at = excluded.updated_at,
                audiences = excluded.audiences",
        postgres: "INSERT INTO consents (subject, client_id, scope, granted_at, updated_at, audiences) SELECT $1, $2, $3, $4, $4, $6
            WHERE EXISTS (SELECT 1 FROM clients WHERE id = $2 AND aggregate_id = $5 FOR KEY SHARE)
            ON CONFLICT (subject, client_id) DO UPDATE SET scope = excluded.scope, updated_at = excluded.updated_at,
                audiences = excluded.audiences",
    );
    let stored = on_engine!(tx, c => sqlx::query(statement).bind(new.subject).bind(new.client).bind(new.scope).bind(now)
        .bind(new.aggregate).bind(new.audiences).execute(c).await?.rows_affected());
    Ok(stored == 1)
}

/// Deletes the consent of a subject to a client. Returns whether there was one.
pub(super) async fn delete(tx: &mut Tx, subject: Uuid, client: &str) -> Result<bool, DbError> {
    let statement = "DELETE FROM consents WHERE subject = $1 AND client_id = $2";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(subject).bind(client).execute(c).await?.rows_affected())
            == 1,
    )
}

/// Deletes every consent to a client.
pub(super) async fn delete_by_client(tx: &mut Tx, client: &str) -> Result<(), DbError> {
    let statement = "DELETE FROM consents WHERE client_id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(client).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes every consent. Returns the subjects and clients, in the order in which accounts are locked.
pub(super) async fn delete_all(tx: &mut Tx) -> Result<Vec<(Uuid, String)>, DbError> {
    let statement = "DELETE FROM consents RETURNING subject, client_id";
    let mut all: Vec<(Uuid, String)> = on_engine!(tx, c => sqlx::query_as(statement).fetch_all(c).await?);
    all.sort_unstable();
    Ok(all)
}
