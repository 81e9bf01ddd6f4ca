//! Sign-in sessions: a browser's proof that a person signed in, an opaque token of which only the hash is stored.

pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::clock::{SKEW, Timestamp};
use chassis::db::{DbError, Tx};

use chassis::secret::Token;
pub use contract::SessionEnd;
use contract::{SessionEnded, SessionStarted};
use uuid::Uuid;

use crate::accounts::{self, SignedIn, append_event};
use crate::app::App;
use crate::credentials;
use crate::grants;
use crate::http::ClientInfo;
use crate::{registration, subjects};

/// How often at most a session in use is written to.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// A live session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Names the session in events, tokens (`sid`) and lists. Never a secret.
    pub id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// When the person proved who they are (OpenID Connect Core §2).
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// When it ends whatever happens.
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

/// A session just made, with the secret that goes into the cookie.
#[derive(Debug)]
pub struct StartedSession {
    /// The session.
    pub session: Session,
    /// For the browser, once. Only its hash is stored.
    pub token: Token,
}

/// Why a session did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The account was disabled or got another password while the password was checked: answer as for a wrong one.
    #[error("the account may not sign in now")]
    Refused,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// How long a session lives.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetime {
    /// Without use.
    pub idle: Duration,
    /// Used or not.
    pub absolute: Duration,
}

impl SessionLifetime {
    /// How long the session of a browser lives.
    fn of_browser(app: &App) -> Self {
        Self {
            idle: app.settings.sessions.idle(),
            absolute: app.settings.sessions.absolute(),
        }
    }
}

/// Starts a browser's session with a new id and token (SB-12). `tx` is committed by the caller.
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

/// Starts a session that lives as long as `lifetime` says.
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

/// Goes on with `before`, the browser's session, when the person of it proves again who they are: the session gets a
/// new token (SB-12) and `auth_time` and keeps its id, so that what was granted in it lives on. `None` when it is another
/// person's, or has ended: then [`start`] one. `tx` is committed by the caller.
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

/// Goes on with `before`, the session of the browser, if it is the same person's; otherwise starts one, and another
/// person's ends. `tx` is committed by the caller.
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
        // Two accounts are held by the order of their ids: somebody may change places the other way round.
        accounts::store::lock(tx, before.account_id).await?;
    }
    let started = start(app, tx, who, client).await?;
    end(app, tx, before.id, SessionEnd::SignedOut).await?;
    Ok(started)
}

/// Holds a person who may sign in, and their account, until the transaction ends. Whoever disables or erases them, or
/// chooses a password, waits, and then finds the sessions to end.
///
/// Everything that holds several of them does it in one order: the person, the account, its sessions, grants and links; of two
/// accounts, the one with the lower id first. Otherwise two would wait for each other.
async fn lock_active(tx: &mut Tx, account: Uuid) -> Result<(), StartError> {
    if subjects::store::lock_active(tx, account).await? && accounts::store::lock(tx, account).await? {
        return Ok(());
    }
    Err(StartError::Refused)
}

/// What happens with every sign-in, in the transaction that stored its session.
async fn record_sign_in(
    app: &App,
    tx: &mut Tx,
    who: &SignedIn,
    session: &Session,
    client: &ClientInfo,
) -> Result<(), StartError> {
    // Under the account's lock: whoever chooses a password holds it too, and then ends the sessions that there are.
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

/// Gives a live session a new token in place of the one that it has, without a sign-in; whose it is, and the token. Its
/// account is held until the transaction ends.
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

/// The live session of `token`, if there is one. A session in use is kept from going idle by a write of its own, once
/// a minute at most.
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

/// A session that was seen before the clock went back: it goes on, and ends no later for it. A sign-in of unknown age
/// counts as an old one, so that whoever asks for a recent one gets it.
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

/// Ends one session and revokes what was granted in it. Whether there was one.
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

/// Ends every session of an account, revokes everything granted to it, and forgets its known devices and what would sign
/// in a browser after a registration. How many sessions there were.
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

/// Removes sessions that are over, a batch at a time. How many.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(app: &App, tx: &mut Tx) -> Result<u64, DbError> {
    let now = app.clock.now();
    let mut gone = 0;
    for (account, id) in store::expired(tx, now).await? {
        accounts::store::lock(tx, account).await?;
        // Meanwhile it may have gone on, or another replica may have ended it.
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
