//! Telemetry: logs, metrics and traces.
//!
//! Log fields have the dotted names of the Elastic Common Schema (`client.ip`, `event.action`). A documented field of our
//! own becomes `vestibule.NAME`; any other field becomes a label. Each crate declares its metrics, actions and fields, and
//! the wiring of a service hands them over as its [`Vocabulary`]. Trace and span id come from
//! [`TraceContext`], so they do not need an open span.

mod actions;
mod caller;
pub mod catalogue;
mod ecs;
mod error_chain;
mod fields;
mod http;
mod layer;
mod metrics;
mod otlp;
mod process;
mod span;
mod span_processor;
mod text;
mod trace;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat, TracesConfig};
use layer::{LineFormat, LogLayer};
use vocabulary::Dictionary;

pub(crate) use self::caller::Caller;
pub(crate) use self::http::{PeerDisclosure, call_span, request_span};
pub(crate) use self::metrics::{RouteMetrics, panic_text, run_upkeep};
pub use self::metrics::{SECONDS_BUCKETS, before_scrape, metrics_text};
pub use actions::Action;
pub use caller::{CallerFields, set_token_holder};
pub use error_chain::{ErrorChain, causes, error_text, find_cause, root_cause};
pub use fields::{FIELDS, FieldKind, LogField};
pub(crate) use span::unsampled_context;
pub use span::{Span, SpanKind, is_exporting, recorded_parent};
pub use trace::{SpanId, TraceContext, TraceId};
pub use vocabulary::{Declarations, Vocabulary};

/// Keeps telemetry running. When it is dropped, the remaining spans are exported.
#[derive(Debug)]
#[must_use = "traces that are not yet sent are lost without it"]
pub struct Guard {
    _traces: Option<otlp::TraceExporter>,
}

/// Telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up telemetry: {0}")]
pub struct TelemetryError(String);

/// Sets up the logs, metrics and traces of the process, once, with the vocabulary of the service. Log lines go to standard
/// output.
///
/// # Errors
/// When the endpoint cannot be used, or telemetry is set up already.
pub fn init(
    service: &'static str,
    log: &LogConfig,
    traces: &TracesConfig,
    vocabulary: Vocabulary,
) -> Result<Guard, TelemetryError> {
    metrics::install().map_err(TelemetryError)?;
    catalogue::declare(catalogue::METRICS);
    for declared in vocabulary.declarations {
        catalogue::declare(declared.metrics);
    }
    ::metrics::gauge!("vestibule_build_info", "service" => service, "version" => env!("CARGO_PKG_VERSION"))
        .set(1.0);
    let terminal = std::io::stdout().is_terminal();
    let format = match log.format {
        LogFormat::Ecs => LineFormat::Ecs { service },
        LogFormat::Auto if !terminal => LineFormat::Ecs { service },
        LogFormat::Auto | LogFormat::Text => LineFormat::Text {
            colour: use_colour(terminal),
        },
    };
    let log_layer = LogLayer::new(format, &log.level, Dictionary::new(vocabulary), std::io::stdout);
    tracing_subscriber::registry()
        .with(log_layer)
        .try_init()
        .map_err(|error| TelemetryError(error.to_string()))?;
    let traces = otlp::start(service, traces).map_err(TelemetryError)?;
    Ok(Guard { _traces: traces })
}

/// True if the output is to be coloured, by the conventions NO_COLOR and CLICOLOR_FORCE.
fn use_colour(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    !set("NO_COLOR") && (terminal || set("CLICOLOR_FORCE"))
}
