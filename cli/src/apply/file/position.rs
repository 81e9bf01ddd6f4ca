//! Errors of a declarative file: each names the line, the column and the key, and none repeats a value.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{CommandError, ErrorCode};
use crate::logs::printable;

/// The text of a file, and its name for errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) name: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// An error of the parser.
    pub(super) fn syntax(self, error: &toml::de::Error) -> CommandError {
        let span = error.span().unwrap_or_default();
        let key = DeTable::parse(self.text).ok().and_then(|root| {
            let mut path = Vec::new();
            find(root.get_ref(), &span, &mut path).then_some(path)
        });
        self.error(
            span.start,
            &key.unwrap_or_default(),
            &without_values(error.message()),
        )
    }

    /// An error of the value at a path.
    pub(super) fn at(self, path: &[&str], problem: &str) -> CommandError {
        let start = DeTable::parse(self.text)
            .ok()
            .and_then(|root| start_of(root.get_ref(), path));
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        self.error(start.unwrap_or(0), &path, problem)
    }

    fn error(self, offset: usize, path: &[String], problem: &str) -> CommandError {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let key = match path.is_empty() {
            true => String::new(),
            false => format!(
                "{}: ",
                path.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(".")
            ),
        };
        let text = format!(
            "{}:{line}:{column}: {key}{}",
            self.name.display(),
            printable(problem.trim_end())
        );
        CommandError::new(ErrorCode::Usage, text)
    }
}

/// The message of a parser without the values that it repeats: one may be a secret at the wrong place.
fn without_values(message: &str) -> String {
    const VARIANT: &str = "unknown variant `";
    let mut rest = message;
    let mut text = String::new();
    if let Some((before, after)) = message.split_once(VARIANT) {
        text = format!("{before}unknown variant");
        // The names that are expected follow. A value that has this word within is cut where it ends.
        rest = match after.rfind("`, expected ") {
            Some(end) => after.get(end + 1..).unwrap_or_default(),
            None => "",
        };
    }
    // A text is quoted as in Rust, so its own quotation marks have a backslash.
    match (rest.find('"'), rest.rfind('"')) {
        (Some(start), Some(end)) => {
            text.push_str(rest.get(..start).unwrap_or_default().trim_end());
            text.push_str(rest.get(end + 1..).unwrap_or_default());
        }
        _ => text.push_str(rest),
    }
    text
}

/// A key as it stands in a file: quoted where it is not bare.
pub(crate) fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    match is_bare {
        true => key.to_owned(),
        false => format!("\"{}\"", printable(key)),
    }
}

/// Writes the path of the innermost key to which `span` belongs. Returns whether there is one.
fn find(table: &DeTable<'_>, span: &Range<usize>, path: &mut Vec<String>) -> bool {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        let is_here = contains(&key.span(), span) || find_in(value, span, path);
        if is_here {
            return true;
        }
        path.pop();
    }
    false
}

fn find_in(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut Vec<String>) -> bool {
    let inside = match value.get_ref() {
        DeValue::Table(table) => find(table, span, path),
        DeValue::Array(items) => items.iter().any(|item| find_in(item, span, path)),
        _ => false,
    };
    inside || contains(&value.span(), span)
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// The offset of the last key of a path, or of the deepest one that stands in the file.
fn start_of(table: &DeTable<'_>, path: &[&str]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *first)?;
    let deeper = match value.get_ref() {
        DeValue::Table(table) => start_of(table, rest),
        _ => None,
    };
    deeper.or(Some(key.span().start))
}
