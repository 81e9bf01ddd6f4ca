//! Failed sign-ins: counted per minute and published as `login.failed` events (SB-40).
//!
//! The log has a line for each failure. An event for each would let an attacker fill the outbox, so an event
//! has the count of one minute for one account, source and reason. Unknown user names share one count. A
//! count is written in the transaction that records the failure. The replica that deletes the count publishes
//! it, so it is published once.

mod store;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use contract::{LoginFailed, LoginFailure};
use uuid::Uuid;

use super::Accounts;
use crate::throttle;

/// The period of one count.
const MINUTE: Duration = Duration::from_secs(60);

/// The delay from the end of a minute until its counts are published. The clocks of replicas differ a little.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(10);

/// A failed sign-in.
pub(crate) struct FailedSignIn {
    /// The account of the user name; `None` when the name is unknown.
    pub(crate) account: Option<Uuid>,
    pub(crate) reason: LoginFailure,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) at: Timestamp,
}

/// Counts a failed sign-in in the transaction that records it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn record(tx: &mut Tx, failed: &FailedSignIn) -> Result<(), DbError> {
    let row = store::NewCountRow {
        minute_at: Timestamp::from_secs(failed.at.as_secs().div_euclid(60) * 60),
        account_id: failed.account.unwrap_or(Uuid::nil()),
        source: &throttle::source(failed.ip),
        reason: reason_name(failed.reason),
        client_ip: failed.ip.map(|ip| ip.to_string()),
    };
    store::increment(tx, &row).await
}

impl Accounts {
    /// Publishes one batch of counts of past minutes. Returns the number of counts.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn publish_failures(&self, tx: &mut Tx) -> Result<usize, DbError> {
        let now = self.clock.now();
        // A count in the future was written by a clock that was ahead. It is published now (SB-50).
        let rows = store::claim_pending(tx, now - MINUTE - CLOCK_TOLERANCE, now + MINUTE).await?;
        for row in &rows {
            let event = |id, version| LoginFailed {
                id,
                reason: reason_from_name(&row.reason),
                client_ip: row.client_ip.clone(),
                count: row.failures,
                since: Some(row.minute_at),
                until: Some(row.minute_at + MINUTE),
                version,
            };
            let account = row.account_id;
            if account.is_nil()
                || !self
                    .append_event(tx, account, |version| event(account, version))
                    .await?
            {
                let nobody = self.random.uuid(&*self.clock);
                self.append_event_at(tx, nobody, 1, &event(nobody, 1)).await?;
            }
        }
        Ok(rows.len())
    }
}

fn reason_name(reason: LoginFailure) -> &'static str {
    match reason {
        LoginFailure::WrongPassword => "wrong_password",
        LoginFailure::UnknownUser => "unknown_user",
        LoginFailure::Inactive => "inactive",
        LoginFailure::Throttled => "throttled",
        LoginFailure::WrongSecondFactor => "wrong_second_factor",
        LoginFailure::Other => "other",
    }
}

fn reason_from_name(name: &str) -> LoginFailure {
    match name {
        "wrong_password" => LoginFailure::WrongPassword,
        "unknown_user" => LoginFailure::UnknownUser,
        "inactive" => LoginFailure::Inactive,
        "throttled" => LoginFailure::Throttled,
        "wrong_second_factor" => LoginFailure::WrongSecondFactor,
        _ => LoginFailure::Other,
    }
}
