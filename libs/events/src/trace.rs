//! The trace context of an event: created with it, stored in its row, continued by the consumer that applies it.
//!
//! Spans are those of the OpenTelemetry conventions for messages: `create` where the event is written (ADR 0017), `send`
//! where the relay publishes it, `process` where an inbox applies it. The context of `create` is what travels; it never
//! changes, whatever way the event takes and however often.

use std::future::Future;
use std::sync::Arc;

use chassis::telemetry::{self, Span, SpanKind, TraceContext};
use uuid::Uuid;

use crate::transport::{PublishError, Transport};
use contract::Envelope;

/// The attributes of spans that name the transport of events and their destination.
#[derive(Clone, Debug)]
pub struct MessagingAttributes {
    system: &'static str,
    destination: Arc<str>,
}

impl MessagingAttributes {
    /// A transport by its name, and what it calls the place that events are sent to.
    pub fn new(transport: &'static str, destination: impl Into<Arc<str>>) -> Self {
        Self {
            system: match transport {
                "feed" => "vestibule.feed",
                broker => broker,
            },
            destination: destination.into(),
        }
    }

    fn describe(&self, span: &mut Span, operation: (&'static str, &'static str), id: Uuid, kind: &str) {
        if span.context().is_none() {
            return;
        }
        span.set("messaging.system", self.system);
        span.set("messaging.destination.name", self.destination.to_string());
        span.set("messaging.operation.type", operation.0);
        span.set("messaging.operation.name", operation.1);
        span.set("messaging.message.id", id.to_string());
        span.set("cloudevents.event_id", id.to_string());
        span.set("cloudevents.event_type", kind.to_owned());
    }
}

/// Begins to write an event. The answer's second part is its `traceparent`, if it belongs to a trace.
pub fn creating(id: Uuid, kind: &'static str) -> (Span, Option<String>) {
    let mut span = Span::start(SpanKind::Producer, || format!("create {kind}")).fail_on_drop("not_written");
    if span.context().is_some() {
        MessagingAttributes::new("vestibule.outbox", "outbox").describe(
            &mut span,
            ("create", "append"),
            id,
            kind,
        );
    }
    let trace = span.context().or_else(TraceContext::current);
    (span, trace.map(|trace| trace.to_string()))
}

/// Begins to publish a batch: a span for each event that is recorded, in the trace of that event.
pub fn sending(transport: &impl Transport, events: &[Envelope]) -> Vec<Span> {
    if !telemetry::is_exporting() {
        return Vec::new();
    }
    let messaging = MessagingAttributes::new(transport.name(), transport.destination());
    let span = |event: &Envelope| {
        let Some(origin) = origin(event) else {
            return Span::default();
        };
        let name = || format!("send {}", event.kind);
        let mut span = Span::child_of(origin, SpanKind::Client, name).fail_on_drop("cancelled");
        messaging.describe(&mut span, ("send", "publish"), event.id, &event.kind);
        if events.len() > 1 {
            let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
            span.set("vestibule.batch.size", count);
        }
        span
    };
    events.iter().map(span).collect()
}

/// Notes which events of a batch were not delivered.
pub fn sent(spans: &mut [Span], results: &[Result<(), PublishError>]) {
    for (span, result) in spans.iter_mut().zip(results) {
        match result {
            Ok(()) => span.succeed(),
            Err(PublishError::Refused(_)) => span.fail("refused"),
            Err(PublishError::Unavailable(_)) => span.fail("unavailable"),
            Err(PublishError::Unsent) => span.fail("not_sent"),
        }
    }
}

/// The span of an event that `consumer` applies, in the trace in which the event happened, and that trace for the work; `None`
/// for an event without a trace.
pub(crate) fn processing(
    event: &Envelope,
    messaging: &MessagingAttributes,
    consumer: &'static str,
) -> Option<(Span, TraceContext)> {
    let origin = origin(event)?;
    let mut span = Span::for_message(origin, || format!("process {}", event.kind)).fail_on_drop("cancelled");
    messaging.describe(&mut span, ("process", "apply"), event.id, &event.kind);
    span.set("messaging.consumer.group.name", consumer);
    let trace = span.context().unwrap_or_else(|| origin.child());
    Some((span, trace))
}

/// Runs `work` as part of the trace in which the event happened.
pub async fn within<F: Future>(event: &Envelope, work: F) -> F::Output {
    match origin(event) {
        Some(trace) => trace.scope(work).await,
        None => work.await,
    }
}

fn origin(event: &Envelope) -> Option<TraceContext> {
    event.traceparent.as_deref().and_then(TraceContext::parse)
}
