//! How many people may register in an hour: from one source, and in all.

mod store;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::TokenHash;

use super::RegisterError;
use crate::app::App;
use crate::throttle;

/// What a quota is for. A clock that went back ends it, too.
const HOUR: Duration = Duration::from_secs(3600);

/// A claim that was taken. Dropped, it stays taken for the rest of the hour.
pub(super) struct QuotaClaim {
    keys: [TokenHash; 2],
}

/// A source of which so many have registered leaves the last quarter of all places to others.
const SMALL_SOURCE: i64 = 3;

/// A quota: its key, how much was used of it, and how much may be.
struct Quota {
    key: TokenHash,
    usage: store::QuotaUsage,
    limit: i64,
    is_of_source: bool,
}

impl Quota {
    fn is_full(&self) -> bool {
        self.usage.used >= self.limit
    }
}

/// A setting as a limit: 0 is none.
fn limit(setting: u32) -> i64 {
    match setting {
        0 => i64::MAX,
        limit => i64::from(limit),
    }
}

/// The quota of the source and that of all.
async fn read(db: &mut impl Connection, app: &App, ip: Option<IpAddr>) -> Result<[Quota; 2], DbError> {
    let settings = &app.settings.registration;
    let now = app.clock.now();
    let key = TokenHash::of(&format!("registrations of {}", throttle::subscriber(ip)));
    let of_source = Quota {
        usage: store::find_usage(db, &key, now, now - HOUR).await?,
        key,
        limit: limit(settings.hourly_per_source),
        is_of_source: true,
    };
    let key = TokenHash::of("registrations");
    let limit = limit(settings.hourly);
    let in_all = Quota {
        usage: store::find_usage(db, &key, now, now - HOUR).await?,
        key,
        limit: match of_source.usage.used < SMALL_SOURCE {
            true => limit,
            false => limit - limit / 4,
        },
        is_of_source: false,
    };
    Ok([of_source, in_all])
}

/// Whether there is a claim. Changes nothing.
///
/// # Errors
/// When the database fails.
pub(super) async fn has_capacity(app: &App, ip: Option<IpAddr>) -> Result<bool, DbError> {
    let quotas = read(&mut app.db.reader().await?, app, ip).await?;
    Ok(!quotas.iter().any(Quota::is_full))
}

/// Refuses a source that would get no claim. Changes nothing: who is refused costs a read.
///
/// # Errors
/// [`RegisterError::QuotaExceeded`].
pub(super) async fn check(app: &App, ip: Option<IpAddr>) -> Result<(), RegisterError> {
    let quotas = read(&mut app.db.reader().await?, app, ip).await?;
    match quotas.iter().find(|quota| quota.is_full()) {
        Some(full) => Err(quota_exceeded(app, ip, full)),
        None => Ok(()),
    }
}

/// Takes a claim of the source and one of all.
///
/// # Errors
/// [`RegisterError::QuotaExceeded`] when there is none.
pub(super) async fn claim(app: &App, ip: Option<IpAddr>) -> Result<QuotaClaim, RegisterError> {
    let now = app.clock.now();
    let mut tx = app.db.begin("registration_quota").await?;
    let quotas = read(&mut tx, app, ip).await?;
    for quota in &quotas {
        // What was read may be old: the guarded statement decides.
        if !store::claim(&mut tx, &quota.key, quota.limit, now, now - HOUR).await? {
            tx.rollback().await?;
            return Err(quota_exceeded(app, ip, quota));
        }
    }
    tx.commit().await?;
    Ok(QuotaClaim {
        keys: quotas.map(|quota| quota.key),
    })
}

fn quota_exceeded(app: &App, ip: Option<IpAddr>, full: &Quota) -> RegisterError {
    let now = app.clock.now();
    let reason = if full.is_of_source {
        "source-limit"
    } else {
        "limit"
    };
    tracing::warn!(
        event.action = "registration",
        event.outcome = "failure",
        event.reason = reason,
        client.ip = ip.map(|ip| ip.to_string()),
        "a registration was refused: as many as may have registered in this hour"
    );
    RegisterError::QuotaExceeded {
        from_source: full.is_of_source,
        retry_after: (full.usage.began_at + HOUR)
            .since(now)
            .max(Duration::from_secs(1)),
    }
}

impl QuotaClaim {
    /// Gives the claim to somebody else.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn release(self, app: &App) -> Result<(), DbError> {
        let mut tx = app.db.begin("registration_quota").await?;
        for key in &self.keys {
            store::release(&mut tx, key).await?;
        }
        tx.commit().await
    }
}

/// Removes quotas whose hour is over.
///
/// # Errors
/// When the database fails.
pub(super) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    store::sweep(tx, now - HOUR).await
}
