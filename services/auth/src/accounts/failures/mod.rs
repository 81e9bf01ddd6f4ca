//! Failed sign-ins, counted by the minute and published as counts (SB-40).
//!
//! The log has a line for each. An event for each would let whoever guesses fill the outbox, so `login.failed` says how
//! many there were in a minute: for each account, source and reason; the names that nobody has are one account. A count is
//! written in the transaction that notes the failure and published once, by whichever replica deletes it.

mod store;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use contract::{LoginFailed, LoginFailure};
use uuid::Uuid;

use super::{append_event, append_event_at};
use crate::app::App;
use crate::throttle;

/// What one count stands for.
const MINUTE: Duration = Duration::from_secs(60);

/// How long after the end of a minute its counts are published: replicas' clocks differ a little.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(10);

/// A sign-in that failed.
pub(crate) struct FailedSignIn {
    /// Whose name was tried; nothing when nobody has it.
    pub(crate) account: Option<Uuid>,
    pub(crate) reason: LoginFailure,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) at: Timestamp,
}

/// Counts a failed sign-in, in the transaction that notes it.
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

/// Publishes the counts of minutes that are over, a batch at a time. How many counts.
///
/// # Errors
/// When the database fails.
pub(crate) async fn publish(app: &App, tx: &mut Tx) -> Result<usize, DbError> {
    let now = app.clock.now();
    // What a clock wrote that was ahead is published too, and not when that time comes (SB-50).
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
        if account.is_nil() || !append_event(app, tx, account, |version| event(account, version)).await? {
            let nobody = app.random.uuid(&*app.clock);
            append_event_at(app, tx, nobody, 1, &event(nobody, 1)).await?;
        }
    }
    Ok(rows.len())
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
