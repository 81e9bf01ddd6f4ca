//! One-time links: the set-up link, which makes the first administrator, and invitations to choose a
//! password. What a link does is in [`crate::setup`].
//!
//! There are no default credentials (SB-11). As long as there is no administrator, every start of the service
//! logs a new set-up link and invalidates earlier ones. A link works once and for a day. When its
//! registration is rejected, for example because the name is taken, the link is valid again.

mod store;

use std::time::Duration;

use chassis::clock::{SKEW, SharedClock, Timestamp};
use chassis::db::{Db, DbError, Tx};
use chassis::http::PublicUrl;
use chassis::random::SharedRandom;
use chassis::secret::{Token, TokenHash};
use contract::paths::auth::SETUP;
pub(crate) use store::{
    consume_administrator_link, consume_invitation, delete_all, delete_by_account, reopen,
};
use url::Url;
use uuid::Uuid;

use crate::{accounts, subjects};

/// The lifetime of a set-up link.
pub const SETUP_LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The lifetime of an invitation.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(72 * 3600);

/// The purpose of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It makes the first administrator.
    Administrator,
    /// It sets the password of an account.
    Invitation {
        /// The user name of the account. It is `None` while the registration is pending.
        user_name: Option<String>,
    },
}

/// The one-time links of this installation.
#[derive(Clone)]
pub struct SetUpLinks {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    /// The issuer, under which the page of a link is.
    issuer: PublicUrl,
}

impl SetUpLinks {
    /// The links that stand in `db`.
    pub fn new(db: Db, clock: SharedClock, random: SharedRandom, issuer: PublicUrl) -> Self {
        Self {
            db,
            clock,
            random,
            issuer,
        }
    }

    /// Issues a new set-up link for the operator when there is no administrator. Earlier ones become invalid. Of
    /// replicas that start at the same moment, one issues a link and the others get `None`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn issue_setup_link(&self) -> Result<Option<Url>, DbError> {
        let mut tx = self.db.begin("setup_link").await?;
        let before = store::unused_administrator_link(&mut tx).await?;
        store::lock(&mut tx).await?;
        if subjects::has_administrator(&mut tx).await? || store::is_administrator_pending(&mut tx).await? {
            return Ok(None);
        }
        let open = store::unused_administrator_link(&mut tx).await?;
        if open.is_some() && open != before {
            // Another replica has issued it while this one waited, and shows it. It stays valid.
            return Ok(None);
        }
        store::delete_unused_administrator_links(&mut tx).await?;
        let now = self.clock.now();
        let token = self.random.token();
        store::insert(&mut tx, &token.hash(), None, now, now + SETUP_LINK_LIFETIME).await?;
        tx.commit().await?;
        Ok(Some(self.setup_url(&token)))
    }

    /// Issues an invitation, with which the password of an account can be set. Earlier invitations of the account
    /// become invalid.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn issue_invitation(&self, tx: &mut Tx, account: Uuid) -> Result<Url, DbError> {
        let now = self.clock.now();
        let token = self.random.token();
        accounts::lock(tx, account).await?;
        store::delete_by_account(tx, account).await?;
        store::insert(tx, &token.hash(), Some(account), now, now + INVITATION_LIFETIME).await?;
        Ok(self.setup_url(&token))
    }

    /// Issues an invitation to an account whose user is known. Returns `None` when there is no such user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn invite(&self, account: Uuid) -> Result<Option<Url>, DbError> {
        let mut tx = self.db.begin("admin_invite").await?;
        if subjects::find(&mut tx, account).await?.is_none() {
            return Ok(None);
        }
        let link = self.issue_invitation(&mut tx, account).await?;
        tx.commit().await?;
        Ok(Some(link))
    }

    fn setup_url(&self, token: &Token) -> Url {
        let mut url = self.issuer.url().clone();
        url.set_path(&self.issuer.local(SETUP));
        url.query_pairs_mut().append_pair("token", token.expose());
        url
    }

    /// The purpose of a valid link. It changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inspect(&self, token: &Token) -> Result<Option<Purpose>, DbError> {
        let mut reader = self.db.reader().await?;
        let Some(link) = store::find(&mut reader, &token.hash(), self.clock.now()).await? else {
            return Ok(None);
        };
        match link.account_id {
            Some(account) => {
                let subject = subjects::find(&mut reader, account).await?;
                let user_name = subject.map(|subject| subject.user_name);
                Ok(Some(Purpose::Invitation { user_name }))
            }
            None if subjects::has_administrator(&mut reader).await? => Ok(None),
            None => Ok(Some(Purpose::Administrator)),
        }
    }

    /// The account that a valid invitation invites. It changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn invited_account(&self, token: &TokenHash) -> Result<Option<Uuid>, DbError> {
        let link = store::find(&mut self.db.reader().await?, token, self.clock.now()).await?;
        Ok(link.and_then(|link| link.account_id))
    }
}

/// Deletes links that expired long ago, and corrects those that were made before the clock was set back.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    store::correct_times(tx, now, now + SKEW).await?;
    store::sweep(tx, now - SETUP_LINK_LIFETIME).await
}
