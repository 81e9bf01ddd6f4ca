//! The routes of an API as a table in Markdown, for `docs/reference`.

use std::fmt::Write as _;

use serde_json::Value;

/// The table of a document: one row for each operation, below a heading for each group.
pub fn route_table(document: &Value) -> String {
    let mut text = String::new();
    let tags = document
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for tag in tags {
        let name = text_of(tag, "name");
        let _ = write!(
            text,
            "### {name}\n\n{}\n\n| route | permission | what |\n|---|---|---|\n",
            text_of(tag, "description")
        );
        for (path, method, operation) in operations(document) {
            if operation.pointer("/tags/0").and_then(Value::as_str) != Some(name) {
                continue;
            }
            let (permission, summary) = (text_of(operation, "x-permission"), text_of(operation, "summary"));
            let _ = writeln!(
                text,
                "| `{} {path}` | {permission} | {summary} |",
                method.to_ascii_uppercase()
            );
        }
        text.push('\n');
    }
    text
}

/// The operations of a document, with their path and method, in order.
pub(super) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// A member that is a text.
pub(super) fn text_of<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}
