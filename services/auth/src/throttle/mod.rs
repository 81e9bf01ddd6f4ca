//! The throttle: growing delays after failed sign-ins, per account, per source and per known device (SB-7,
//! SB-46).
//!
//! A guess is reserved as a failure *before* its password is verified, in one guarded statement that all
//! replicas share. The reservation is released when the password is right. So concurrent guesses are admitted
//! as slowly as sequential ones. The reservation of a process that dies stays counted as a failure.
//!
//! The key of a counter is a hash, so that no name and no address can be read back. See
//! `docs/decisions/0021-guesses.md`.

mod limit;
mod reservation;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::secret::TokenHash;
pub(crate) use limit::{Limit, Tally};
pub(crate) use reservation::{Admission, Reservation, ReserveError};
pub use settings::ThrottleSettings;
pub(crate) use store::{clear, count, find_each, release, sweep};
use uuid::Uuid;

/// The number of failures in a row after which each network has one guess a day at an account (NIST SP
/// 800-63B-4 §3.2.2), and after which known devices have no counter of their own.
pub const MAX_FAILURES: i64 = 100;

/// The time for which an untouched counter is retained, unless it has reached [`MAX_FAILURES`].
pub(crate) const COUNTER_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// The time for which an untouched counter with [`MAX_FAILURES`] is retained. An attacker who waits for its
/// end has fewer guesses than one a day.
pub(crate) const EXHAUSTED_COUNTER_RETENTION: Duration = Duration::from_secs(365 * 24 * 3600);

/// The key of a counter: SHA-256 of what is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(TokenHash);

impl Key {
    /// The counter of an account, by the key of its user name, known or not.
    pub(crate) fn account(user_name_key: &str) -> Self {
        Self(TokenHash::of(&format!("account:{user_name_key}")))
    }

    /// The counter of a source: see [`source`].
    pub(crate) fn source(ip: Option<IpAddr>) -> Self {
        Self(TokenHash::of(&format!("source:{}", source(ip))))
    }

    /// The key of a subscriber: see [`subscriber`].
    pub(crate) fn subscriber(ip: Option<IpAddr>) -> Self {
        Self(TokenHash::of(&format!("subscriber:{}", subscriber(ip))))
    }

    /// The daily counter of one network at an account with [`MAX_FAILURES`]. The network is an IPv4 /24 or an
    /// IPv6 /48, so that one subscriber or one rented range has one guess.
    pub(crate) fn daily(user_name_key: &str, ip: Option<IpAddr>) -> Self {
        let network = match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => Ipv4Addr::from_bits(ip.to_bits() & !0xff).to_string(),
            other => subscriber(other),
        };
        Self(TokenHash::of(&format!("daily:{network}:{user_name_key}")))
    }

    /// The counter of a device, by its token.
    pub(crate) fn device(token: &str) -> Self {
        Self(TokenHash::of(&format!("device:{token}")))
    }

    /// The counter of all known devices of an account.
    pub(crate) fn devices(account: Uuid) -> Self {
        Self(TokenHash::of(&format!("devices:{account}")))
    }

    /// The counter of the user codes of devices that the person of an account has tried (RFC 8628 §5.1).
    pub(crate) fn user_codes(account: Uuid) -> Self {
        Self(TokenHash::of(&format!("user codes:{account}")))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The source of a request: an IPv4 address or an IPv6 /64.
pub(crate) fn source(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("{}/64", Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

/// The subscriber of a request: an IPv4 address or an IPv6 /48 (RFC 6177 §2), which has 65,536 sources.
/// Shared quotas are per subscriber.
pub(crate) fn subscriber(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V6(ip)) => format!("{}/48", Ipv6Addr::from_bits(ip.to_bits() >> 80 << 80)),
        other => source(other),
    }
}

/// The throttle of this installation.
#[derive(Clone)]
pub struct Throttle {
    db: Db,
    clock: SharedClock,
    source_failures: u32,
}

impl Throttle {
    /// A throttle whose counters stand in `db`.
    pub fn new(db: Db, clock: SharedClock, settings: &ThrottleSettings) -> Self {
        Self {
            db,
            clock,
            source_failures: settings.source_failures,
        }
    }

    /// Reserves an expensive operation of an anonymous caller, such as a registration. It is counted like a
    /// guess from the same source (SB-43), and released when it succeeds.
    ///
    /// # Errors
    /// [`ReserveError::Throttled`] when the source has to wait.
    pub(crate) async fn reserve_source(&self, ip: Option<IpAddr>) -> Result<Reservation, ReserveError> {
        let (key, limit) = self.source_limit(ip);
        self.reserve(vec![Admission::unread(key, limit)]).await
    }

    /// True if a source would be admitted now. It changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn is_source_admitted(&self, ip: Option<IpAddr>) -> Result<bool, DbError> {
        let (key, limit) = self.source_limit(ip);
        let tally = store::find(&mut self.db.reader().await?, &key).await?;
        Ok(limit.delay_left(tally, self.clock.now()).is_none())
    }

    /// The counter of a source and its limit.
    pub(crate) fn source_limit(&self, ip: Option<IpAddr>) -> (Key, Limit) {
        let free = i64::from(self.source_failures);
        (Key::source(ip), Limit::source(free))
    }
}
