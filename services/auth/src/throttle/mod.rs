//! Growing delays after failed sign-ins, per account, per source and per known device (SB-7, SB-46).
//!
//! A guess is counted as a failure *before* its password is judged, in one guarded statement that all replicas share, and
//! given back when the password turns out right. So guesses that come at once are admitted one by one, as slowly as those
//! that come one after the other. What a process that dies has counted stays counted: a failure, and no longer delay than
//! that of a failure.
//!
//! Counters hold a hash of what they count for: no name and no address can be read back. See
//! `docs/decisions/0021-guesses.md`.

mod limit;
mod reservation;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use chassis::db::DbError;
use chassis::secret::TokenHash;
pub(crate) use limit::{Limit, Tally};
pub(crate) use reservation::{Admission, Reservation, ReserveError};
use uuid::Uuid;

use crate::app::App;

/// Failures in a row after which an account's password is tried once a day from each network (NIST SP 800-63B-4 §3.2.2),
/// and after which known devices are no exception.
pub const MAX_FAILURES: i64 = 100;

/// Counters that were not touched for so long are swept, unless they have reached [`MAX_FAILURES`].
pub(crate) const COUNTER_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Counters that have reached [`MAX_FAILURES`] and were not touched for so long are swept: whoever waits for that has
/// fewer guesses than one a day.
pub(crate) const EXHAUSTED_COUNTER_RETENTION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Whose failures are counted: SHA-256 of what names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(TokenHash);

impl Key {
    /// An account, by the key of its user name, known or not.
    pub(crate) fn account(user_name_key: &str) -> Self {
        Self(TokenHash::of(&format!("account:{user_name_key}")))
    }

    /// Where a try comes from: see [`source`].
    pub(crate) fn source(ip: Option<IpAddr>) -> Self {
        Self(TokenHash::of(&format!("source:{}", source(ip))))
    }

    /// What one subscriber may have: see [`subscriber`].
    pub(crate) fn subscriber(ip: Option<IpAddr>) -> Self {
        Self(TokenHash::of(&format!("subscriber:{}", subscriber(ip))))
    }

    /// The guess of a day from one network at an account with [`MAX_FAILURES`]. The network is an IPv4 /24 or an IPv6
    /// /48, so that one subscriber or one rented range has one guess, and not as many as addresses.
    pub(crate) fn daily(user_name_key: &str, ip: Option<IpAddr>) -> Self {
        let network = match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => Ipv4Addr::from_bits(ip.to_bits() & !0xff).to_string(),
            other => subscriber(other),
        };
        Self(TokenHash::of(&format!("daily:{network}:{user_name_key}")))
    }

    /// A device, by its token.
    pub(crate) fn device(token: &str) -> Self {
        Self(TokenHash::of(&format!("device:{token}")))
    }

    /// The known devices of an account, all together.
    pub(crate) fn devices(account: Uuid) -> Self {
        Self(TokenHash::of(&format!("devices:{account}")))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The source of a request: an IPv4 address, or the /64 that an IPv6 subscriber has to themselves.
pub(crate) fn source(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("{}/64", Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

/// What one subscriber may have: an IPv4 address, or the IPv6 /48 that some get (RFC 6177 §2) and that has 65,536 sources.
/// What is scarce for everybody is shared out by it.
pub(crate) fn subscriber(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V6(ip)) => format!("{}/48", Ipv6Addr::from_bits(ip.to_bits() >> 80 << 80)),
        other => source(other),
    }
}

/// Counts something costly that somebody without an account asks for, before it is done: a registration, say. Counted like
/// a guess at a password from the same source (SB-43), and given back when it was in order.
///
/// # Errors
/// [`ReserveError::Throttled`] when the source has to wait.
pub(crate) async fn reserve_source(app: &App, ip: Option<IpAddr>) -> Result<Reservation, ReserveError> {
    let (key, limit) = source_limit(app, ip);
    Reservation::reserve(app, vec![Admission::unread(key, limit)]).await
}

/// Whether a source would not have to wait at this moment. Changes nothing.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_source_admitted(app: &App, ip: Option<IpAddr>) -> Result<bool, DbError> {
    let (key, limit) = source_limit(app, ip);
    let tally = store::find(&mut app.db.reader().await?, &key).await?;
    Ok(limit.delay_left(tally, app.clock.now()).is_none())
}

/// The counter of a source, and how it limits.
pub(crate) fn source_limit(app: &App, ip: Option<IpAddr>) -> (Key, Limit) {
    let free = i64::from(app.settings.throttle.source_failures);
    (Key::source(ip), Limit::source(free))
}
