//! Logs, metrics and traces.
//!
//! Log fields have the dotted names of the Elastic Common Schema (`user.id`, `client.ip`, `event.action`); what is
//! ours alone becomes `vestibule.NAME`, if it is in the list of fields, and what libraries add becomes a label. Trace and
//! span id come from [`TraceContext`], so no span has to be open for them.

mod actions;
mod caller;
pub mod catalogue;
mod chain;
mod ecs;
mod fields;
mod http;
mod lines;
mod metrics;
mod otlp;
mod process;
mod queue;
mod span;
mod text;
mod trace;

#[cfg(test)]
mod tests;

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat, TracesConfig};
use lines::{Format, Lines};

pub(crate) use self::caller::{Caller, note_holder};
pub(crate) use self::http::{Place, call_span, request_span};
pub(crate) use self::metrics::{RouteMetrics, panic_text, run_upkeep};
pub use self::metrics::{SECONDS, before_scrape, metrics_text};
pub use actions::{ACTIONS, Action};
pub use chain::Chain;
pub(crate) use chain::root_cause;
pub use fields::{FIELDS, Field, Kind};
pub(crate) use span::unrecorded;
pub use span::{Span, SpanKind, is_exporting, recorded};
pub use trace::{SpanId, TraceContext, TraceId};

/// Keeps telemetry going; when dropped, what is not yet exported is sent.
#[derive(Debug)]
#[must_use = "traces that are not yet sent are lost without it"]
pub struct Guard {
    _traces: Option<otlp::Exporting>,
}

/// Why telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up telemetry: {0}")]
pub struct TelemetryError(String);

/// Sets up the logs, metrics and traces of the process, once. Lines go to standard output.
///
/// # Errors
/// When the endpoint cannot be used, or telemetry is set up already.
pub fn init(service: &'static str, log: &LogConfig, traces: &TracesConfig) -> Result<Guard, TelemetryError> {
    metrics::install().map_err(TelemetryError)?;
    catalogue::declare(catalogue::METRICS);
    ::metrics::gauge!("vestibule_build_info", "service" => service, "version" => env!("CARGO_PKG_VERSION"))
        .set(1.0);
    let terminal = std::io::stdout().is_terminal();
    let format = match log.format {
        LogFormat::Ecs => Format::Ecs { service },
        LogFormat::Auto if !terminal => Format::Ecs { service },
        LogFormat::Auto | LogFormat::Text => Format::Text {
            colour: coloured(terminal),
        },
    };
    let lines = Lines::new(format, &log.level, std::io::stdout);
    tracing_subscriber::registry()
        .with(lines)
        .try_init()
        .map_err(|error| TelemetryError(error.to_string()))?;
    let traces = otlp::start(service, traces).map_err(TelemetryError)?;
    Ok(Guard { _traces: traces })
}

/// Whether to colour: as the conventions NO_COLOR and CLICOLOR_FORCE have it.
fn coloured(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    !set("NO_COLOR") && (terminal || set("CLICOLOR_FORCE"))
}
