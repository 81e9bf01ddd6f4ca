//! The background task of provisioning tokens: it writes their last uses, and warns before the last token of a client expires.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use chassis::shutdown::Shutdown;
use uuid::Uuid;

use super::{DAY, ProvisioningClients, store};

/// The interval at which uses are written and expiries are read.
const EVERY: Duration = Duration::from_secs(15);

impl ProvisioningClients {
    /// Writes uses and warns until `shutdown`, and writes the last uses then.
    pub(crate) async fn run_on_schedule(self, shutdown: Shutdown) {
        let mut warned: HashMap<Uuid, Timestamp> = HashMap::new();
        loop {
            let done = match self.write_uses().await {
                Ok(()) => self.check_expiries(&mut warned).await,
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                tracing::warn!(
                    error = &error as &dyn Error,
                    "the uses and expiries of provisioning tokens could not be processed: retried in {} s",
                    EVERY.as_secs()
                );
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => break,
            }
        }
        if let Err(error) = self.write_uses().await {
            tracing::warn!(
                error = &error as &dyn Error,
                "the last uses of provisioning tokens were not written"
            );
        }
    }

    /// Sets the metric, and logs each client whose last token expires soon, once a day.
    pub(super) async fn check_expiries(&self, warned: &mut HashMap<Uuid, Timestamp>) -> Result<(), DbError> {
        let now = self.clock.now();
        let expiries = store::last_expiries(&mut self.db.reader().await?).await?;
        let first = expiries.iter().map(|(_, at)| *at).min();
        // Without a client nothing expires.
        let left = first.map_or(f64::INFINITY, |first| seconds_until(first, now));
        metrics::gauge!("vestibule_provisioning_token_expiry_seconds").set(left);
        let soon = DAY.saturating_mul(u32::from(self.limits.warn_days));
        warned.retain(|id, _| expiries.iter().any(|(known, _)| known == id));
        for (id, expires_at) in expiries {
            let fresh = warned.get(&id).is_some_and(|at| now < *at + DAY);
            if fresh || expires_at > now + soon {
                continue;
            }
            warned.insert(id, now);
            match expires_at <= now {
                true => {
                    tracing::warn!(event.action = "provisioning-token-expired", provisioning_client.id = %id, "the last token of a provisioning client has expired: it can provision nobody until it is given another one")
                }
                false => {
                    tracing::warn!(event.action = "provisioning-token-expires", provisioning_client.id = %id, "the last token of a provisioning client expires at {expires_at}: give it another one")
                }
            }
        }
        Ok(())
    }
}

fn seconds_until(then: Timestamp, now: Timestamp) -> f64 {
    match then >= now {
        true => then.since(now).as_secs_f64(),
        false => -now.since(then).as_secs_f64(),
    }
}
