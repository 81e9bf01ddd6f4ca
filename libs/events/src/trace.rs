//! The W3C trace context of the work at hand, as it travels through rows.

use std::future::Future;

use chassis::telemetry::TraceContext;

use crate::contract::Envelope;

/// The `traceparent` of the work at hand, when it is traced.
pub(crate) fn current() -> Option<String> {
    TraceContext::current().map(|trace| trace.to_string())
}

/// Runs `work` as part of the trace in which the event happened.
pub(crate) async fn within<F: Future>(event: &Envelope, work: F) -> F::Output {
    match event.traceparent.as_deref().and_then(TraceContext::parse) {
        Some(trace) => trace.child().scope(work).await,
        None => work.await,
    }
}
