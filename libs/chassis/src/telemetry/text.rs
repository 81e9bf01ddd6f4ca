//! Log lines as text for a terminal.

use std::fmt::Write;

use serde_json::Value;
use tracing::Level;

use super::layer::LogLine;

/// `12:34:56.789  INFO message  name=value`, and a stack of causes indented below.
pub(super) fn render(line: &LogLine, colour: bool) -> Vec<u8> {
    let mut text = String::with_capacity(160);
    let paint = |code: &'static str| if colour { code } else { "" };
    let (dim, bold, plain) = (paint("\x1b[2m"), paint("\x1b[1m"), paint("\x1b[0m"));
    let level = paint(match line.level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[34m",
    });
    let at = line.at.to_string();
    // The date is in every terminal's title bar; the time of day to the millisecond is what one looks for.
    let time = at.get(11..23).unwrap_or(&at);
    let emphasis = if line.level <= Level::WARN { bold } else { "" };
    let message = printable(&line.message);
    let _ = write!(
        text,
        "{dim}{time}{plain} {level}{:>5}{plain} {emphasis}{message}{plain}",
        line.level
    );
    let mut below = String::new();
    for (name, value) in &line.fields {
        match value {
            Value::String(value) if value.contains('\n') => {
                let _ = write!(below, "\n    {dim}{name}:{plain}");
                for row in value.lines() {
                    let _ = write!(below, "\n      {}", printable(row));
                }
            }
            // The message has it already.
            Value::String(value) if line.message.contains(value.as_str()) => {}
            Value::String(value) => {
                let _ = write!(text, " {dim}{name}={plain}{}", printable(value));
            }
            value => {
                let _ = write!(text, " {dim}{name}={plain}{value}");
            }
        }
    }
    text.push_str(&below);
    text.push('\n');
    text.into_bytes()
}

/// Without control characters: what a client sends may not move the cursor or start a line of its own.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}
