//! Device codes (RFC 8628 §3.4): a device asks until a person has answered, and gets tokens once.

use chassis::clock::Timestamp;
use chassis::db::Tx;
use chassis::secret::TokenHash;
use oidc::dpop::Confirmation;
use oidc::grant::{DeviceDecision, GrantDetails, StoredDeviceCode, redeem_device_code};
use oidc::resource::Resource;
use oidc::token::TokenResponse;

use super::model::invalid_grant;
use super::{Grant, GrantError, Tokens};
use crate::clients::Client;
use crate::grants::devices::{self, DeviceRow};

/// A token request of a device (RFC 8628 §3.4).
#[derive(Clone, Copy)]
pub struct DeviceRedemption<'a> {
    /// The device code.
    pub code: &'a str,
    /// `resource`: a subset of the audiences of the code (RFC 8707 §2.2).
    pub resources: &'a [Resource],
    /// The proof that the sender of the request has given.
    pub confirmation: &'a Confirmation,
}

impl Tokens {
    /// Exchanges a device code for tokens, when a person has allowed the device access. The reuse of a code revokes its grant.
    ///
    /// # Errors
    /// `authorization_pending`, `slow_down`, `access_denied`, `expired_token` (RFC 8628 §3.5), `invalid_grant`,
    /// `invalid_target`.
    pub async fn redeem_device_code(
        &self,
        client: &Client,
        redeem: &DeviceRedemption<'_>,
    ) -> Result<TokenResponse, GrantError> {
        self.check_key(client)?;
        let (hash, now) = (TokenHash::of(redeem.code), self.clock.now());
        let row = devices::find(&mut self.db.reader().await?, &hash).await?;
        let row = row.ok_or_else(invalid_grant)?;
        match self.decide(&row, client, redeem, now) {
            DeviceDecision::Issue { .. } => self.issue_for_device(client, redeem, &hash, now).await,
            decision => Err(self.refuse_device(&row, client, &hash, now, decision).await?),
        }
    }

    /// Issues tokens for a code that a person has allowed. Of several requests one gets them.
    async fn issue_for_device(
        &self,
        client: &Client,
        redeem: &DeviceRedemption<'_>,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<TokenResponse, GrantError> {
        let grant_id = self.random.uuid(&*self.clock);
        let mut tx = self.db.begin("redeem_device_code").await?;
        let consumed = devices::consume(&mut tx, hash, client.id.as_str(), grant_id, now).await?;
        let Some(row) = consumed else {
            return Err(self.refuse_consumed(tx, client, redeem, hash, now).await?);
        };
        // A request that fails here does not use the code up, because the transaction ends without a commit.
        let (scope, audiences) = match self.decide(&row.before_use(), client, redeem, now) {
            DeviceDecision::Issue { scope, audiences } => (scope, audiences),
            other => return Err(other.error().into()),
        };
        let (Some(subject), Some(auth_time)) = (row.subject, row.auth_time) else {
            return Err(invalid_grant());
        };
        let grant = Grant {
            subject,
            scope,
            audiences: row.audiences.0,
            session_id: row.session_id,
            auth_time,
            amr: row.amr.map(|amr| amr.0).unwrap_or_default(),
            // RFC 8628 has no nonce.
            nonce: None,
            details: GrantDetails::default(),
            confirmation: redeem.confirmation.clone(),
        };
        let pending = self.create_grant(&mut tx, client, grant_id, grant).await?;
        tx.commit().await?;
        self.sign(pending, client, &audiences)
    }

    /// Handles a code that another request has consumed meanwhile.
    async fn refuse_consumed(
        &self,
        mut tx: Tx,
        client: &Client,
        redeem: &DeviceRedemption<'_>,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<GrantError, GrantError> {
        let row = devices::find(&mut tx, hash).await?;
        drop(tx);
        match row {
            Some(row) => {
                let decision = self.decide(&row, client, redeem, now);
                self.refuse_device(&row, client, hash, now, decision).await
            }
            None => Ok(invalid_grant()),
        }
    }

    /// Carries out what a decision without tokens asks for, and returns its error.
    async fn refuse_device(
        &self,
        row: &DeviceRow,
        client: &Client,
        hash: &TokenHash,
        now: Timestamp,
        decision: DeviceDecision,
    ) -> Result<GrantError, GrantError> {
        match &decision {
            DeviceDecision::RevokeReused => {
                if let (Some(grant), Some(subject)) = (row.grant_id, row.subject) {
                    let client = client.id.as_str();
                    self.grants.revoke_reused(grant, subject, client).await?;
                }
            }
            DeviceDecision::Pending => self.note_poll(hash, row.interval(), now).await?,
            // An interval that grows no more needs no write, so that a flood costs a read each.
            DeviceDecision::SlowDown(interval) if *interval != row.interval() => {
                self.note_poll(hash, *interval, now).await?;
            }
            _ => {}
        }
        Ok(decision.error().into())
    }

    async fn note_poll(&self, hash: &TokenHash, interval: u32, now: Timestamp) -> Result<(), GrantError> {
        let mut tx = self.db.begin("poll_device_code").await?;
        devices::note_poll(&mut tx, hash, interval, now).await?;
        Ok(tx.commit().await?)
    }

    fn decide(
        &self,
        row: &DeviceRow,
        client: &Client,
        redeem: &DeviceRedemption<'_>,
        now: Timestamp,
    ) -> DeviceDecision {
        let stored = StoredDeviceCode {
            client_id: &row.client_id,
            answer: row.answer(),
            scope: &row.scope,
            audiences: &row.audiences,
            default_audiences: self.issuer.audiences(),
            expires_in: row.expires_in(now),
            interval: row.interval(),
            polled_ago: row.polled_at.map(|polled_at| now.distance(polled_at)),
            used: row.grant_id.is_some(),
        };
        redeem_device_code(&stored, client.registered(), redeem.resources)
    }
}
