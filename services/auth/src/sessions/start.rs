//! The start of a session, its renewal, and the replacement of its token.

use chassis::db::{DbError, Tx};
use chassis::http::ClientInfo;
use chassis::secret::Token;
use contract::SessionStarted;
use uuid::Uuid;

use super::{Session, SessionEnd, SessionLifetime, Sessions, StartError, StartedSession, store};
use crate::accounts::{self, SignedIn};
use crate::{credentials, subjects};

impl Sessions {
    /// Starts a browser's session with a new id and token (SB-12). The caller commits `tx`.
    ///
    /// # Errors
    /// [`StartError::Refused`] when the account may no longer sign in.
    pub async fn start(
        &self,
        tx: &mut Tx,
        who: &SignedIn,
        client: &ClientInfo,
    ) -> Result<StartedSession, StartError> {
        self.start_with_lifetime(tx, who, client, self.browser_lifetime())
            .await
    }

    /// Starts a session with this lifetime.
    ///
    /// # Errors
    /// [`StartError::Refused`] when the account may no longer sign in.
    pub async fn start_with_lifetime(
        &self,
        tx: &mut Tx,
        who: &SignedIn,
        client: &ClientInfo,
        lifetime: SessionLifetime,
    ) -> Result<StartedSession, StartError> {
        lock_active(tx, who.account_id).await?;
        let now = self.clock.now();
        let token = self.random.token();
        let session = Session::of(who, self.random.uuid(&*self.clock), now + lifetime.absolute);
        let row = store::NewSessionRow::of(&session, &token, client, now, lifetime);
        store::insert(tx, &row).await?;
        self.record_sign_in(tx, who, &session, client).await?;
        Ok(StartedSession { session, token })
    }

    /// Renews the browser's session `before` after its account has authenticated again. The session gets a new
    /// token (SB-12) and `auth_time` and keeps its id, so that its grants stay live. Returns `None` when the
    /// session belongs to another account or has ended. Then [`Self::start`] has to be called. The caller commits `tx`.
    ///
    /// # Errors
    /// [`StartError::Refused`] when the account may no longer sign in.
    pub async fn renew(
        &self,
        tx: &mut Tx,
        before: &Session,
        who: &SignedIn,
        client: &ClientInfo,
    ) -> Result<Option<StartedSession>, StartError> {
        if before.account_id != who.account_id {
            return Ok(None);
        }
        lock_active(tx, who.account_id).await?;
        let now = self.clock.now();
        let lifetime = self.browser_lifetime();
        let token = self.random.token();
        let session = Session::of(who, before.id, now + lifetime.absolute);
        let row = store::NewSessionRow::of(&session, &token, client, now, lifetime);
        if !store::renew(tx, &row).await? {
            return Ok(None);
        }
        self.record_sign_in(tx, who, &session, client).await?;
        Ok(Some(StartedSession { session, token }))
    }

    /// Renews the browser's session `before` when it belongs to the same account. Otherwise it starts one and
    /// ends `before`. The caller commits `tx`.
    ///
    /// # Errors
    /// [`StartError::Refused`] when the account may no longer sign in.
    pub async fn start_or_renew(
        &self,
        tx: &mut Tx,
        before: Option<&Session>,
        who: &SignedIn,
        client: &ClientInfo,
    ) -> Result<StartedSession, StartError> {
        let Some(before) = before else {
            return self.start(tx, who, client).await;
        };
        if let Some(renewed) = self.renew(tx, before, who, client).await? {
            return Ok(renewed);
        }
        if before.account_id < who.account_id {
            // Two accounts are locked in the order of their ids, because another transaction may change between
            // them in reverse.
            accounts::lock(tx, before.account_id).await?;
        }
        let started = self.start(tx, who, client).await?;
        self.end(tx, before.id, SessionEnd::SignedOut).await?;
        Ok(started)
    }

    /// Records a sign-in in the transaction that stored its session: clears the failures and appends the event.
    async fn record_sign_in(
        &self,
        tx: &mut Tx,
        who: &SignedIn,
        session: &Session,
        client: &ClientInfo,
    ) -> Result<(), StartError> {
        // This runs under the account's lock. A transaction that sets a password takes the same lock and then
        // ends the sessions.
        if credentials::changed_since(tx, who.account_id, who.password_of).await? {
            return Err(StartError::Refused);
        }
        who.clear_failures(tx).await?;
        if let Some(device) = &who.device {
            accounts::touch_device(tx, device, self.clock.now()).await?;
        }
        let event = |version| SessionStarted {
            id: session.id,
            user_id: who.account_id,
            amr: session.amr.clone(),
            client_ip: client.ip.map(|ip| ip.to_string()),
            version,
        };
        self.accounts.append_event(tx, who.account_id, event).await?;
        Ok(())
    }

    /// Replaces the token of a live session without a sign-in. Returns its account and the new token. The account
    /// is locked until the transaction ends.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn replace_token(
        &self,
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
        let token = self.random.token();
        let replaced = store::replace_token(tx, id, &token.hash(), self.clock.now()).await?;
        Ok(replaced.then_some((account, token)))
    }
}

/// Locks an active subject and its account until the transaction ends. A transaction that disables or erases
/// them, or sets a password, waits and then finds the sessions to end.
///
/// Rows are locked in one order, to avoid deadlocks: the subject, the account, its sessions, grants and
/// links. Of two accounts, the one with the lower id comes first.
async fn lock_active(tx: &mut Tx, account: Uuid) -> Result<(), StartError> {
    if subjects::lock_active(tx, account).await? && accounts::lock(tx, account).await? {
        return Ok(());
    }
    Err(StartError::Refused)
}
