//! Sign-in sessions. A browser has an opaque session token, of which only the hash is stored.

mod settings;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::clock::{SKEW, Timestamp};
use chassis::db::{DbError, Tx};

use chassis::secret::Token;
pub use contract::SessionEnd;
use contract::{SessionEnded, SessionStarted};
pub use settings::SessionSettings;
use uuid::Uuid;

use crate::accounts::{self, SignedIn, append_event};
use crate::app::App;
use crate::credentials;
use crate::grants;
use crate::{registration, subjects};
use chassis::http::ClientInfo;

/// How often a session in use is written at most.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// A live session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The id of the session in events, tokens (`sid`) and lists. It is not secret.
    pub id: Uuid,
    /// The account of the session.
    pub account_id: Uuid,
    /// The time of the authentication (OpenID Connect Core §2, `auth_time`).
    pub auth_time: Timestamp,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

impl Session {
    fn of(who: &SignedIn, id: Uuid, expires_at: Timestamp) -> Self {
        Self {
            id,
            account_id: who.account_id,
            auth_time: who.auth_time,
            amr: who.amr.clone(),
            expires_at,
        }
    }
}

/// A session that was just started, with its token.
#[derive(Debug)]
pub struct StartedSession {
    /// The session.
    pub session: Session,
    /// The session token for the browser. Only its hash is stored.
    pub token: Token,
}

/// Why a session did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The account was disabled or its password was changed while the password was verified. The response has
    /// to be the same as for invalid credentials.
    #[error("the account may not sign in now")]
    Refused,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// How long a session lives.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetime {
    /// The lifetime without use.
    pub idle: Duration,
    /// The lifetime, used or not.
    pub absolute: Duration,
}

impl SessionLifetime {
    /// The lifetime of a browser's session.
    fn of_browser(app: &App) -> Self {
        Self {
            idle: app.settings.sessions.idle(),
            absolute: app.settings.sessions.absolute(),
        }
    }
}

/// Starts a browser's session with a new id and token (SB-12). The caller commits `tx`.
///
/// # Errors
/// [`StartError::Refused`] when the account may no longer sign in.
pub async fn start(
    app: &App,
    tx: &mut Tx,
    who: &SignedIn,
    client: &ClientInfo,
) -> Result<StartedSession, StartError> {
    start_with_lifetime(app, tx, who, client, SessionLifetime::of_browser(app)).await
}

/// Starts a session with this lifetime.
///
/// # Errors
/// [`StartError::Refused`] when the account may no longer sign in.
pub async fn start_with_lifetime(
    app: &App,
    tx: &mut Tx,
    who: &SignedIn,
    client: &ClientInfo,
    lifetime: SessionLifetime,
) -> Result<StartedSession, StartError> {
    lock_active(tx, who.account_id).await?;
    let now = app.clock.now();
    let token = app.random.token();
    let session = Session::of(who, app.random.uuid(&*app.clock), now + lifetime.absolute);
    let row = store::NewSessionRow::of(&session, &token, client, now, lifetime);
    store::insert(tx, &row).await?;
    record_sign_in(app, tx, who, &session, client).await?;
    Ok(StartedSession { session, token })
}

/// Renews the browser's session `before` after its account has authenticated again. The session gets a new
/// token (SB-12) and `auth_time` and keeps its id, so that its grants stay live. Returns `None` when the
/// session belongs to another account or has ended. Then [`start`] has to be called. The caller commits `tx`.
///
/// # Errors
/// [`StartError::Refused`] when the account may no longer sign in.
pub async fn renew(
    app: &App,
    tx: &mut Tx,
    before: &Session,
    who: &SignedIn,
    client: &ClientInfo,
) -> Result<Option<StartedSession>, StartError> {
    if before.account_id != who.account_id {
        return Ok(None);
    }
    lock_active(tx, who.account_id).await?;
    let now = app.clock.now();
    let lifetime = SessionLifetime::of_browser(app);
    let token = app.random.token();
    let session = Session::of(who, before.id, now + lifetime.absolute);
    let row = store::NewSessionRow::of(&session, &token, client, now, lifetime);
    if !store::renew(tx, &row).await? {
        return Ok(None);
    }
    record_sign_in(app, tx, who, &session, client).await?;
    Ok(Some(StartedSession { session, token }))
}

/// Renews the browser's session `before` when it belongs to the same account. Otherwise it starts one and
/// ends `before`. The caller commits `tx`.
///
/// # Errors
/// [`StartError::Refused`] when the account may no longer sign in.
pub async fn start_or_renew(
    app: &App,
    tx: &mut Tx,
    before: Option<&Session>,
    who: &SignedIn,
    client: &ClientInfo,
) -> Result<StartedSession, StartError> {
    let Some(before) = before else {
        return start(app, tx, who, client).await;
    };
    if let Some(renewed) = renew(app, tx, before, who, client).await? {
        return Ok(renewed);
    }
    if before.account_id < who.account_id {
        // Two accounts are locked in the order of their ids, because another transaction may change between
        // them in reverse.
        accounts::store::lock(tx, before.account_id).await?;
    }
    let started = start(app, tx, who, client).await?;
    end(app, tx, before.id, SessionEnd::SignedOut).await?;
    Ok(started)
}

/// Locks an active subject and its account until the transaction ends. A transaction that disables or erases
/// them, or sets a password, waits and then finds the sessions to end.
///
/// Rows are locked in one order, to avoid deadlocks: the subject, the account, its sessions, grants and
/// links. Of two accounts, the one with the lower id comes first.
async fn lock_active(tx: &mut Tx, account: Uuid) -> Result<(), StartError> {
    if subjects::store::lock_active(tx, account).await? && accounts::store::lock(tx, account).await? {
        return Ok(());
    }
    Err(StartError::Refused)
}

/// Records a sign-in in the transaction that stored its session: clears the failures and appends the event.
async fn record_sign_in(
    app: &App,
    tx: &mut Tx,
    who: &SignedIn,
    session: &Session,
    client: &ClientInfo,
) -> Result<(), StartError> {
    // This runs under the account's lock. A transaction that sets a password takes the same lock and then
    // ends the sessions.
    if credentials::store::changed_since(tx, who.account_id, who.password_of).await? {
        return Err(StartError::Refused);
    }
    who.clear_failures(tx).await?;
    if let Some(device) = &who.device {
        accounts::store::touch_device(tx, device, app.clock.now()).await?;
    }
    let event = |version| SessionStarted {
        id: session.id,
        user_id: who.account_id,
        amr: session.amr.clone(),
        client_ip: client.ip.map(|ip| ip.to_string()),
        version,
    };
    append_event(app, tx, who.account_id, event).await?;
    Ok(())
}

/// Replaces the token of a live session without a sign-in. Returns its account and the new token. The account
/// is locked until the transaction ends.
///
/// # Errors
/// When the database fails.
pub(crate) async fn replace_token(
    app: &App,
    tx: &mut Tx,
    id: Uuid,
) -> Result<Option<(Uuid, Token)>, DbError> {
    let Some(account) = store::account_of(tx, id).await? else {
        return Ok(None);
    };
    match lock_active(tx, account).await {
        Ok(()) => {}
        Err(StartError::Refused) => return Ok(None),
        Err(StartError::Db(error)) => return Err(error),
    }
    let token = app.random.token();
    let replaced = store::replace_token(tx, id, &token.hash(), app.clock.now()).await?;
    Ok(replaced.then_some((account, token)))
}

/// The live session of `token`. A session in use is touched once a minute at most, so that it does not become
/// idle.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, token: &Token) -> Result<Option<Session>, DbError> {
    let now = app.clock.now();
    let mut reader = app.db.reader().await?;
    let Some(row) = store::find(&mut reader, &token.hash(), now).await? else {
        return Ok(None);
    };
    drop(reader);
    if row.last_seen_at > now + SKEW {
        return correct_clock_skew(app, row, now).await.map(Some);
    }
    if now.since(row.last_seen_at) >= TOUCH_EVERY {
        let mut tx = app.db.begin("session_touch").await?;
        let idle_until = (now + app.settings.sessions.idle()).min(row.expires_at);
        store::touch(&mut tx, row.id, now, idle_until, now - TOUCH_EVERY).await?;
        tx.commit().await?;
    }
    Ok(Some(row.into()))
}

/// Corrects a session that was written before the clock was set back. It stays live and does not end later. A
/// sign-in of unknown age counts as an old one, so that a request for a recent sign-in gets one.
async fn correct_clock_skew(
    app: &App,
    mut row: store::SessionRow,
    now: Timestamp,
) -> Result<Session, DbError> {
    let lifetime = &app.settings.sessions;
    row.expires_at = row.expires_at.min(now + lifetime.absolute());
    if row.auth_time > now {
        row.auth_time = now - lifetime.absolute();
    }
    let idle_until = (now + lifetime.idle()).min(row.expires_at);
    let mut tx = app.db.begin("session_touch").await?;
    store::correct_times(&mut tx, &row, now, idle_until).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// Ends one session and revokes its grants. Returns whether it existed.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, tx: &mut Tx, id: Uuid, reason: SessionEnd) -> Result<bool, DbError> {
    let Some(account) = store::account_of(tx, id).await? else {
        return Ok(false);
    };
    accounts::store::lock(tx, account).await?;
    if !store::delete(tx, id).await? {
        return Ok(false);
    }
    record_end(app, tx, account, id, reason).await?;
    Ok(true)
}

/// Ends every session of an account, revokes its grants, and deletes its known devices and its registration
/// proof. Returns the number of sessions.
///
/// # Errors
/// When the database fails.
pub async fn end_all(app: &App, tx: &mut Tx, account: Uuid, reason: SessionEnd) -> Result<u64, DbError> {
    accounts::store::lock(tx, account).await?;
    grants::revoke_for_account(tx, account, app.clock.now()).await?;
    accounts::forget_devices(tx, account).await?;
    registration::store::clear_proof(tx, account).await?;
    let ids = store::delete_by_account(tx, account).await?;
    for &id in &ids {
        record_end(app, tx, account, id, reason).await?;
    }
    Ok(ids.len() as u64)
}

/// Ends a batch of expired sessions. Returns their number.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(app: &App, tx: &mut Tx) -> Result<u64, DbError> {
    let now = app.clock.now();
    let mut gone = 0;
    for (account, id) in store::expired(tx, now).await? {
        accounts::store::lock(tx, account).await?;
        // The session may have been renewed meanwhile, or ended by another replica.
        if store::delete_expired(tx, id, now).await? {
            record_end(app, tx, account, id, SessionEnd::Expired).await?;
            gone += 1;
        }
    }
    Ok(gone)
}

async fn record_end(
    app: &App,
    tx: &mut Tx,
    account: Uuid,
    id: Uuid,
    reason: SessionEnd,
) -> Result<(), DbError> {
    grants::revoke_for_session(tx, id, app.clock.now()).await?;
    let event = |version| SessionEnded {
        id,
        user_id: account,
        reason,
        version,
    };
    append_event(app, tx, account, event).await.map(drop)
}

/// Ends every session, because the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(crate) async fn after_restore(app: &App, tx: &mut Tx) -> Result<(), DbError> {
    for account in store::accounts(tx).await? {
        end_all(app, tx, account, SessionEnd::Revoked).await?;
    }
    Ok(())
}
