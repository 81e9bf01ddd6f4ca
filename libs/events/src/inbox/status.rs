//! The status of a consumer in this process, for the reconciler and for operators.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::Delivery;

const UNKNOWN: i64 = -1;

/// The state of a consumer in this process. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ConsumerStatus(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connected: Notify,
    lag: AtomicI64,
    totals: Mutex<Delivery>,
}

impl Default for ConsumerStatus {
    fn default() -> Self {
        Self(Arc::new(Shared {
            connected: Notify::new(),
            lag: AtomicI64::new(UNKNOWN),
            totals: Mutex::default(),
        }))
    }
}

impl ConsumerStatus {
    /// The consumer has reached its broker, maybe after a while without.
    pub(crate) fn connected(&self) {
        self.0.connected.notify_one();
    }

    /// Waits until the consumer reaches its broker.
    pub(crate) async fn until_connected(&self) {
        self.0.connected.notified().await;
    }

    /// Sets the number of messages that wait at the broker, if it is known.
    pub(super) fn set_lag(&self, lag: Option<u64>) {
        let lag = lag.map_or(UNKNOWN, |lag| i64::try_from(lag).unwrap_or(i64::MAX));
        self.0.lag.store(lag, Ordering::Relaxed);
    }

    /// The number of messages that wait at the broker, if it is known.
    pub(crate) fn lag(&self) -> Option<u64> {
        u64::try_from(self.0.lag.load(Ordering::Relaxed)).ok()
    }

    /// True if messages wait at the broker.
    pub(crate) fn is_lagging(&self) -> bool {
        self.0.lag.load(Ordering::Relaxed) > 0
    }

    pub(super) fn count(&self, delivery: Delivery) {
        let mut totals = self.0.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.add(delivery);
    }

    /// The outcomes of all deliveries since the process began.
    pub(crate) fn totals(&self) -> Delivery {
        *self.0.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
