//! The table of the security bar: read from its page, and written with the tests that the code has.

use std::collections::{BTreeMap, BTreeSet};

use super::{NOT_YET_MARKER, TABLE};
use crate::named_tests::{NamedItem, format_cell, parse_cell};
use crate::source::root;

/// A row of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) line: u32,
    pub(super) promise: String,
    pub(super) guards: BTreeSet<NamedItem>,
    /// Empty when the line is not proven yet.
    pub(super) tests: BTreeSet<NamedItem>,
    pub(super) not_yet: bool,
}

/// The rows of the table, in order.
pub(super) fn table() -> Vec<Row> {
    let text = std::fs::read_to_string(root().join(TABLE)).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("| SB-"))
        .map(|row| {
            let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split(" | ").collect();
            let [line, promise, guards, tests] = cells.as_slice() else {
                panic!("{TABLE}: a row has four cells: {row}");
            };
            let not_yet = tests.trim().starts_with(NOT_YET_MARKER);
            Row {
                line: line.trim().parse().unwrap(),
                promise: promise.trim().to_owned(),
                guards: if not_yet {
                    BTreeSet::new()
                } else {
                    parse_cell(guards)
                },
                tests: if not_yet {
                    BTreeSet::new()
                } else {
                    parse_cell(tests)
                },
                not_yet,
            }
        })
        .collect()
}

/// The page with the tests of each line as the code has them. Tests in scripts stay as they are.
pub(super) fn regenerate_page(text: &str, proven: &BTreeSet<(u32, NamedItem)>) -> String {
    let rows: BTreeMap<u32, Row> = table().into_iter().map(|row| (row.line, row)).collect();
    let line = |line: &str| {
        let number = line
            .strip_prefix("| SB-")
            .and_then(|rest| rest.split(' ').next()?.parse().ok());
        let Some(row) = number
            .and_then(|number: u32| rows.get(&number))
            .filter(|row| !row.not_yet)
        else {
            return line.to_owned();
        };
        let scripts = row
            .tests
            .iter()
            .filter(|(file, _)| !file.ends_with(".rs"))
            .cloned();
        let tests = proven.iter().filter(|(number, _)| *number == row.line);
        let tests = tests.map(|(_, test)| test.clone()).chain(scripts).collect();
        format!(
            "| SB-{} | {} | {} | {} |",
            row.line,
            row.promise,
            format_cell(&row.guards),
            format_cell(&tests)
        )
    };
    text.lines().map(|it| line(it) + "\n").collect()
}
