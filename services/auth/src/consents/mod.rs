//! Consents: what people allowed to applications of other parties, and its withdrawal (OpenID Connect Core §3.1.2.4).
//!
//! A consent is stored per person and client. A client that asks for more is allowed in addition; a withdrawal ends all of it.
//! See `docs/decisions/0056-consent.md`.

mod connections;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chassis::clock::SharedClock;
use chassis::db::{Connection, Db, DbError, Tx};
use contract::{ConsentChange, ConsentGranted, ConsentWithdrawn};
use oidc::authorization_details::AuthorizationDetails;
use oidc::consent::AllowedAccess;
use oidc::resource::Resource;
use oidc::scope::Scope;
use uuid::Uuid;

pub(crate) use connections::{ConnectedAccess, ConnectedClient};

use crate::accounts::{self, Accounts};
use crate::grants;

/// The access that a subject allows to a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance<'a> {
    /// The `client_id`, and the id of the client in events.
    pub(crate) client: (&'a str, Uuid),
    /// The audiences that the client is registered for, which the page named.
    pub(crate) audiences: &'a [Resource],
    /// The scope.
    pub(crate) scope: &'a Scope,
    /// The authorization details, which are allowed this once.
    pub(crate) details: &'a AuthorizationDetails,
}

/// The consents of this installation.
#[derive(Clone)]
pub struct Consents {
    db: Db,
    clock: SharedClock,
    accounts: Accounts,
}

impl Consents {
    /// The consents that stand in `db`.
    pub fn new(db: Db, clock: SharedClock, accounts: Accounts) -> Self {
        Self { db, clock, accounts }
    }

    /// Stores what a subject allowed to a client, in addition to the scope that was allowed for these audiences before. A scope that was allowed for
    /// others is replaced, because nobody was asked about it at these. The event is appended when that is more
    /// than before, and for authorization details each time, because they are allowed this once (SB-40). Returns the access that is allowed now, or
    /// `None` when the subject has no account or the client was deleted. The caller commits `tx`.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn grant(
        &self,
        tx: &mut Tx,
        subject: Uuid,
        allowance: Allowance<'_>,
    ) -> Result<Option<AllowedAccess>, DbError> {
        let Allowance {
            client: (client, aggregate),
            audiences,
            scope,
            details,
        } = allowance;
        if !accounts::lock(tx, subject).await? {
            return Ok(None);
        }
        let before = find(tx, subject, client).await?;
        let before = before.filter(|before| before.is_for(audiences));
        if details.is_empty() && before.as_ref().is_some_and(|before| before.scope.covers(scope)) {
            return Ok(before);
        }
        let both = before
            .iter()
            .flat_map(|before| before.scope.iter())
            .chain(scope.iter());
        // A scope that became too long over the years is replaced by the one that was asked for now.
        let allowed = AllowedAccess {
            scope: Scope::of(both).unwrap_or_else(|_| scope.clone()),
            audiences: audiences.to_vec(),
        };
        let new = store::NewConsent {
            subject,
            client,
            aggregate,
            scope: &allowed.scope.to_string(),
            audiences: &allowed.audiences_text(),
        };
        if !store::upsert(tx, &new, self.clock.now()).await? {
            return Ok(None);
        }
        let types: BTreeSet<&str> = details.iter().map(|(name, _)| name).collect();
        let event = |version| {
            ConsentGranted(ConsentChange {
                id: subject,
                client_id: client.to_owned(),
                scopes: allowed.scope.iter().map(str::to_owned).collect(),
                audiences: audiences.iter().map(|one| one.as_str().to_owned()).collect(),
                authorization_details_types: types.into_iter().map(str::to_owned).collect(),
                authorization_details_sha256: details.sha256(),
                version,
            })
        };
        self.accounts.append_event(tx, subject, event).await?;
        tracing::info!(
            event.action = "consent-granted",
            event.outcome = "success",
            user.id = %subject,
            client.id = client,
            "user allowed an application access"
        );
        Ok(Some(allowed))
    }

    /// Withdraws what a subject allowed to a client: deletes the consent, and revokes the client's codes, grants and tokens of
    /// the subject. Returns whether there was any.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn withdraw(&self, subject: Uuid, client: &str) -> Result<bool, DbError> {
        let mut tx = self.db.begin("withdraw_consent").await?;
        if !accounts::lock(&mut tx, subject).await? {
            return Ok(false);
        }
        // The consent goes first: a request that issues a code for it meanwhile holds its row, and the code is found afterwards.
        let stored = store::delete(&mut tx, subject, client).await?;
        let revoked =
            grants::revoke_for_subject_of_client(&mut tx, subject, client, self.clock.now()).await?;
        if !stored && revoked == 0 {
            return Ok(false);
        }
        self.append_withdrawal(&mut tx, subject, client).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn append_withdrawal(&self, tx: &mut Tx, subject: Uuid, client: &str) -> Result<(), DbError> {
        let event = |version| {
            ConsentWithdrawn(ConsentChange {
                id: subject,
                client_id: client.to_owned(),
                scopes: Vec::new(),
                audiences: Vec::new(),
                authorization_details_types: Vec::new(),
                authorization_details_sha256: None,
                version,
            })
        };
        self.accounts.append_event(tx, subject, event).await.map(drop)
    }

    /// Withdraws every consent, because the database was restored from a backup: it may have some that were withdrawn since.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn after_restore(&self, tx: &mut Tx) -> Result<(), DbError> {
        for (subject, client) in store::delete_all(tx).await? {
            self.append_withdrawal(tx, subject, &client).await?;
        }
        Ok(())
    }
}

/// The access that a subject allowed to a client.
///
/// # Errors
/// When the database fails.
pub(crate) async fn find(
    db: &mut impl Connection,
    subject: Uuid,
    client: &str,
) -> Result<Option<AllowedAccess>, DbError> {
    let stored = store::find(db, subject, client).await?;
    Ok(stored.and_then(|(scope, audiences)| AllowedAccess::parse(&scope, &audiences.unwrap_or_default())))
}

/// Deletes the consents to a client, which was deleted: a later client with its id is another one.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete_by_client(tx: &mut Tx, client: &str) -> Result<(), DbError> {
    store::delete_by_client(tx, client).await
}
