//! The requirements of the OpenID profiles in `docs/reference/conformance.md` against the tests that they name.

use std::collections::BTreeSet;

use crate::named_tests::{NamedItem, parse_cell, tests_in};
use crate::source::{read, root};

const PAGE: &str = "docs/reference/conformance.md";
/// The ways in which a module of the suite ends. Those after `passed` need a reason.
const STATES: [&str; 5] = ["passed", "review", "warning", "skipped", "failed"];

/// A row of the page.
#[derive(Clone, Debug)]
struct Row {
    modules: Vec<String>,
    requirement: String,
    tests: BTreeSet<NamedItem>,
    status: String,
}

fn rows(page: &str) -> Vec<Row> {
    let lines = page.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line
                .trim()
                .trim_matches('|')
                .split(" | ")
                .map(str::trim)
                .collect();
            let [modules, requirement, tests, status] = cells.as_slice() else {
                panic!("{PAGE}: a row has four cells: {line}");
            };
            Row {
                modules: modules
                    .split(", ")
                    .map(|name| name.trim_matches('`').to_owned())
                    .collect(),
                requirement: (*requirement).to_owned(),
                tests: parse_cell(tests),
                status: (*status).to_owned(),
            }
        })
        .collect()
}

/// The errors in the status of a row: each part names a state, and a reason unless the module passed.
fn status_errors(row: &Row) -> Vec<String> {
    let state_of = |part: &str| {
        let state = part.rsplit_once("`: ").map_or(part, |(_, state)| state);
        let (state, reason) = state.split_once(": ").unwrap_or((state, ""));
        let known = STATES.contains(&state);
        (!known || (state != "passed" && reason.len() < 20)).then(|| {
            format!(
                "{:?}: a state of {STATES:?}, with a reason unless it is the first: {part}",
                row.modules
            )
        })
    };
    row.status.split("<br>").filter_map(state_of).collect()
}

#[test]
fn every_requirement_of_the_profiles_has_a_test_that_exists_and_a_state() {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let rows = rows(&page);
    assert!(rows.len() >= 40, "{} rows", rows.len());
    for row in &rows {
        let modules = &row.modules;
        assert!(row.requirement.len() > 20, "{modules:?}: what does it ask?");
        assert_eq!(status_errors(row), Vec::<String>::new());
        for (file, test) in &row.tests {
            let source = read(&root().join(file));
            assert!(
                tests_in(&source).contains(test),
                "{modules:?}: {file} has no test {test}"
            );
        }
    }
}

#[test]
fn a_state_other_than_passed_needs_a_reason() {
    let row = |status: &str| {
        rows(&format!(
            "| `a`, `b` | something is asked | `x.rs`: `y` | {status} |"
        ))
        .pop()
        .unwrap()
    };
    for good in [
        "passed",
        "passed: there is no page",
        "review: the page says what was wrong",
        "`a`: passed<br>`b`: skipped: the algorithm is not offered",
    ] {
        assert!(status_errors(&row(good)).is_empty(), "{good}");
    }
    for bad in ["", "fine", "review", "`a`: passed<br>`b`: warning", "failed: why"] {
        assert!(!status_errors(&row(bad)).is_empty(), "{bad}");
    }
    assert_eq!(row("passed").modules, ["a", "b"]);
}
