//! The admission of registrations and of their changes: initial access tokens, quotas and the number of clients (SB-29, SB-43).

use std::net::IpAddr;
use std::time::Duration;

use chassis::db::{Connection, Tx};
use chassis::secret::TokenHash;
use uuid::Uuid;

use super::super::store as client_store;
use super::{ClientRegistration, ClientRegistrationMode, RegisterClientError, invalid_token, store};
use crate::quotas::{self, HOUR, QuotaClaim, SourceQuota, SourceQuotas, limit};

/// The changes of a registration that its client may make in an hour. Each is an event, and may name another `jwks_uri`.
const MAX_CHANGES: i64 = 20;

/// The documents of sectors that are fetched in an hour for registrations, for one source and in all.
const MAX_SECTOR_FETCHES_PER_SOURCE: u32 = 20;
const MAX_SECTOR_FETCHES: u32 = 500;

impl ClientRegistration {
    /// Checks, by reads alone, that a client may be registered.
    pub(super) async fn check_admission(
        &self,
        token: Option<&str>,
        ip: Option<IpAddr>,
    ) -> Result<(), RegisterClientError> {
        let (clients, now) = (&self.clients, self.clients.clock.now());
        match (self.policy.mode, token) {
            (ClientRegistrationMode::Off, _) => Err(RegisterClientError::Off),
            (ClientRegistrationMode::Token, None) => Err(RegisterClientError::MissingToken),
            (_, Some(token)) => {
                let hash = TokenHash::of(token);
                let found = store::find_usable(&mut clients.db.reader().await?, &hash, now).await?;
                found.map(drop).ok_or_else(|| refused_token(ip))
            }
            (ClientRegistrationMode::Open, None) => {
                let mut reader = clients.db.reader().await?;
                if let Some(full) = self.quotas().find_full(&mut reader, ip, now).await? {
                    return Err(self.quota_exceeded(ip, &full));
                }
                self.check_capacity(&mut reader, ip).await
            }
        }
    }

    fn quotas(&self) -> SourceQuotas<'static> {
        SourceQuotas {
            name: "client registrations",
            hourly_per_source: self.policy.hourly_per_source,
            hourly: self.policy.hourly,
        }
    }

    pub(super) async fn claim_initial_token(
        &self,
        tx: &mut Tx,
        token: &str,
        ip: Option<IpAddr>,
    ) -> Result<Uuid, RegisterClientError> {
        let now = self.clients.clock.now();
        let claimed = store::claim(tx, &TokenHash::of(token), now).await?;
        claimed.ok_or_else(|| refused_token(ip))
    }

    /// Claims one registration of the source and one of all.
    pub(super) async fn claim_quotas(
        &self,
        tx: &mut Tx,
        ip: Option<IpAddr>,
    ) -> Result<(), RegisterClientError> {
        match self.quotas().claim(tx, ip, self.clients.clock.now()).await? {
            QuotaClaim::Claimed(_) => Ok(()),
            QuotaClaim::Full(full) => Err(self.quota_exceeded(ip, &full)),
        }
    }

    /// Checks that there may be one client more. Registrations without an initial access token wait for the total quota, which
    /// each claims before, so that none at the same moment is missed.
    pub(super) async fn check_capacity(
        &self,
        db: &mut impl Connection,
        ip: Option<IpAddr>,
    ) -> Result<(), RegisterClientError> {
        if client_store::count_registered(db).await? < limit(self.policy.in_all) {
            return Ok(());
        }
        log_refusal("capacity", ip);
        Err(RegisterClientError::Full)
    }

    /// Claims one fetch of a document that a stranger names. It counts whether or not the client is registered in the end.
    pub(super) async fn claim_sector_fetch(&self, ip: Option<IpAddr>) -> Result<(), RegisterClientError> {
        let quotas = SourceQuotas {
            name: "sector documents",
            hourly_per_source: MAX_SECTOR_FETCHES_PER_SOURCE,
            hourly: MAX_SECTOR_FETCHES,
        };
        let clients = &self.clients;
        let mut tx = clients.db.begin("sector_document_quota").await?;
        match quotas.claim(&mut tx, ip, clients.clock.now()).await? {
            QuotaClaim::Claimed(_) => Ok(tx.commit().await?),
            QuotaClaim::Full(full) => Err(self.quota_exceeded(ip, &full)),
        }
    }

    /// Claims one check of the addresses of a client, which looks up hosts that a stranger names. It counts whether or not the client is
    /// registered in the end, so there are twice as many as registrations.
    pub(super) async fn claim_address_check(&self, ip: Option<IpAddr>) -> Result<(), RegisterClientError> {
        let quotas = SourceQuotas {
            name: "address checks",
            hourly_per_source: self.policy.hourly_per_source.saturating_mul(2),
            hourly: self.policy.hourly.saturating_mul(2),
        };
        let clients = &self.clients;
        let mut tx = clients.db.begin("address_check_quota").await?;
        match quotas.claim(&mut tx, ip, clients.clock.now()).await? {
            QuotaClaim::Claimed(_) => Ok(tx.commit().await?),
            QuotaClaim::Full(full) => Err(self.quota_exceeded(ip, &full)),
        }
    }

    /// Claims one change of the client in this hour.
    pub(super) async fn claim_change(&self, id: &str) -> Result<(), RegisterClientError> {
        let (clients, now) = (&self.clients, self.clients.clock.now());
        let key = TokenHash::of(&format!("changes of the client {id}"));
        let mut tx = clients.db.begin("client_change_quota").await?;
        if quotas::claim(&mut tx, &key, MAX_CHANGES, now, now - HOUR).await? {
            return Ok(tx.commit().await?);
        }
        let usage = quotas::find_usage(&mut tx, &key, now, now - HOUR).await?;
        Err(RegisterClientError::TooMany {
            retry_after: (usage.began_at + HOUR).since(now).max(Duration::from_secs(1)),
        })
    }

    fn quota_exceeded(&self, ip: Option<IpAddr>, full: &SourceQuota) -> RegisterClientError {
        log_refusal(full.reason(), ip);
        RegisterClientError::TooMany {
            retry_after: full.retry_after(self.clients.clock.now()),
        }
    }
}

fn refused_token(ip: Option<IpAddr>) -> RegisterClientError {
    log_refusal("initial-access-token", ip);
    invalid_token()
}

fn log_refusal(reason: &'static str, ip: Option<IpAddr>) {
    tracing::warn!(
        event.action = "client-registered",
        event.outcome = "failure",
        event.reason = reason,
        client.ip = ip.map(|ip| ip.to_string()),
        "registration of a client refused"
    );
}
