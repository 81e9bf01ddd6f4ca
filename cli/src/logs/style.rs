//! Text styles: ANSI colours on a terminal, plain text elsewhere.

use std::fmt::Display;
use std::io::IsTerminal;

use super::LogLevel;

/// The use of colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A text style: with ANSI colours or without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    on: bool,
}

impl Style {
    /// Chooses the style for `stream`.
    pub(crate) fn choose(color: Color, stream: &impl IsTerminal) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            on: match color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => stream.is_terminal() && !set("NO_COLOR") && !dumb,
            },
        }
    }

    /// Without colours.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { on: false };
    /// With colours.
    #[cfg(test)]
    pub(crate) const COLOURED: Self = Self { on: true };

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }

    /// Less important than its surroundings.
    pub(crate) fn dim(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    /// More important than its surroundings.
    pub(crate) fn bold(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    /// All is well.
    pub(crate) fn good(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// Something is wrong.
    pub(crate) fn bad(self, text: impl Display) -> String {
        self.paint("1;31", text)
    }

    /// An address to open.
    pub(crate) fn link(self, text: impl Display) -> String {
        self.paint("4;36", text)
    }

    /// A level, in the colour of its gravity.
    pub(crate) fn level(self, level: LogLevel) -> String {
        let code = match level {
            LogLevel::Error => "1;31",
            LogLevel::Warn => "33",
            LogLevel::Info => "32",
            LogLevel::Debug => "34",
            LogLevel::Trace => "2",
        };
        self.paint(code, level.label())
    }

    /// A service's name, each in its own colour.
    pub(crate) fn service(self, name: &str) -> String {
        let code = match name {
            "auth" => "36",
            "users" => "35",
            _ => "1",
        };
        self.paint(code, format_args!("{name:<9}"))
    }
}
