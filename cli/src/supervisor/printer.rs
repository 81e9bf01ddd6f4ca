//! The printing thread: the only writer of standard output while services run.

use std::io::{self, Write};
use std::thread::{self, JoinHandle};

use chassis::clock::{Clock, SystemClock};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::logs::{LogFormat, LogLevel, LogRecord, Renderer};

/// The number of lines that are queued while the terminal is stopped (Ctrl-S) before the services wait too.
const QUEUE_CAPACITY: usize = 1024;

enum PrintJob {
    Line {
        service: &'static str,
        text: String,
    },
    Record {
        service: &'static str,
        record: LogRecord,
    },
    Block(String),
}

/// A handle to the printing thread. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    queue: mpsc::Sender<PrintJob>,
    format: LogFormat,
}

/// The printing thread; it ends when every [`Printer`] is dropped.
#[derive(Debug)]
pub(crate) struct PrinterThread(JoinHandle<()>);

impl PrinterThread {
    /// Waits until the queue is printed.
    pub(crate) fn join(self) {
        // A panic there has been printed already.
        let _ = self.0.join();
    }
}

impl Printer {
    /// Starts the thread that writes to `out`.
    pub(crate) fn start(
        format: LogFormat,
        renderer: Renderer,
        mut out: impl Write + Send + 'static,
    ) -> (Self, PrinterThread) {
        let (queue, mut items) = mpsc::channel(QUEUE_CAPACITY);
        let thread = thread::spawn(move || {
            while let Some(item) = items.blocking_recv() {
                // A reader that went away does not end an identity service.
                let _ = write_job(&mut out, format, &renderer, item);
            }
        });
        (Self { queue, format }, PrinterThread(thread))
    }

    /// Prints a line that a service wrote.
    pub(super) async fn print_line(&self, service: &'static str, text: String) {
        let _ = self.queue.send(PrintJob::Line { service, text }).await;
    }

    /// Prints a log record of the supervisor itself.
    pub(crate) async fn log_notice(&self, level: LogLevel, message: String, fields: &[(&str, String)]) {
        let record = LogRecord {
            time: Some(SystemClock.now().to_string()),
            level,
            message,
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        };
        let service = "vestibule";
        let _ = self.queue.send(PrintJob::Record { service, record }).await;
    }

    /// Prints text for people unchanged. It is omitted in the ECS format.
    pub(crate) async fn print_block(&self, text: String) {
        if self.format == LogFormat::Text {
            let _ = self.queue.send(PrintJob::Block(text)).await;
        }
    }

    /// The format of the printed lines.
    pub(crate) fn format(&self) -> LogFormat {
        self.format
    }
}

fn write_job(out: &mut impl Write, format: LogFormat, renderer: &Renderer, item: PrintJob) -> io::Result<()> {
    let text = match (format, item) {
        (LogFormat::Text, PrintJob::Line { service, text }) => match LogRecord::parse(&text) {
            Some(record) => renderer.record(service, &record),
            None => renderer.raw(service, &text),
        },
        (LogFormat::Text, PrintJob::Record { service, record }) => renderer.record(service, &record),
        (LogFormat::Ecs, PrintJob::Line { service, text }) if LogRecord::parse(&text).is_none() => {
            let record = LogRecord {
                time: Some(SystemClock.now().to_string()),
                level: LogLevel::Error,
                message: text,
                fields: Vec::new(),
            };
            ecs_line(service, record)
        }
        (LogFormat::Ecs, PrintJob::Record { service, record }) => ecs_line(service, record),
        (LogFormat::Ecs, PrintJob::Line { text, .. }) | (_, PrintJob::Block(text)) => text,
    };
    writeln!(out, "{text}")?;
    out.flush()
}

fn ecs_line(service: &str, record: LogRecord) -> String {
    let mut object = Map::new();
    if let Some(time) = record.time {
        object.insert("@timestamp".to_owned(), Value::String(time));
    }
    object.insert("log.level".to_owned(), record.level.name().into());
    object.insert("message".to_owned(), Value::String(record.message));
    object.insert("ecs.version".to_owned(), "8.11.0".into());
    object.insert("service.name".to_owned(), service.into());
    for (name, value) in record.fields {
        object.insert(name, Value::String(value));
    }
    Value::Object(object).to_string()
}
