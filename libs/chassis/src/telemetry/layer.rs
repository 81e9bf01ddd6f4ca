//! The `tracing` layer that writes log lines, with the fields of the surrounding spans.

use std::fmt;
use std::io::Write;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::vocabulary::Dictionary;
use super::{TraceContext, caller, ecs, text};
use crate::clock::{Clock, SystemClock, Timestamp};

/// The format of a log line.
#[derive(Clone, Copy, Debug)]
pub(super) enum LineFormat {
    /// A JSON object in the Elastic Common Schema.
    Ecs { service: &'static str },
    /// Text for a terminal.
    Text { colour: bool },
}

/// A log event with its fields and trace.
#[derive(Debug)]
pub(super) struct LogLine {
    pub(super) at: Timestamp,
    pub(super) level: Level,
    /// The module, or the name that the event gives itself.
    pub(super) target: &'static str,
    pub(super) message: String,
    /// Each field once: those of the event first, then those of the spans from the inside out.
    pub(super) fields: Vec<(&'static str, Value)>,
    pub(super) trace: Option<TraceContext>,
}

/// Libraries that log whole messages, passwords included. They also return as an error what they log.
const EXCLUDED_LIBRARIES: [&str; 3] = ["lapin", "amq_protocol", "tcp_stream"];

/// Writes each enabled event as one line, in one write.
///
/// The layer filters by itself, from the module and the level alone. A filter around a layer stores its decision for the
/// event that follows. A library may ask whether a level is enabled and then log nothing: the stored decision would then
/// apply to the next event of the thread.
pub(super) struct LogLayer<W> {
    format: LineFormat,
    levels: Targets,
    dictionary: Dictionary,
    writer: W,
}

impl<W> LogLayer<W> {
    pub(super) fn new(format: LineFormat, levels: &Targets, dictionary: Dictionary, writer: W) -> Self {
        Self {
            format,
            levels: levels.clone(),
            dictionary,
            writer,
        }
    }

    /// True if an event is enabled by the configuration and does not come from an excluded library.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        self.levels.would_enable(target, metadata.level())
            && !EXCLUDED_LIBRARIES
                .iter()
                .any(|library| target.starts_with(library))
    }
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    /// Events beyond every configured level are disabled globally.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&self.levels)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.add_missing(outer);
            }
        }
        if fields.is_audit(&self.dictionary) {
            fields.add_caller(&self.dictionary);
        }
        let line = LogLine {
            at: SystemClock.now(),
            level: *event.metadata().level(),
            target: event.metadata().target(),
            message: fields.message,
            fields: fields.named,
            trace: TraceContext::current(),
        };
        let bytes = match self.format {
            LineFormat::Ecs { service } => ecs::render(&line, service, &self.dictionary),
            LineFormat::Text { colour } => text::render(&line, colour),
        };
        // If standard output is closed, there is nowhere to report it.
        let _ = self.writer.make_writer().write_all(&bytes);
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    named: Vec<(&'static str, Value)>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "error" => "error.message",
            name => name,
        };
        match self.named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.named.push((name, value)),
        }
    }

    fn add_missing(&mut self, outer: &Self) {
        for (name, value) in &outer.named {
            self.add(name, value.clone());
        }
    }

    fn add(&mut self, name: &'static str, value: Value) {
        if !self.named.iter().any(|(known, _)| *known == name) {
            self.named.push((name, value));
        }
    }

    /// True if the line is an audit line: an action of somebody who calls the service.
    fn is_audit(&self, dictionary: &Dictionary) -> bool {
        let action = self.named.iter().find(|(name, _)| *name == "event.action");
        action
            .and_then(|(_, value)| dictionary.action(value.as_str()?))
            .is_some_and(|action| action.category.is_some())
    }

    /// Adds the caller of the current request, unless the line has these fields already.
    fn add_caller(&mut self, dictionary: &Dictionary) {
        for (name, value) in caller::fields(dictionary.caller) {
            self.add(name, Value::String(value));
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.set(field, Value::String(text));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.set(field, Value::String(value.to_owned()));
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.set(field, Value::String(value.to_string()));
    }
}
