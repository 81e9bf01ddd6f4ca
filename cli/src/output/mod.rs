//! The output of commands: tables for people, JSON for scripts.

mod table;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style};

pub(crate) use table::{Table, key_value_list};

/// The format of a command's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For scripts.
    Json,
}

/// Prints text and the end of a line to standard output.
///
/// # Errors
/// When standard output cannot be written to. A closed pipe (`| head`) is not an error.
pub(crate) fn print_line(text: impl AsRef<str>) -> Result<(), CommandError> {
    write_line(&mut io::stdout().lock(), text)
}

/// As [`print_line`], to `out`, which is standard output but in tests.
///
/// # Errors
/// As [`print_line`].
pub(crate) fn write_line(out: &mut impl Write, text: impl AsRef<str>) -> Result<(), CommandError> {
    match writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CommandError::new(
            ErrorCode::Failed,
            format!("cannot write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Prints a JSON value, indented.
///
/// # Errors
/// As [`print_line`].
pub(crate) fn print_json(value: &Value) -> Result<(), CommandError> {
    print_line(format!("{value:#}"))
}

/// Prints a remark to standard error, where it does not disturb a script.
pub(crate) fn print_remark(text: impl AsRef<str>) {
    // There is nowhere to report that standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Prints the error of a command.
pub(crate) fn print_error(failure: &CommandError) {
    let style = Style::choose(Color::Auto, &io::stderr());
    print_remark(format!("{} {failure}", style.bad("error:")));
}

/// Prints a question to standard error, without the end of the line.
pub(crate) fn print_question(question: &str) {
    let mut err = io::stderr().lock();
    // There is nowhere to report that standard error is gone.
    let _ = write!(err, "{question}").and_then(|()| err.flush());
}
