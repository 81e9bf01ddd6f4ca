//! Spans that the collector received, and the traces that they form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
pub(super) use opentelemetry_proto::tonic::trace::v1::span::SpanKind as Kind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

/// A received span, with the service that sent it.
#[derive(Clone, Debug)]
pub(super) struct ReceivedSpan {
    /// `vestibule-auth`, `vestibule-users`
    pub(super) service: String,
    pub(super) resource: BTreeMap<String, String>,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) trace: String,
    pub(super) id: String,
    /// Empty at the root.
    pub(super) parent: String,
    pub(super) links: Vec<(String, String)>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) failed: bool,
}

pub(super) fn spans_of_export(export: ExportTraceServiceRequest) -> Vec<ReceivedSpan> {
    let mut seen = Vec::new();
    for group in export.resource_spans {
        let resource = texts(group.resource.unwrap_or_default().attributes);
        for scope in group.scope_spans {
            seen.extend(scope.spans.into_iter().map(|span| received_span(span, &resource)));
        }
    }
    seen
}

fn received_span(span: Span, resource: &BTreeMap<String, String>) -> ReceivedSpan {
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    let count = span.attributes.len();
    let attributes = texts(span.attributes);
    assert_eq!(attributes.len(), count, "each name once: {attributes:?}");
    ReceivedSpan {
        service: resource["service.name"].clone(),
        resource: resource.clone(),
        kind: Kind::try_from(span.kind).unwrap(),
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        links: span
            .links
            .iter()
            .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
            .collect(),
        attributes,
        failed: span
            .status
            .is_some_and(|status| status.code() == StatusCode::Error),
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |attribute: KeyValue| {
        let value = match attribute.value.and_then(|value| value.value) {
            Some(Value::StringValue(text)) => text,
            Some(Value::IntValue(number)) => number.to_string(),
            Some(Value::DoubleValue(number)) => number.to_string(),
            Some(Value::BoolValue(truth)) => truth.to_string(),
            other => panic!("an attribute of an unexpected type: {other:?}"),
        };
        (attribute.key, value)
    };
    attributes.into_iter().map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// All spans of one trace.
#[derive(Clone, Debug)]
pub(super) struct Trace(pub(super) Vec<ReceivedSpan>);

impl Trace {
    pub(super) fn of(spans: Vec<ReceivedSpan>, id: &str) -> Self {
        Self(spans.into_iter().filter(|span| span.trace == id).collect())
    }

    /// The one span of `service` of this kind and name, below `parent` if one is given.
    pub(super) fn find(
        &self,
        service: &str,
        kind: Kind,
        name: &str,
        parent: Option<&ReceivedSpan>,
    ) -> Option<&ReceivedSpan> {
        self.0.iter().find(|span| {
            span.service == format!("vestibule-{service}")
                && span.kind == kind
                && span.name == name
                && parent.is_none_or(|parent| span.parent == parent.id)
        })
    }

    /// The parents that were not received. A complete trace has none. The parent of the root may be outside.
    pub(super) fn missing_parents(&self) -> BTreeSet<&str> {
        let ids: BTreeSet<&str> = self.0.iter().map(|span| span.id.as_str()).collect();
        let parents = self.0.iter().map(|span| span.parent.as_str());
        parents
            .filter(|parent| !parent.is_empty() && !ids.contains(parent))
            .collect()
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for span in &self.0 {
            let ReceivedSpan {
                service,
                kind,
                name,
                id,
                parent,
                ..
            } = span;
            writeln!(f, "{id} below {parent:16} {service} {kind:?} {name}")?;
        }
        Ok(())
    }
}
