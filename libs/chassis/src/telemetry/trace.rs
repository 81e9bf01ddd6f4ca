//! W3C Trace Context: the trace that the current work belongs to (<https://www.w3.org/TR/trace-context/>).

use std::cell::Cell;
use std::fmt;
use std::future::Future;

use crate::random::{Random, SystemRandom};

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// A trace id and the id of the span within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    sampled: bool,
}

/// 16 bytes, shown as 32 hexadecimal digits; never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// 8 bytes, shown as 16 hexadecimal digits; never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl TraceContext {
    /// Starts a new trace.
    pub fn root() -> Self {
        Self {
            trace_id: TraceId((u128::from(unique()) << 64) | u128::from(unique())),
            span_id: SpanId(unique()),
            sampled: true,
        }
    }

    /// A new span in the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: SpanId(unique()),
            ..self
        }
    }

    /// From ids that another library made; `None` if one is zero.
    pub(crate) fn from_ids(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
            sampled,
        })
    }

    /// Parses a `traceparent` header (§3.2). `None` if it is malformed: a new trace then starts, as §4.3 asks.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace_id = hex(parts.next()?, 32)?;
        let span_id = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        // A later version may have more parts; version 0 has four, and 255 is no version (§3.2.2.1).
        let complete = version != 0 || parts.next().is_none();
        if version == 0xff || !complete {
            return None;
        }
        Self::from_ids(trace_id, span_id, flags & 1 == 1)
    }

    /// The trace's id.
    pub fn trace_id(self) -> TraceId {
        self.trace_id
    }

    /// The span's id.
    pub fn span_id(self) -> SpanId {
        self.span_id
    }

    /// True if the caller records this trace.
    pub fn is_sampled(self) -> bool {
        self.sampled
    }

    /// The same context, not sampled.
    pub(crate) fn unsampled(self) -> Self {
        Self {
            sampled: false,
            ..self
        }
    }

    pub(crate) fn ids(self) -> (u128, u64) {
        (self.trace_id.0, self.span_id.0)
    }

    /// The context of the current task, if it is part of a trace.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| *current).ok()
    }

    /// Runs `future` as part of this trace: its log lines, its outgoing calls and its events carry the ids.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }
}

/// The value of a `traceparent` header, version 00.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{}-{}-{flags:02x}", self.trace_id, self.span_id)
    }
}

/// Exactly `digits` lower-case hexadecimal digits (§3.2.2).
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != digits || !text.as_bytes().iter().all(lower) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

/// A random number that is never zero. Span ids are not secrets: each thread draws one seed and continues from it
/// (SplitMix64), which costs a few nanoseconds per request.
fn unique() -> u64 {
    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }
    STATE.with(|state| {
        let seed = state.get().unwrap_or_else(|| {
            let mut bytes = [0; 8];
            SystemRandom::default().fill(&mut bytes);
            u64::from_le_bytes(bytes)
        });
        let next = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(Some(next));
        let mut mixed = next;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).max(1)
    })
}
