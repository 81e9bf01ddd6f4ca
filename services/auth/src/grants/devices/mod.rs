//! Device codes, with the user codes and the answers of people (RFC 8628).

mod store;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use oidc::device::DEVICE_CODE_SECONDS;
use oidc::grant::DeviceAnswer;
use oidc::resource::Resource;
use sqlx::types::Json;
use uuid::Uuid;

pub(crate) use store::{allow, consume, count, deny, find, find_by_user_code, insert, note_poll};
pub(super) use store::{
    delete_all, delete_by_client, delete_by_session, delete_by_subject, delete_by_subject_of_client, sweep,
};

use crate::throttle;

/// The lifetime of a device code and its user code.
pub(crate) const DEVICE_CODE_LIFETIME: Duration = Duration::from_secs(DEVICE_CODE_SECONDS as u64);

/// The time for which an expired code that gave no tokens is kept, so that its device is told `expired_token`.
const EXPIRED_RETENTION: Duration = Duration::from_secs(60);

/// A device code to insert.
pub(crate) struct NewDeviceCode<'a> {
    /// The hash of the device code.
    pub(crate) hash: &'a [u8],
    /// The hash of the user code.
    pub(crate) user_code_hash: &'a [u8],
    /// The client.
    pub(crate) client_id: &'a str,
    /// The id of the client in events.
    pub(crate) aggregate_id: Uuid,
    /// The source of a client without a secret.
    pub(crate) source: Option<&'a throttle::Key>,
    /// The address of the device.
    pub(crate) asked_from: Option<&'a str>,
    /// The requested scope.
    pub(crate) scope: &'a str,
    /// The audiences of the tokens.
    pub(crate) audiences: &'a Json<Vec<Resource>>,
    /// The seconds between two requests of the device.
    pub(crate) interval: u32,
    /// The time of the request.
    pub(crate) now: Timestamp,
}

/// The source of a device: the address that is limited for a client that did not prove who it is.
pub(crate) fn source(ip: Option<IpAddr>) -> throttle::Key {
    throttle::Key::subscriber(ip)
}

/// A stored device code.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct DeviceRow {
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) audiences: Json<Vec<Resource>>,
    polling_interval: i64,
    /// The time of the request before this one.
    pub(crate) polled_at: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
    answer: Option<String>,
    pub(crate) subject: Option<Uuid>,
    pub(crate) session_id: Option<Uuid>,
    pub(crate) auth_time: Option<Timestamp>,
    pub(crate) amr: Option<Json<Vec<String>>>,
    pub(crate) grant_id: Option<Uuid>,
    /// The address of the device.
    pub(crate) asked_from: Option<String>,
}

impl DeviceRow {
    /// The answer of the person.
    pub(crate) fn answer(&self) -> DeviceAnswer {
        match self.answer.as_deref() {
            Some("allowed") => DeviceAnswer::Allowed,
            Some(_) => DeviceAnswer::Denied,
            None => DeviceAnswer::Pending,
        }
    }

    /// The seconds between two requests of the device.
    pub(crate) fn interval(&self) -> u32 {
        u32::try_from(self.polling_interval).unwrap_or(u32::MAX)
    }

    /// The row before the request that has just consumed it.
    pub(crate) fn before_use(&self) -> Self {
        Self {
            grant_id: None,
            ..self.clone()
        }
    }

    /// The rest of its life; zero when it has expired, or was written by a clock ahead (SB-50).
    pub(crate) fn expires_in(&self, now: Timestamp) -> Duration {
        self.expires_at.left(now, DEVICE_CODE_LIFETIME)
    }
}

/// The person who answers for a device, in their session.
#[derive(Clone, Debug)]
pub(crate) struct DeviceApproval<'a> {
    /// The subject.
    pub(crate) subject: Uuid,
    /// The session.
    pub(crate) session_id: Uuid,
    /// The scope that the person allows.
    pub(crate) scope: &'a str,
    /// The time of the authentication.
    pub(crate) auth_time: Timestamp,
    /// The methods of the authentication (RFC 8176).
    pub(crate) amr: &'a Json<Vec<String>>,
}
