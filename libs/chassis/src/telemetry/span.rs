//! Spans: pieces of work as a collector sees them. Without an endpoint none is ever made, and asking for one costs
//! a look at a flag.

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

/// From now on spans are made.
pub(super) fn start_exporting(tracer: SdkTracer) {
    EXPORTING.store(TRACER.set(tracer).is_ok(), Ordering::Relaxed);
}

/// From now on no span is made any more.
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

/// What a piece of work is to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Nothing.
    Internal,
    /// It asks somebody and waits for the answer.
    Client,
    /// It makes a message that somebody will read later.
    Producer,
    /// It deals with a message.
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

/// A piece of work that is recorded, or nothing. It ends when it is dropped.
///
/// Attributes have the names of the OpenTelemetry semantic conventions. None may hold what a person typed, is called, or
/// could be found by.
#[derive(Debug, Default)]
pub struct Span(Option<Box<RecordedSpan>>);

#[derive(Debug)]
struct RecordedSpan {
    span: opentelemetry_sdk::trace::Span,
    context: TraceContext,
    /// The error of a piece of work that is dropped in the middle.
    fail_on_drop: Option<&'static str>,
}

impl Span {
    /// Begins a piece of the work at hand.
    pub fn start<N: Into<Cow<'static, str>>>(kind: SpanKind, name: impl FnOnce() -> N) -> Self {
        match recorded_parent() {
            Some(parent) => Self::child_of(parent, kind, name),
            None => Self::default(),
        }
    }

    /// Begins a piece of work that belongs to `parent`, a span of this process.
    pub fn child_of<N: Into<Cow<'static, str>>>(
        parent: TraceContext,
        kind: SpanKind,
        name: impl FnOnce() -> N,
    ) -> Self {
        Self::build(parent, false, || {
            SpanBuilder::from_name(name()).with_kind(kind.into())
        })
    }

    /// Begins to deal with a message that was made in `origin`. The span is its child, and says so by a link as well.
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

    /// Where work that belongs to this one hangs; nothing when it is not recorded.
    pub fn context(&self) -> Option<TraceContext> {
        self.0.as_ref().map(|recorded| recorded.context)
    }

    /// Notes an attribute. Each name once.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(recorded) = &mut self.0 {
            recorded.span.set_attribute(KeyValue::new(name, value));
        }
    }

    /// It failed: `kind` is one word out of few (`error.type`).
    pub fn fail(&mut self, kind: impl Into<Cow<'static, str>>) {
        if let Some(recorded) = &mut self.0 {
            recorded.fail_on_drop = None;
            recorded
                .span
                .set_attribute(KeyValue::new("error.type", Value::from(kind.into())));
            recorded.span.set_status(Status::error(""));
        }
    }

    /// Dropped before [`Self::succeed`] or [`Self::fail`], it has failed by this.
    #[must_use]
    pub fn fail_on_drop(mut self, kind: &'static str) -> Self {
        if let Some(recorded) = &mut self.0 {
            recorded.fail_on_drop = Some(kind);
        }
        self
    }

    /// It went well.
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

/// Whether anything is recorded at all.
pub fn is_exporting() -> bool {
    tracer().is_some()
}

/// The work at hand, if pieces of it are recorded.
pub fn recorded_parent() -> Option<TraceContext> {
    tracer()?;
    TraceContext::current().filter(|current| current.is_sampled())
}

/// What calls carry that belong to no story, such as those that ask for news all day: that they are not to be recorded
/// on the other side either. Nothing when nobody records.
pub(crate) fn unsampled_context() -> Option<TraceContext> {
    tracer().map(|_| TraceContext::root().unsampled())
}

/// The span of a request that has come in, and what its work carries: it goes on with the trace of `caller`, or begins
/// one, recorded or not as the configuration has it.
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
