//! A test double of an OpenTelemetry collector, which receives OTLP over HTTP in protobuf.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use testkit::StackOptions;
use tokio::task::JoinSet;

use super::spans::{ReceivedSpan, spans_of_export};

/// The header that the collector requires, with its value.
pub(super) const HEADER: (&str, &str) = ("x-scope-orgid", "canary-of-the-collector");

#[derive(Clone, Default)]
struct ReceivedExports(Arc<Mutex<Vec<Export>>>);

struct Export {
    bytes: Bytes,
    spans: Vec<ReceivedSpan>,
}

/// A collector. It rejects requests without the header [`HEADER`]. It stops when it is dropped.
pub(super) struct Collector {
    address: SocketAddr,
    received: ReceivedExports,
    #[expect(dead_code, reason = "answers until dropped")]
    tasks: JoinSet<()>,
}

impl Collector {
    pub(super) async fn start() -> Self {
        let received = ReceivedExports::default();
        let routes = Router::new()
            .route("/v1/traces", post(receive_export))
            .with_state(received.clone());
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            received,
            tasks,
        }
    }

    /// Options with which both services export to this collector.
    pub(super) fn options(&self) -> StackOptions {
        exporting_to(self.address)
    }

    /// The spans received so far.
    pub(super) fn spans(&self) -> Vec<ReceivedSpan> {
        let exports = self.received.0.lock().unwrap_or_else(PoisonError::into_inner);
        exports.iter().flat_map(|export| export.spans.clone()).collect()
    }

    /// True if any received data contains `text`.
    pub(super) fn contains_text(&self, text: &str) -> bool {
        let exports = self.received.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |export: &Export| {
            export
                .bytes
                .windows(text.len())
                .any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
        };
        exports.iter().any(holds)
    }
}

/// Options with which both services export to `address`.
pub(super) fn exporting_to(address: SocketAddr) -> StackOptions {
    let header = format!("VESTIBULE_AUTH__TRACES__HEADERS__{}", variable(HEADER.0));
    let endpoint = format!("http://{address}");
    let mut options = StackOptions::default();
    for service in ["AUTH", "USERS"] {
        options = options
            .with(&format!("VESTIBULE_{service}__TRACES__OTLP_ENDPOINT"), &endpoint)
            .with(&format!("VESTIBULE_{service}__TRACES__ENVIRONMENT"), "test")
            .with(&header.replace("AUTH", service), HEADER.1);
    }
    options
}

fn variable(header: &str) -> String {
    header.to_ascii_uppercase().replace('-', "_")
}

async fn receive_export(
    State(received): State<ReceivedExports>,
    headers: HeaderMap,
    bytes: Bytes,
) -> (StatusCode, Vec<u8>) {
    if headers.get(HEADER.0).is_none_or(|value| value != HEADER.1) {
        return (StatusCode::UNAUTHORIZED, Vec::new());
    }
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let Ok(export) = ExportTraceServiceRequest::decode(bytes.clone()) else {
        return (StatusCode::BAD_REQUEST, Vec::new());
    };
    let spans = spans_of_export(export);
    let mut exports = received.0.lock().unwrap_or_else(PoisonError::into_inner);
    exports.push(Export { bytes, spans });
    (
        StatusCode::OK,
        ExportTraceServiceResponse::default().encode_to_vec(),
    )
}
