//! A bounded span processor. It drops and counts spans when its queue is full, so a collector that is slow or away costs
//! spans and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

/// The maximum number of queued spans.
const MAX_WAITING: usize = 4096;
/// The maximum number of spans in one export.
const MAX_BATCH: usize = 512;
/// The longest that a span waits for others of its batch.
const BATCH_DELAY: Duration = Duration::from_secs(2);

/// A processor that exports batches through `exporter`.
pub(super) fn bounded_batches<E: SpanExporter + 'static>(exporter: E) -> impl SpanProcessor {
    let waiting = Arc::new(AtomicUsize::new(0));
    let counted = CountingExporter {
        inner: exporter,
        waiting: Arc::clone(&waiting),
        failing: AtomicBool::new(false),
    };
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(MAX_WAITING)
        .with_max_export_batch_size(MAX_BATCH)
        .with_scheduled_delay(BATCH_DELAY)
        .build();
    BoundedProcessor {
        inner: BatchSpanProcessor::builder(counted)
            .with_batch_config(batches)
            .build(),
        waiting,
    }
}

fn count(outcome: &'static str, spans: usize) {
    metrics::counter!("vestibule_trace_spans_total", "outcome" => outcome).increment(spans as u64);
}

/// Drops spans when the queue is full.
#[derive(Debug)]
struct BoundedProcessor {
    inner: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
}

impl SpanProcessor for BoundedProcessor {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            count("dropped", 1);
            return;
        }
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts exported and failed spans, and logs when exports begin to fail and when they succeed again.
#[derive(Debug)]
struct CountingExporter<E> {
    inner: E,
    waiting: Arc<AtomicUsize>,
    failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for CountingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        let result = self.inner.export(batch).await;
        let failed = result.is_err();
        count(if failed { "failed" } else { "exported" }, spans);
        match (&result, self.failing.swap(failed, Ordering::Relaxed)) {
            (Err(error), false) => {
                tracing::warn!(error.message = %error, "trace collector unreachable: spans are dropped until it answers");
            }
            (Ok(()), true) => tracing::info!("trace collector reachable again"),
            _ => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
