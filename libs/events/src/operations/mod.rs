//! `/admin/v1/events`: statistics, verification, dead letters, replay and reconciliation for operators.

pub(crate) mod routes;
pub(crate) mod stats;
mod store;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;

use chassis::db::Db;

use crate::outbox::Outbox;
use crate::reconcile::ReconcilerHandle;
use crate::transport::TransportKind;

pub use routes::{HasOperations, routes};

/// The events of one service, for its operators. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Operations {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    db: Db,
    outbox: Outbox,
    consumer: &'static str,
    transport: TransportKind,
    reconciliation: ReconcilerHandle,
}

impl Operations {
    /// The events that `outbox` tells over `transport`, and those that `consumer` (`auth`, `users`) hears; all are in
    /// `db`.
    pub fn new(db: Db, outbox: Outbox, consumer: &'static str, transport: TransportKind) -> Self {
        Self {
            shared: Arc::new(Shared {
                db,
                outbox,
                consumer,
                transport,
                reconciliation: ReconcilerHandle::default(),
            }),
        }
    }

    /// The way to the reconciler, wherever it runs.
    pub fn reconciliation(&self) -> &ReconcilerHandle {
        &self.shared.reconciliation
    }
}
