//! Device authorizations (RFC 8628): a device shows a user code, and a person who is signed in elsewhere allows it access. See
//! `docs/decisions/0054-device-grant.md`.
//!
//! The codes stand in [`crate::grants::devices`], and [`crate::tokens`] issues tokens for them.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::hmac;
use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::http::PublicUrl;
use chassis::random::SharedRandom;
use contract::paths::auth::DEVICE;
use oidc::authorization_details::AuthorizationDetails;
use oidc::device::{DeviceAuthorizationResponse, POLLING_INTERVAL, UserCode};
use oidc::grant::DeviceAnswer;
use oidc::resource::Resource;
use oidc::scope::Scope;
use sqlx::types::Json;

use crate::authorization_requests::AuthorizationSettings;
use crate::clients::Client;
use crate::consents::{Allowance, Consents};
use crate::grants::devices::{self, DeviceApproval, DeviceRow, NewDeviceCode};
use crate::keys::KeyRing;
use crate::row_counts::{CountRows, RowCounts, RowLimits, Rows};
use crate::sessions::Session;
use crate::throttle::{Admission, Key, Limit, ReserveError, Throttle};

/// The number of user codes that are drawn before the request fails, when others have them already.
const DRAWS: usize = 4;

/// The device authorizations of this installation.
#[derive(Clone)]
pub struct DeviceAuthorizations {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    keys: KeyRing,
    throttle: Throttle,
    consents: Consents,
    counts: RowCounts,
    limits: RowLimits,
    verification_uri: String,
}

/// A device authorization to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewDevice<'a> {
    /// The client.
    pub(crate) client: &'a Client,
    /// The address that the request came from.
    pub(crate) ip: Option<IpAddr>,
    /// The requested scope.
    pub(crate) scope: &'a Scope,
    /// The audiences of the tokens.
    pub(crate) audiences: &'a [Resource],
}

/// The reason why no codes are issued.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// Too many codes wait for tokens.
    #[error("too many device codes wait")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The reason why a user code finds no device.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookUpError {
    /// The code is unknown, has expired or was answered by somebody.
    #[error("the user code is not known")]
    Unknown,
    /// The person or the address has tried too many codes.
    #[error("too many user codes were tried")]
    Throttled {
        /// The time until another code may be tried.
        retry_after: Duration,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ReserveError> for LookUpError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Throttled { retry_after } => Self::Throttled { retry_after },
            ReserveError::Db(error) => Self::Db(error),
        }
    }
}

/// The device that a user code belongs to.
#[derive(Clone, Debug)]
pub(crate) enum FoundDevice {
    /// Nobody has answered for it.
    Pending(Device),
    /// It was answered in the same session before: the form was sent twice.
    Answered(DeviceAnswer),
}

/// A device that waits for the answer of a person.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// Its user code.
    pub(crate) code: UserCode,
    /// The client.
    pub(crate) client_id: String,
    /// The scope that it asks for.
    pub(crate) scope: Scope,
    /// The address that it asked from, if it is known.
    pub(crate) asked_from: Option<IpAddr>,
}

impl CountRows for DeviceAuthorizations {
    async fn count(&self, rows: &Rows) -> Result<i64, DbError> {
        devices::count(&mut self.db.reader().await?, rows, self.clock.now()).await
    }
}

impl DeviceAuthorizations {
    /// The device authorizations that stand in `db`. `keys` derive the key of the hashes of user codes.
    pub fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        keys: KeyRing,
        (throttle, consents): (Throttle, Consents),
        issuer: &PublicUrl,
        settings: &AuthorizationSettings,
    ) -> Self {
        Self {
            db,
            counts: RowCounts::new(clock.clone()),
            clock,
            random,
            keys,
            throttle,
            consents,
            limits: RowLimits {
                per_source: i64::from(settings.waiting_per_source),
                per_client: i64::from(settings.devices_per_client),
                total: i64::from(settings.devices_in_all),
            },
            verification_uri: issuer.full(DEVICE),
        }
    }

    /// Issues a device code and a user code (RFC 8628 §3.2).
    ///
    /// # Errors
    /// [`RequestError::Full`].
    pub(crate) async fn request(
        &self,
        new: NewDevice<'_>,
    ) -> Result<DeviceAuthorizationResponse, RequestError> {
        // Anybody can ask in the name of a client without a secret.
        let source = new.client.metadata.is_public().then(|| devices::source(new.ip));
        let device_code = self.random.token();
        let (hash, scope) = (device_code.hash(), new.scope.to_string());
        let audiences = Json(new.audiences.to_vec());
        let asked_from = new.ip.map(|ip| ip.to_canonical().to_string());
        let asker = (source.as_ref(), Some(new.client.id.as_str()));
        if !self.counts.claim(self, asker, self.limits).await? {
            count("rejected");
            return Err(RequestError::Full);
        }
        for _ in 0..DRAWS {
            let user_code = UserCode::generate(|bytes| self.random.fill(bytes));
            let code = NewDeviceCode {
                hash: hash.as_bytes(),
                user_code_hash: &self.user_code_hash(&user_code),
                client_id: new.client.id.as_str(),
                aggregate_id: new.client.aggregate_id,
                source: source.as_ref(),
                asked_from: asked_from.as_deref(),
                scope: &scope,
                audiences: &audiences,
                interval: POLLING_INTERVAL,
                now: self.clock.now(),
            };
            let mut tx = self.db.begin("device_authorization").await?;
            if devices::insert(&mut tx, &code).await? {
                tx.commit().await?;
                count("requested");
                let uri = self.verification_uri.clone();
                return Ok(DeviceAuthorizationResponse::new(
                    device_code.expose(),
                    &user_code,
                    uri,
                ));
            }
        }
        count("rejected");
        Err(RequestError::Full)
    }

    /// The device with a user code, for the person of `session`. A code that is not known counts as a guess of the person and of
    /// the address (RFC 8628 §5.1).
    ///
    /// # Errors
    /// [`LookUpError`].
    pub(crate) async fn find(
        &self,
        session: &Session,
        ip: Option<IpAddr>,
        typed: &str,
    ) -> Result<FoundDevice, LookUpError> {
        let code = UserCode::parse(typed);
        let row = self.look_up(session, ip, code.as_ref()).await?;
        let (Some(code), Some(row)) = (code, row) else {
            return Err(LookUpError::Unknown);
        };
        match row.answer() {
            DeviceAnswer::Pending => Ok(FoundDevice::Pending(Device {
                code,
                client_id: row.client_id,
                scope: row.scope.parse().unwrap_or_default(),
                asked_from: row.asked_from.and_then(|address| address.parse().ok()),
            })),
            answer if row.session_id == Some(session.id) => Ok(FoundDevice::Answered(answer)),
            _ => Err(LookUpError::Unknown),
        }
    }

    /// Looks a user code up. The guess is counted before, and released when there is such a code (SB-46).
    async fn look_up(
        &self,
        session: &Session,
        ip: Option<IpAddr>,
        code: Option<&UserCode>,
    ) -> Result<Option<DeviceRow>, LookUpError> {
        let (source, source_limit) = self.throttle.source_limit(ip);
        let admissions = vec![
            Admission::unread(Key::user_codes(session.account_id), Limit::USER_CODES),
            Admission::unread(source, source_limit),
        ];
        let guess = self.throttle.reserve(admissions).await?;
        let row = match code {
            Some(code) => {
                let hashes = self.user_code_hashes(code);
                let mut reader = self.db.reader().await?;
                devices::find_by_user_code(&mut reader, &hashes, self.clock.now()).await?
            }
            None => None,
        };
        self.throttle.settle(guess, row.is_none()).await?;
        Ok(row)
    }

    /// Stores that the person of `session` allows a device of `client` `scope`, for this device and as their consent to the client.
    ///
    /// # Errors
    /// [`LookUpError::Unknown`] when somebody has answered otherwise, the code has expired, the session has ended, or the client
    /// was deleted.
    pub(crate) async fn allow(
        &self,
        session: &Session,
        (device, client): (&Device, &Client),
        granted: &Scope,
    ) -> Result<(), LookUpError> {
        let amr = Json(session.amr.clone());
        let scope = granted.to_string();
        let approval = DeviceApproval {
            subject: session.account_id,
            session_id: session.id,
            scope: &scope,
            auth_time: session.auth_time,
            amr: &amr,
        };
        let mut tx = self.db.begin("allow_device").await?;
        let allowance = Allowance {
            client: (device.client_id.as_str(), client.aggregate_id),
            audiences: &client.metadata.audiences,
            scope: granted,
            details: &AuthorizationDetails::default(),
        };
        let allowed = self
            .consents
            .grant(&mut tx, session.account_id, allowance)
            .await?;
        if allowed.is_none() {
            return Err(LookUpError::Unknown);
        }
        let hashes = self.user_code_hashes(&device.code);
        if !devices::allow(&mut tx, &hashes, &approval, self.clock.now()).await? {
            return Err(LookUpError::Unknown);
        }
        tx.commit().await?;
        count("allowed");
        tracing::info!(
            event.action = "device-authorization",
            event.outcome = "success",
            user.id = %session.account_id,
            client.id = device.client_id,
            "user allowed a device access"
        );
        Ok(())
    }

    /// Stores that the person of `session` denies a device access.
    ///
    /// # Errors
    /// [`LookUpError::Unknown`] when somebody has answered otherwise, or the code has expired.
    pub(crate) async fn deny(&self, session: &Session, device: &Device) -> Result<(), LookUpError> {
        let who = (session.account_id, session.id);
        let mut tx = self.db.begin("deny_device").await?;
        let hashes = self.user_code_hashes(&device.code);
        if !devices::deny(&mut tx, &hashes, who, self.clock.now()).await? {
            return Err(LookUpError::Unknown);
        }
        tx.commit().await?;
        count("denied");
        tracing::info!(
            event.action = "device-authorization",
            event.outcome = "failure",
            event.reason = "denied",
            user.id = %session.account_id,
            client.id = device.client_id,
            "user denied a device access"
        );
        Ok(())
    }

    /// The hash of a new user code.
    fn user_code_hash(&self, code: &UserCode) -> Vec<u8> {
        self.user_code_hashes(code).into_iter().next().unwrap_or_default()
    }

    /// The hashes that a user code may have: one for each encryption key of the configuration. A user code is too short for a
    /// hash that everybody can compute.
    fn user_code_hashes(&self, code: &UserCode) -> Vec<Vec<u8>> {
        let secrets = self.keys.derive("user codes of devices");
        let hash = |secret: [u8; 32]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            hmac::sign(&key, code.as_bytes()).as_ref().to_vec()
        };
        secrets.into_iter().map(hash).collect()
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("vestibule_device_authorizations_total", "outcome" => outcome).increment(1);
}
