//! Logs, metrics and traces.
//!
//! Log fields have the dotted names of the Elastic Common Schema (`user.id`, `client.ip`, `event.action`); what has
//! no dot becomes `vestibule.NAME`. Trace and span id come from [`TraceContext`], so no span has to be open for them.

pub mod catalogue;
mod chain;
mod ecs;
mod lines;
mod metrics;
mod otlp;
mod process;
mod text;
mod trace;

#[cfg(test)]
mod tests;

use std::io::IsTerminal;

use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Filter, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat, TracesConfig};
use lines::{Format, Lines};

pub(crate) use self::metrics::{RouteMetrics, panic_text, run_upkeep};
pub use self::metrics::{SECONDS, before_scrape, metrics_text};
pub use chain::Chain;
pub(crate) use otlp::{record_status, request_span};
pub use trace::{SpanId, TraceContext, TraceId};

/// Libraries that log messages whole, and passwords with them. What they have to say comes back as an error as well.
const INDISCREET: [&str; 3] = ["lapin", "amq_protocol", "tcp_stream"];

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
    let lines = Lines::new(format, std::io::stdout).with_filter(wanted(log));
    let registry = tracing_subscriber::registry().with(lines);
    let traces = otlp::start(service, traces).map_err(TelemetryError)?;
    let installed = match &traces {
        Some(exporting) => registry.with(exporting.layer()).try_init(),
        None => registry.try_init(),
    };
    installed.map_err(|error| TelemetryError(error.to_string()))?;
    Ok(Guard { _traces: traces })
}

/// What is logged: as the configuration says, without the libraries that write down what passes through them.
fn wanted<S>(log: &LogConfig) -> impl Filter<S> + use<S> {
    let discreet = filter_fn(|event| {
        !INDISCREET
            .iter()
            .any(|library| event.target().starts_with(library))
    });
    // Without a level of its own it would hide that of the configuration. Then a library that asks whether its details are
    // wanted, and hears no, would take the next line of this thread with it.
    log.level
        .clone()
        .and(discreet.with_max_level_hint(LevelFilter::TRACE))
}

/// Whether to colour: as the conventions NO_COLOR and CLICOLOR_FORCE have it.
fn coloured(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    !set("NO_COLOR") && (terminal || set("CLICOLOR_FORCE"))
}
