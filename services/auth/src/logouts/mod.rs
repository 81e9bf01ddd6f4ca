//! Logouts: the clients that took part in a session hear that it has ended (OpenID Connect Back-Channel Logout 1.0 and
//! Front-Channel Logout 1.0).
//!
//! A client with a logout URI is noted when it gets a code in a session. The end of the session makes a delivery for each, in the same
//! transaction; [`crate::logout_delivery`] sends them. See `docs/decisions/0057-logout.md`.

mod store;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use uuid::Uuid;

#[cfg(test)]
pub(crate) use store::insert_delivery;
pub(crate) use store::{DeliveryRow, Shares, claim, delete, delete_all, due, put_off, sweep};

/// Notes that a client took part in a session.
///
/// # Errors
/// When the database fails.
pub(crate) async fn note_client(tx: &mut Tx, session: Uuid, client: &str) -> Result<(), DbError> {
    store::insert_client(tx, session, client).await
}

/// Takes the clients that took part in a session that has ended. With `notifies`, each gets a delivery. Returns their ids.
///
/// # Errors
/// When the database fails.
pub(crate) async fn end_session(
    tx: &mut Tx,
    session: Uuid,
    account: Uuid,
    now: Timestamp,
    notifies: bool,
) -> Result<Vec<String>, DbError> {
    let clients = store::delete_clients(tx, session).await?;
    if notifies {
        for client in &clients {
            store::insert_delivery(tx, session, client, account, now).await?;
        }
    }
    Ok(clients)
}

/// Ends what a client has of all sessions, because it will know people by other identifiers. Each session gives a delivery with the
/// identifiers of `sector`, which it knows so far, and so do the deliveries that are still due.
///
/// # Errors
/// When the database fails.
pub(crate) async fn end_for_client(
    tx: &mut Tx,
    client: &str,
    sector: Option<&str>,
    now: Timestamp,
) -> Result<(), DbError> {
    store::lock_sessions_of_client(tx, client).await?;
    store::insert_deliveries_of_client(tx, client, now).await?;
    store::insert_sectors(tx, client, sector.unwrap_or_default()).await?;
    store::delete_sessions_of_client(tx, client).await
}
