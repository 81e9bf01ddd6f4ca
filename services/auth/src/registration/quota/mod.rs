//! How many people may register in an hour: from one source, and in all.

mod store;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::secret::TokenHash;

use super::RegisterError;
use crate::app::App;
use crate::throttle;

/// What a quota is for. A clock that went back ends it, too.
const HOUR: Duration = Duration::from_secs(3600);

/// A place that was taken. Dropped, it stays taken for the rest of the hour.
pub(super) struct Place {
    keys: [TokenHash; 2],
}

/// Takes a place of the source and one of all.
///
/// # Errors
/// [`RegisterError::TooMany`] when there is none.
pub(super) async fn take(app: &App, ip: Option<IpAddr>) -> Result<Place, RegisterError> {
    let settings = &app.settings.registration;
    let of_source = TokenHash::of(&format!("registrations of {}", throttle::source(ip)));
    let in_all = TokenHash::of("registrations");
    let now = app.clock.now();
    let mut tx = app.db.begin("registration_quota").await?;
    let limits = [
        (&of_source, settings.hourly_per_source, true),
        (&in_all, settings.hourly, false),
    ];
    for (key, limit, from_source) in limits {
        if limit > 0 && !store::take(&mut tx, key, i64::from(limit), now, now - HOUR).await? {
            let began = store::began(&mut tx, key).await?.unwrap_or(now).min(now);
            tx.rollback().await?;
            let reason = if from_source { "source-limit" } else { "limit" };
            tracing::warn!(
                event.action = "registration",
                event.outcome = "failure",
                event.reason = reason,
                client.ip = ip.map(|ip| ip.to_string()),
                "a registration was refused: as many as may have registered in this hour"
            );
            return Err(RegisterError::TooMany {
                from_source,
                retry_after: (began + HOUR).since(now).max(Duration::from_secs(1)),
            });
        }
    }
    tx.commit().await?;
    Ok(Place {
        keys: [of_source, in_all],
    })
}

impl Place {
    /// Gives the place to somebody else.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn give_back(self, app: &App) -> Result<(), DbError> {
        let mut tx = app.db.begin("registration_quota").await?;
        for key in &self.keys {
            store::give_back(&mut tx, key).await?;
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
