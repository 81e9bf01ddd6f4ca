//! The device code grant at the token endpoint (RFC 8628 §3.4, §3.5).

use std::time::Duration;

use super::{Granted, invalid_grant};
use crate::client::RegisteredClient;
use crate::error::{ErrorCode, OAuthError};
use crate::resource::Resource;
use crate::scope::Scope;

/// The time by which a request may come too early: networks deliver some faster than others.
const EARLINESS: Duration = Duration::from_secs(1);

/// The seconds that are added to the interval of a device that asks too often (RFC 8628 §3.5).
const SLOW_DOWN_STEP: u32 = 5;

/// The interval in seconds up to which it grows.
const MAX_INTERVAL: u32 = 120;

/// The decision of a person about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceAnswer {
    /// The person has not decided yet.
    Pending,
    /// The person allowed it.
    Allowed,
    /// The person denied it.
    Denied,
}

/// A device code as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct StoredDeviceCode<'a> {
    /// The client that it was issued to.
    pub client_id: &'a str,
    /// The decision of the person.
    pub answer: DeviceAnswer,
    /// The granted scope.
    pub scope: &'a str,
    /// The granted audiences.
    pub audiences: &'a [Resource],
    /// The audiences of a client that is registered for none.
    pub default_audiences: &'a [Resource],
    /// The rest of its life; zero when it has expired.
    pub expires_in: Duration,
    /// The seconds that the device has to wait between two requests.
    pub interval: u32,
    /// The time since its last request, if there was one.
    pub polled_ago: Option<Duration>,
    /// True if another request got tokens for it before.
    pub used: bool,
}

/// The decision on a device code that is presented.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceDecision {
    /// The client gets tokens.
    Issue {
        /// The scope of the grant.
        scope: Scope,
        /// The audiences of this access token.
        audiences: Vec<Resource>,
    },
    /// The code was used before: its grant is revoked and the client gets [`invalid_grant`].
    RevokeReused,
    /// The person has not decided: the client gets `authorization_pending`, and the time of its request is stored.
    Pending,
    /// The device asks too often: the client gets `slow_down`, and waits this long from now on, in seconds.
    SlowDown(u32),
    /// The client gets an error, and the code stays as it is.
    Refuse(OAuthError),
}

impl DeviceDecision {
    /// The error response of a code that gives no tokens (RFC 8628 §3.5).
    pub fn error(self) -> OAuthError {
        match self {
            Self::Pending => {
                ErrorCode::AuthorizationPending.because("the person has not decided about this device yet")
            }
            Self::SlowDown(_) => ErrorCode::SlowDown
                .because("the device asks too often: it has to wait five seconds longer from now on"),
            Self::Refuse(error) => error,
            Self::Issue { .. } | Self::RevokeReused => invalid_grant(),
        }
    }
}

/// Decides what the client that authenticated gets for a device code: what it is still registered for of what was granted (SB-47).
/// `resources` narrow the audiences (RFC 8707 §2.2). A code of another client is refused as an unknown one.
pub fn redeem_device_code(
    code: &StoredDeviceCode<'_>,
    client: RegisteredClient<'_>,
    resources: &[Resource],
) -> DeviceDecision {
    if code.client_id != client.client_id {
        return DeviceDecision::Refuse(invalid_grant());
    }
    if code.used {
        return DeviceDecision::RevokeReused;
    }
    if code.expires_in.is_zero() {
        let error = ErrorCode::ExpiredToken.because("the device code has expired: ask for another one");
        return DeviceDecision::Refuse(error);
    }
    match code.answer {
        DeviceAnswer::Denied => {
            DeviceDecision::Refuse(ErrorCode::AccessDenied.because("the person denied the device access"))
        }
        DeviceAnswer::Pending => {
            let interval = Duration::from_secs(u64::from(code.interval));
            match code.polled_ago {
                Some(ago) if ago + EARLINESS < interval => DeviceDecision::SlowDown(
                    code.interval
                        .saturating_add(SLOW_DOWN_STEP)
                        .min(MAX_INTERVAL.max(code.interval)),
                ),
                _ => DeviceDecision::Pending,
            }
        }
        DeviceAnswer::Allowed => {
            let granted = Granted {
                scope: code.scope,
                audiences: code.audiences,
                default_audiences: code.default_audiences,
            };
            match granted.narrowed(client, resources) {
                Ok((scope, audiences)) => DeviceDecision::Issue { scope, audiences },
                Err(error) => DeviceDecision::Refuse(error),
            }
        }
    }
}
