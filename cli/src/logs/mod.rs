//! The services' lines of log, merged into one stream that people can read.

mod record;
mod render;
mod style;
#[cfg(test)]
mod tests;

pub(crate) use record::{LogLevel, LogRecord};
pub(crate) use render::{Renderer, printable};
pub(crate) use style::{Color, Style};

/// How `vestibule up` prints what the services say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people: time, service, level, message, fields.
    #[default]
    Text,
    /// The services' own lines: JSON in the Elastic Common Schema.
    Ecs,
}
