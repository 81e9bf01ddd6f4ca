//! Spans for the trace exporter. Without an exporter no span is created, and asking for one costs the check of a flag.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind as OtelKind, Status, TraceContextExt,
    TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

use super::TraceContext;

static EXPORTING: AtomicBool = AtomicBool::new(false);
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Starts creating spans.
pub(super) fn start_exporting(tracer: SdkTracer) {
    EXPORTING.store(TRACER.set(tracer).is_ok(), Ordering::Relaxed);
}

/// Stops creating spans.
pub(super) fn stop_exporting() {
    EXPORTING.store(false, Ordering::Relaxed);
}

fn tracer() -> Option<&'static SdkTracer> {
    // A flag and not the cell alone: traces end before the process does.
    if EXPORTING.load(Ordering::Relaxed) {
        TRACER.get()
    } else {
        None
    }
}

/// The kind of a span, as OpenTelemetry defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Work within the process.
    Internal,
    /// A call to a peer, with its response.
    Client,
    /// The creation of a message.
    Producer,
    /// The processing of a message.
    Consumer,
}

impl From<SpanKind> for OtelKind {
    fn from(kind: SpanKind) -> Self {
        match kind {
            SpanKind::Internal => Self::Internal,
            SpanKind::Client => Self::Client,
            SpanKind::Producer => Self::Producer,
            SpanKind::Consumer => Self::Consumer,
        }
    }
}

/// A span that is recorded, or none. It ends when it is dropped.
///
/// Attributes have the names of the OpenTelemetry semantic conventions. None may hold personal data or what a user typed.
#[derive(Debug, Default)]
pub struct Span(Option<Box<RecordedSpan>>);

#[derive(Debug)]
struct RecordedSpan {
    span: opentelemetry_sdk::trace::Span,
    context: TraceContext,
    /// The error kind if the span is dropped before it succeeds or fails.
    fail_on_drop: Option<&'static str>,
}

impl Span {
    /// Starts a child of the current span.
    pub fn start<N: Into<Cow<'static, str>>>(kind: SpanKind, name: impl FnOnce() -> N) -> Self {
        match recorded_parent() {
            Some(parent) => Self::child_of(parent, kind, name),
            None => Self::default(),
        }
    }

    /// Starts a child of `parent`, a span of this process.
    pub fn child_of<N: Into<Cow<'static, str>>>(
        parent: TraceContext,
        kind: SpanKind,
        name: impl FnOnce() -> N,
    ) -> Self {
        Self::build(parent, false, || {
            SpanBuilder::from_name(name()).with_kind(kind.into())
        })
    }

    /// Starts the processing of a message that was created in `origin`. The span is a child of `origin` and links to it.
    pub fn for_message<N: Into<Cow<'static, str>>>(origin: TraceContext, name: impl FnOnce() -> N) -> Self {
        Self::build(origin, true, || {
            let link = Link::with_context(remote_context(origin, true));
            SpanBuilder::from_name(name())
                .with_kind(OtelKind::Consumer)
                .with_links(vec![link])
        })
    }

    fn build(parent: TraceContext, is_remote: bool, builder: impl FnOnce() -> SpanBuilder) -> Self {
        let Some(tracer) = tracer().filter(|_| parent.is_sampled()) else {
            return Self::default();
        };
        let parent_context = Context::new().with_remote_span_context(remote_context(parent, is_remote));
        Self::from_sdk(tracer.build_with_context(builder(), &parent_context)).1
    }

    fn from_sdk(span: opentelemetry_sdk::trace::Span) -> (Option<TraceContext>, Self) {
        let ids = span.span_context();
        let context = TraceContext::from_ids(
            u128::from_be_bytes(ids.trace_id().to_bytes()),
            u64::from_be_bytes(ids.span_id().to_bytes()),
            ids.is_sampled(),
        );
        let recorded = context.filter(|_| span.is_recording()).map(|context| {
            Box::new(RecordedSpan {
                span,
                context,
                fail_on_drop: None,
            })
        });
        (context, Self(recorded))
    }

    /// The context for child spans; `None` if the span is not recorded.
    pub fn context(&self) -> Option<TraceContext> {
        self.0.as_ref().map(|recorded| recorded.context)
    }

    /// Sets an attribute. Each name may be set once.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(recorded) = &mut self.0 {
            recorded.span.set_attribute(KeyValue::new(name, value));
        }
    }

    /// Marks the span as failed. `kind` is one of a few fixed words (`error.type`).
    pub fn fail(&mut self, kind: impl Into<Cow<'static, str>>) {
        if let Some(recorded) = &mut self.0 {
            recorded.fail_on_drop = None;
            recorded
                .span
                .set_attribute(KeyValue::new("error.type", Value::from(kind.into())));
            recorded.span.set_status(Status::error(""));
        }
    }

    /// Marks the span as failed by `kind` if it is dropped before [`Self::succeed`] or [`Self::fail`].
    #[must_use]
    pub fn fail_on_drop(mut self, kind: &'static str) -> Self {
        if let Some(recorded) = &mut self.0 {
            recorded.fail_on_drop = Some(kind);
        }
        self
    }

    /// Marks the span as successful.
    pub fn succeed(&mut self) {
        if let Some(recorded) = &mut self.0 {
            recorded.fail_on_drop = None;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(kind) = self.0.as_ref().and_then(|recorded| recorded.fail_on_drop) {
            self.fail(kind);
        }
    }
}

/// True if spans are exported.
pub fn is_exporting() -> bool {
    tracer().is_some()
}

/// The current trace context, if spans of it are recorded.
pub fn recorded_parent() -> Option<TraceContext> {
    tracer()?;
    TraceContext::current().filter(|current| current.is_sampled())
}

/// A new trace that is not sampled, for calls that belong to no trace, such as polling: the other side does not record
/// them either. `None` if spans are not exported.
pub(crate) fn unsampled_context() -> Option<TraceContext> {
    tracer().map(|_| TraceContext::root().unsampled())
}

/// The trace context and the server span of a request. It continues the trace of `caller`, or starts one that is sampled
/// by the configured ratio.
pub(super) fn server_span(
    caller: Option<TraceContext>,
    builder: impl FnOnce() -> SpanBuilder,
) -> (TraceContext, Span) {
    let own = || caller.map_or_else(TraceContext::root, TraceContext::child);
    let Some(tracer) = tracer() else {
        return (own(), Span::default());
    };
    let parent_context = match caller {
        Some(caller) if !caller.is_sampled() => return (own(), Span::default()),
        Some(caller) => Context::new().with_remote_span_context(remote_context(caller, true)),
        None => Context::new(),
    };
    let (context, span) = Span::from_sdk(tracer.build_with_context(builder(), &parent_context));
    (context.unwrap_or_else(own), span)
}

fn remote_context(context: TraceContext, is_remote: bool) -> SpanContext {
    let (trace_id, span_id) = context.ids();
    SpanContext::new(
        TraceId::from_bytes(trace_id.to_be_bytes()),
        SpanId::from_bytes(span_id.to_be_bytes()),
        TraceFlags::default().with_sampled(context.is_sampled()),
        is_remote,
        TraceState::default(),
    )
}
