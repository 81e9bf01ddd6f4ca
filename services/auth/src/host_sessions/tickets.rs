//! Tickets: the one-use secrets that carry a sign-in from this service to a protected host, in the address of a redirect.

use std::time::Duration;

use chassis::db::DbError;
use chassis::secret::{Token, TokenHash};
use forward_auth::{Origin, ReturnPath};
use uuid::Uuid;

use super::{HostSessions, store};

/// The lifetime of a ticket.
pub(super) const LIFETIME: Duration = Duration::from_secs(60);

/// A ticket to issue.
#[derive(Clone, Copy, Debug)]
pub struct NewTicket<'a> {
    /// The host that it is for.
    pub origin: &'a Origin,
    /// The sign-in session that it is made of.
    pub session_id: Uuid,
    /// SHA-256 of the nonce that the browser has in a cookie of the host.
    pub nonce: &'a [u8],
    /// The path that the person wanted.
    pub return_path: &'a ReturnPath,
}

/// A ticket that came back, with what the browser has at the host.
#[derive(Clone, Copy, Debug)]
pub struct HostSignIn<'a> {
    /// The host.
    pub origin: &'a Origin,
    /// The ticket in the address.
    pub ticket: &'a Token,
    /// The nonce in the cookie.
    pub nonce: &'a Token,
    /// The session that the browser has at the host, which is replaced.
    pub before: Option<&'a Token>,
}

/// The outcome of a redeemed ticket.
#[derive(Debug)]
pub struct RedeemedTicket {
    /// The token of the session at the host, for its cookie.
    pub token: Token,
    /// The person.
    pub account_id: Uuid,
    /// The path that the person wanted.
    pub return_path: ReturnPath,
}

impl HostSessions {
    /// Issues a ticket. `None` when the session has ended, or has too many tickets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn issue_ticket(&self, new: NewTicket<'_>) -> Result<Option<Token>, DbError> {
        let ticket = self.random.token();
        let row = store::TicketRow {
            ticket: &ticket.hash(),
            new: &new,
            expires_at: self.clock.now() + LIFETIME,
        };
        let mut tx = self.db.begin_shared("host_ticket").await?;
        let inserted = store::insert_ticket(&mut tx, &row, self.clock.now()).await;
        Ok(tx.finish(inserted).await?.then_some(ticket))
    }

    /// Redeems a ticket at its host and in its browser, once, and starts the session there. `None` when it is not valid.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn redeem_ticket(&self, sent: HostSignIn<'_>) -> Result<Option<RedeemedTicket>, DbError> {
        let now = self.clock.now();
        let token = self.random.token();
        let (ticket, nonce) = (sent.ticket.hash(), sent.nonce.hash());
        let mut tx = self.db.begin("host_sign_in").await?;
        // The sign-in session is locked first, as by what ends it.
        let Some(live) = store::lock_session_of_ticket(&mut tx, &ticket, now).await? else {
            return Ok(None);
        };
        let Some(return_to) = store::use_ticket(&mut tx, &ticket, sent.origin, &nonce, now).await? else {
            return Ok(None);
        };
        if let Some(before) = sent.before {
            store::delete(&mut tx, &before.hash(), sent.origin).await?;
        }
        let row = store::SessionRow {
            token: &token.hash(),
            origin: sent.origin,
            session_id: live.session_id,
            now,
            expires_at: now + self.lifetime,
        };
        store::insert(&mut tx, &row).await?;
        tx.commit().await?;
        if let Some(before) = sent.before {
            self.cache.remove(&TokenHash::of(before.expose()));
        }
        Ok(Some(RedeemedTicket {
            token,
            account_id: live.account_id,
            return_path: ReturnPath::parse(&return_to),
        }))
    }
}
