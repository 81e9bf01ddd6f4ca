//! Rendering of a log record as a line of text for people.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{LogRecord, Style};

/// Renders records in one style and time zone.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    pub(crate) style: Style,
    pub(crate) zone: TimeZone,
}

impl Renderer {
    /// `21:40:05.120 auth      INFO  message key=value …`, without the end of the line.
    pub(crate) fn record(&self, service: &str, record: &LogRecord) -> String {
        let mut line = format!(
            "{} {} {} {}",
            self.style.dim(self.time(record.time.as_deref())),
            self.style.service(service),
            self.style.level(record.level),
            printable(&record.message),
        );
        let mut trace = None;
        for (name, value) in &record.fields {
            match name.as_str() {
                "error.stack_trace" => trace = Some(value),
                "error.message" if record.message.contains(value.as_str()) => {}
                _ => self.append_field(&mut line, name, value),
            }
        }
        if let Some(trace) = trace {
            self.append_causes(&mut line, trace);
        }
        line
    }

    fn append_field(&self, line: &mut String, name: &str, value: &str) {
        let value = printable(value);
        let value = if value.is_empty() || value.contains([' ', '"', '=']) {
            format!("{value:?}")
        } else {
            value
        };
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            " {}{value}",
            self.style.dim(format_args!("{}=", printable(name)))
        );
    }

    /// Appends the last of a chain of causes, which is the root cause. Other text, such as a backtrace, goes below the
    /// line.
    fn append_causes(&self, line: &mut String, trace: &str) {
        let mut causes = trace
            .lines()
            .skip(1)
            .map(|cause| cause.strip_prefix("caused by: "))
            .peekable();
        if causes.peek().is_none() {
            return;
        }
        if let Some(Some(root)) = causes.reduce(|before, next| before.and(next)) {
            return self.append_field(line, "error.cause", root);
        }
        for text in trace.lines() {
            line.push_str("\n    ");
            line.push_str(&self.style.dim(printable(text)));
        }
    }

    /// Renders a line that is not a record, such as a panic or the output of a library.
    pub(crate) fn raw(&self, service: &str, line: &str) -> String {
        format!(
            "{:12} {} {:5} {}",
            "",
            self.style.service(service),
            "",
            printable(line)
        )
    }

    fn time(&self, text: Option<&str>) -> String {
        match text.and_then(|text| text.parse::<Timestamp>().ok()) {
            Some(at) => {
                let local = at.to_zoned(self.zone.clone());
                local.strftime("%H:%M:%S%.3f").to_string()
            }
            None => " ".repeat(12),
        }
    }
}

/// Escapes the characters of foreign text that control the terminal or begin a new line.
pub(crate) fn printable(text: &str) -> String {
    if !text.chars().any(|c| c.is_control() || is_bidi_control(c)) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("  "),
            c if c.is_control() || is_bidi_control(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// True if a character changes the direction of writing, with which one text can look like another.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
