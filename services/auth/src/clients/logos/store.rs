//! The table `client_logos`.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;

use super::super::model::Client;
use super::{Logo, LogoState, StoredLogo};

/// A logo whose fetch is due.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct DueRow {
    pub(super) client_id: String,
    pub(super) logo_uri: String,
    pub(super) next_fetch_at: Timestamp,
    pub(super) failures: i64,
}

#[derive(sqlx_macros::FromRow)]
struct StateRow {
    logo_uri: String,
    next_fetch_at: Timestamp,
    error: Option<String>,
    fetched_at: Option<Timestamp>,
    digest: Option<String>,
    media_type: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
}

/// Writes which logo a client has, in the transaction that writes the client. A new address is fetched soon, and the image of
/// another one is deleted.
pub(in crate::clients) async fn follow(tx: &mut Tx, client: &Client, now: Timestamp) -> Result<(), DbError> {
    let id = client.id.as_str();
    let Some(uri) = &client.metadata.logo_uri else {
        let statement = "DELETE FROM client_logos WHERE client_id = $1";
        on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await.map(drop)?);
        return Ok(());
    };
    let statement = "INSERT INTO client_logos (client_id, logo_uri, next_fetch_at, failures) VALUES ($1, $2, $3, 0)
        ON CONFLICT (client_id) DO UPDATE SET logo_uri = excluded.logo_uri, next_fetch_at = excluded.next_fetch_at,
            failures = 0, error = NULL, fetched_at = NULL, digest = NULL, media_type = NULL, width = NULL, height = NULL,
            image = NULL
        WHERE client_logos.logo_uri <> excluded.logo_uri";
    on_engine!(tx, c => sqlx::query(statement).bind(id).bind(uri.as_str()).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

/// Some logos that are due, those of clients that registered themselves last. One that is further away than `longest` was written
/// by a clock that was ahead.
pub(super) async fn list_due(
    db: &mut impl Connection,
    now: Timestamp,
    longest: Duration,
    limit: i64,
) -> Result<Vec<DueRow>, DbError> {
    let statement = "SELECT logos.client_id, logos.logo_uri, logos.next_fetch_at, logos.failures
        FROM client_logos AS logos JOIN clients ON clients.id = logos.client_id
        WHERE logos.next_fetch_at <= $1 OR logos.next_fetch_at > $2
        ORDER BY CASE clients.origin WHEN 'registration' THEN 1 ELSE 0 END, logos.next_fetch_at, logos.client_id LIMIT $3";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(now).bind(now.latest(longest)).bind(limit)
        .fetch_all(c).await?),
    )
}

/// Claims a fetch until `until`. Returns whether no other replica was faster.
pub(super) async fn claim(tx: &mut Tx, row: &DueRow, until: Timestamp) -> Result<bool, DbError> {
    let statement = "UPDATE client_logos SET next_fetch_at = $4
        WHERE client_id = $1 AND logo_uri = $2 AND next_fetch_at = $3";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(&row.client_id).bind(&row.logo_uri).bind(row.next_fetch_at)
        .bind(until).execute(c).await?.rows_affected() == 1),
    )
}

/// Writes a fetched image, unless the client has another address by now.
pub(super) async fn put_image(
    tx: &mut Tx,
    row: &DueRow,
    logo: &StoredLogo,
    (now, next): (Timestamp, Timestamp),
) -> Result<(), DbError> {
    let statement = "UPDATE client_logos SET next_fetch_at = $3, failures = 0, error = NULL, fetched_at = $4, digest = $5,
            media_type = $6, width = $7, height = $8, image = $9
        WHERE client_id = $1 AND logo_uri = $2";
    on_engine!(tx, c => sqlx::query(statement).bind(&row.client_id).bind(&row.logo_uri).bind(next).bind(now)
        .bind(&logo.digest).bind(logo.header.format.media_type())
        .bind(i64::from(logo.header.width)).bind(i64::from(logo.header.height)).bind(logo.image.as_slice())
        .execute(c).await.map(drop)?);
    Ok(())
}

/// Writes that a fetch failed. The image of an earlier one stays.
pub(super) async fn put_failure(
    tx: &mut Tx,
    row: &DueRow,
    error: &str,
    next: Timestamp,
) -> Result<(), DbError> {
    let statement = "UPDATE client_logos SET next_fetch_at = $3, failures = failures + 1, error = $4
        WHERE client_id = $1 AND logo_uri = $2";
    on_engine!(tx, c => sqlx::query(statement).bind(&row.client_id).bind(&row.logo_uri).bind(next).bind(error)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// The digest of the image that a client has for `logo_uri`.
pub(super) async fn find_digest(
    db: &mut impl Connection,
    client_id: &str,
    logo_uri: &str,
) -> Result<Option<String>, DbError> {
    let statement =
        "SELECT digest FROM client_logos WHERE client_id = $1 AND logo_uri = $2 AND digest IS NOT NULL";
    Ok(
        on_engine!(db, c => sqlx::query_scalar(statement).bind(client_id).bind(logo_uri)
        .fetch_optional(c).await?),
    )
}

/// True if there is an image with this digest. The image is not read.
pub(super) async fn has_image(db: &mut impl Connection, digest: &str) -> Result<bool, DbError> {
    let statement = "SELECT EXISTS (SELECT 1 FROM client_logos WHERE digest = $1 AND image IS NOT NULL)";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(digest).fetch_one(c).await?))
}

/// The image with this digest.
pub(super) async fn find_image(db: &mut impl Connection, digest: &str) -> Result<Option<Logo>, DbError> {
    let statement =
        "SELECT media_type, image FROM client_logos WHERE digest = $1 AND image IS NOT NULL LIMIT 1";
    let found: Option<(String, Vec<u8>)> =
        on_engine!(db, c => sqlx::query_as(statement).bind(digest).fetch_optional(c).await?);
    Ok(found.and_then(|(media_type, image)| Logo::new(&media_type, image)))
}

/// The state of the logo of a client.
pub(super) async fn find_state(
    db: &mut impl Connection,
    client_id: &str,
) -> Result<Option<LogoState>, DbError> {
    let statement = "SELECT logo_uri, next_fetch_at, error, fetched_at, digest, media_type, width, height
        FROM client_logos WHERE client_id = $1";
    let found: Option<StateRow> =
        on_engine!(db, c => sqlx::query_as(statement).bind(client_id).fetch_optional(c).await?);
    Ok(found.map(|row| LogoState {
        logo_uri: row.logo_uri,
        digest: row.digest,
        media_type: row.media_type,
        width: row.width,
        height: row.height,
        fetched_at: row.fetched_at,
        error: row.error,
        next_fetch_at: row.next_fetch_at,
    }))
}
