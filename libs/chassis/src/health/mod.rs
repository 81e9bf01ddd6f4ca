//! Health of a service (started, ready, live), and the routes of the management port.

mod probe;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ::http::StatusCode;
use ::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::http::{Json, check_host};
use crate::shutdown::{Phase, Shutdown};
use crate::telemetry;

pub use probe::{NotReady, probe};

/// The health of a service. Cheap to clone.
///
/// *Started* means that the startup is complete (migrated, keys loaded). *Ready* means started, every requirement
/// satisfied, and not draining. It does not depend on shared servers: an unavailable database must not take every
/// replica out of service. *Live* means that the runtime runs.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    started: bool,
    missing: BTreeSet<&'static str>,
    notes: BTreeSet<&'static str>,
}

impl Health {
    /// The health of a service that is not started.
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks the startup as complete.
    pub fn mark_started(&self) {
        self.state(|state| state.started = true);
    }

    /// Adds a requirement: the service is not ready until [`Health::satisfy`] is called for `name`.
    pub fn require(&self, name: &'static str) {
        self.state(|state| state.missing.insert(name));
    }

    /// Marks the requirement `name` as satisfied.
    pub fn satisfy(&self, name: &'static str) {
        self.state(|state| state.missing.remove(name));
    }

    /// Adds a note for operators to the ready state, until [`Health::remove_note`]: a limitation that is no reason to send
    /// requests elsewhere.
    pub fn add_note(&self, note: &'static str) {
        self.state(|state| state.notes.insert(note));
    }

    /// Removes a note.
    pub fn remove_note(&self, note: &'static str) {
        self.state(|state| state.notes.remove(note));
    }

    /// True if the startup is complete.
    pub fn is_started(&self) -> bool {
        self.state(|state| state.started)
    }

    /// The requirements that are not satisfied; empty if the service is ready.
    pub fn missing(&self) -> Vec<&'static str> {
        self.state(|state| {
            let start = (!state.started).then_some("start");
            start.into_iter().chain(state.missing.iter().copied()).collect()
        })
    }

    /// The notes for operators.
    pub fn notes(&self) -> Vec<&'static str> {
        self.state(|state| state.notes.iter().copied().collect())
    }

    fn state<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The routes of the management port: `GET /health/live`, `/health/ready`, `/health/started` and `/metrics`.
pub fn management_routes(health: Health, shutdown: Shutdown) -> Router {
    let started = health.clone();
    Router::new()
        .route("/health/live", get(async || health_response(&[], &[])))
        .route(
            "/health/started",
            get(async move || match started.is_started() {
                true => health_response(&[], &[]),
                false => health_response(&started.missing(), &[]),
            }),
        )
        .route(
            "/health/ready",
            get(async move || {
                let mut missing = health.missing();
                if shutdown.phase() > Phase::Running {
                    missing.push("draining");
                }
                health_response(&missing, &health.notes())
            }),
        )
        .route("/metrics", get(metrics))
        .layer(from_fn(require_host))
}

/// Requires one valid host in the request, as on the public port (RFC 9112 §3.2).
async fn require_host(request: Request, next: Next) -> Response {
    match check_host(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn health_response(missing: &[&'static str], notes: &[&'static str]) -> Response {
    let no_store = [(CACHE_CONTROL, "no-store")];
    if missing.is_empty() && !notes.is_empty() {
        (no_store, Json(json!({ "status": "ok", "notes": notes }))).into_response()
    } else if missing.is_empty() {
        (no_store, Json(json!({ "status": "ok" }))).into_response()
    } else {
        let body = Json(json!({ "status": "not ok", "reasons": missing }));
        (StatusCode::SERVICE_UNAVAILABLE, no_store, body).into_response()
    }
}

async fn metrics() -> Response {
    let head = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (head, telemetry::metrics_text()).into_response()
}
