//! Prometheus metrics of the ports.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use metrics::{counter, gauge};

use super::slots::Slots;
use crate::http::BodyBudget;
use crate::telemetry;

type RegisteredPorts = Vec<(&'static str, Weak<Slots>)>;
static PORTS: Mutex<Option<RegisteredPorts>> = Mutex::new(None);

/// Registers a port, so that `vestibule_connections{port}` is measured before each scrape.
pub(super) fn register_port(port: &'static str, slots: &Arc<Slots>) {
    let mut ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let first = ports.is_none();
    let all = ports.get_or_insert_default();
    all.retain(|(_, slots)| slots.strong_count() > 0);
    all.push((port, Arc::downgrade(slots)));
    if first {
        telemetry::before_scrape(measure);
    }
}

fn measure() {
    let ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    for (port, slots) in ports.iter().flatten() {
        if let Some(slots) = slots.upgrade() {
            #[expect(clippy::cast_precision_loss, reason = "far fewer connections than 2^52")]
            gauge!("vestibule_connections", "port" => *port).set(slots.in_use() as f64);
        }
    }
}

/// Registers the body budget, so that `vestibule_body_bytes` and its limit are measured before each scrape. A process has
/// one budget.
pub(super) fn register_body_budget(budget: &BodyBudget) {
    let budget = budget.clone();
    telemetry::before_scrape(move || {
        gauge!("vestibule_body_bytes").set(float(budget.used()));
        gauge!("vestibule_body_bytes_limit").set(float(budget.limit()));
    });
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn float(value: u64) -> f64 {
    value as f64
}

/// Counts a connection that the service refused or closed.
pub(super) fn count_closed(port: &'static str, reason: &'static str) {
    counter!("vestibule_connections_closed_total", "port" => port, "reason" => reason).increment(1);
}

/// Counts a request that the service refused before any handler.
pub(super) fn count_refused(reason: &'static str) {
    counter!("vestibule_requests_refused_total", "reason" => reason).increment(1);
}
