//! Growing delays after failed sign-ins, per account and per source (SB-7).
//!
//! Failures in a row are counted per name that was tried (whether or not somebody has it), per source address and per
//! known device. A try that comes too early is turned away before its password is looked at. A browser or program in
//! which the person has signed in before brings a device token and is counted for itself, so nobody can lock a person
//! out by failing in their name. What is kept is a hash: no name and no address can be read back.

pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use chassis::secret::TokenHash;

use crate::app::App;

/// Failures in a row after which an account's password is not tried any more (NIST SP 800-63B-4 §3.2.2).
pub const MOST_FAILURES: i64 = 100;

/// Failures that cost no delay: typing errors.
const FREE: i64 = 4;

/// The longest delay for an account or a device.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The longest delay for a source, behind which there may be many people.
const LONGEST_SOURCE: Duration = Duration::from_secs(60);

/// What a caller is told once [`MOST_FAILURES`] is reached. Only a known device, or an administrator's link, helps.
const CLOSED: Duration = Duration::from_secs(24 * 3600);

/// A source that did not fail for so long starts anew.
pub(crate) const SOURCE_MEMORY: Duration = Duration::from_secs(3600);

/// Counters that were not touched for so long are swept, unless they are closed.
pub(crate) const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Whose failures are counted: SHA-256 of what names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(TokenHash);

impl Key {
    /// An account, by the key of its user name, known or not.
    pub(crate) fn account(user_name_key: &str) -> Self {
        Self(TokenHash::of(&format!("account:{user_name_key}")))
    }

    /// Where a try comes from: an IPv4 address, or the /64 that an IPv6 subscriber has to themselves.
    pub(crate) fn source(ip: Option<IpAddr>) -> Self {
        let network = match ip.map(|ip| ip.to_canonical()) {
            None => "unknown".to_owned(),
            Some(IpAddr::V4(ip)) => ip.to_string(),
            Some(IpAddr::V6(ip)) => format!("{:x}", ip.to_bits() >> 64),
        };
        Self(TokenHash::of(&format!("source:{network}")))
    }

    /// A device, by the hash of its token.
    pub(crate) fn device(token: &str) -> Self {
        Self(TokenHash::of(&format!("device:{token}")))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Failures in a row, and when the last one was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Tally {
    pub(crate) failures: i64,
    pub(crate) failed_at: Timestamp,
}

impl Tally {
    /// How long an account or a device has to wait from `now`.
    pub(crate) fn account_wait(self, now: Timestamp) -> Option<Duration> {
        if self.failures >= MOST_FAILURES {
            return Some(CLOSED);
        }
        self.left(growing(self.failures, FREE, LONGEST), now)
    }

    /// How long a source has to wait from `now`, when `free` failures cost nothing.
    pub(crate) fn source_wait(self, free: i64, now: Timestamp) -> Option<Duration> {
        if now.since(self.failed_at) >= SOURCE_MEMORY {
            return None;
        }
        self.left(growing(self.failures, free, LONGEST_SOURCE), now)
    }

    fn left(self, delay: Duration, now: Timestamp) -> Option<Duration> {
        let left = (self.failed_at + delay).since(now);
        (!left.is_zero()).then_some(left)
    }
}

/// How long somebody from `ip` has to wait before the next try at what tells whether a person exists: a sign-in, or a
/// registration (SB-8).
pub(crate) async fn source_wait(app: &App, ip: Option<IpAddr>) -> Result<Option<Duration>, DbError> {
    let mut reader = app.db.reader().await?;
    let tally = store::find(&mut reader, &Key::source(ip)).await?;
    let free = i64::from(app.settings.throttle.source_failures);
    Ok(tally.and_then(|tally| tally.source_wait(free, app.clock.now())))
}

/// Counts a failure of somebody from `ip`.
pub(crate) async fn count_source(app: &App, ip: Option<IpAddr>) -> Result<(), DbError> {
    let now = app.clock.now();
    let mut tx = app.db.begin("throttle_source").await?;
    store::count(&mut tx, &Key::source(ip), now, now - SOURCE_MEMORY).await?;
    tx.commit().await
}

/// One second after the first failure beyond the free ones, doubled with each more.
fn growing(failures: i64, free: i64, longest: Duration) -> Duration {
    match u32::try_from(failures - free) {
        Err(_) | Ok(0) => Duration::ZERO,
        Ok(beyond) => Duration::from_secs(1_u64.checked_shl(beyond - 1).unwrap_or(u64::MAX)).min(longest),
    }
}
