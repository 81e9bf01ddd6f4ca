//! Rendering of the services' log lines as one stream that people can read.

mod record;
mod render;
mod style;
#[cfg(test)]
mod tests;

pub(crate) use record::{LogLevel, LogRecord};
pub(crate) use render::{Renderer, printable};
pub(crate) use style::{Color, Style};

/// The output format of the log lines in `vestibule up`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people: time, service, level, message, fields.
    #[default]
    Text,
    /// The services' own lines: JSON in the Elastic Common Schema.
    Ecs,
}
