//! The requirements of RFC 7643, RFC 7644 and RFC 9865: the table in `docs/reference/scim.md` against the tests, in both directions.
//!
//! A test proves a requirement when a comment in it, or right above it, names it as the table does: the standard, the section, and
//! the number of the requirement in the section.

use std::collections::{BTreeMap, BTreeSet};

use crate::named_tests::{NamedItem, all_by_mark, format_cell, parse_cell, tests_in};
use crate::source::{read, root};

const TABLE: &str = "docs/reference/scim.md";
const STANDARDS: [&str; 3] = ["7643", "7644", "9865"];
/// The reasons for which a requirement has no test of its own.
const REASONS: [&str; 4] = ["Clients: ", "Documents: ", "Operation: ", "Not taken: "];

/// A row: what is required, and the tests or the reason.
#[derive(Clone, Debug)]
struct Row {
    requirement: String,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    Tests(BTreeSet<NamedItem>),
    Reason(String),
}

/// The requirements that a comment names: `RFC 7644 §3.5.2 (1) (3)`.
fn requirements_in(comment: &str) -> Vec<String> {
    let mut found = Vec::new();
    for standard in STANDARDS {
        for part in comment.split(&format!("RFC {standard} §")).skip(1) {
            let end = part
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(part.len());
            let (section, mut rest) = part.split_at(end);
            while let Some((number, after)) = rest.strip_prefix(" (").and_then(|rest| rest.split_once(')')) {
                if number.parse::<u32>().is_err() {
                    break;
                }
                found.push(format!("RFC {standard} §{section} ({number})"));
                rest = after;
            }
        }
    }
    found
}

fn table() -> Vec<(String, Row)> {
    let text = std::fs::read_to_string(root().join(TABLE)).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| RFC "));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, requirement, proof] = cells.as_slice() else {
            panic!("{TABLE}: a row has three cells: {row}");
        };
        let proof = match proof.starts_with('`') || proof.is_empty() {
            true if proof.is_empty() => Proof::Tests(BTreeSet::new()),
            true => Proof::Tests(parse_cell(proof)),
            false => Proof::Reason((*proof).to_owned()),
        };
        let requirement = (*requirement).to_owned();
        ((*name).to_owned(), Row { requirement, proof })
    })
    .collect()
}

fn proofs() -> BTreeSet<(String, NamedItem)> {
    all_by_mark(requirements_in, "tests/system/scim/requirements.rs")
}

#[test]
fn the_generated_tests_of_each_requirement_are_up_to_date() {
    let path = root().join(TABLE);
    let rows: BTreeMap<String, Row> = table().into_iter().collect();
    let proven = proofs();
    let line = |line: &str| {
        let name = line.strip_prefix("| ").and_then(|rest| rest.split(" | ").next());
        let row = name.and_then(|name| rows.get_key_value(name));
        let Some((
            name,
            Row {
                requirement,
                proof: Proof::Tests(_),
            },
        )) = row
        else {
            return line.to_owned();
        };
        let tests = proven
            .iter()
            .filter(|(of, _)| of == name)
            .map(|(_, test)| test.clone());
        format!("| {name} | {requirement} | {} |", format_cell(&tests.collect()))
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let generated: String = text.lines().map(|it| line(it) + "\n").collect();
    testkit::assert_generated(&path, &generated);
}

#[test]
fn every_requirement_has_a_test_or_a_reason() {
    let rows = table();
    assert!(rows.len() > 100, "{} requirements", rows.len());
    let names: BTreeSet<&String> = rows.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), rows.len(), "a requirement is there twice");
    for (name, row) in &rows {
        assert!(row.requirement.len() > 20, "{name}: what is required?");
        match &row.proof {
            Proof::Tests(tests) => assert!(!tests.is_empty(), "{name}: neither a test nor a reason"),
            Proof::Reason(reason) => {
                let known = REASONS.iter().any(|kind| reason.starts_with(kind)) && reason.len() > 30;
                assert!(known, "{name}: a reason begins with one of {REASONS:?}: {reason}");
            }
        }
    }
}

#[test]
fn every_test_in_the_table_is_there_and_names_its_requirement() {
    let proven = proofs();
    for (name, row) in table() {
        let Proof::Tests(tests) = row.proof else { continue };
        for (file, test) in tests {
            let source = read(&root().join(&file));
            assert!(
                tests_in(&source).contains(&test),
                "{name}: {file} has no test {test}"
            );
            let proof = (name.clone(), (file.clone(), test.clone()));
            assert!(proven.contains(&proof), "{name}: {file}: {test} does not name it");
        }
    }
}

#[test]
fn every_test_that_names_a_requirement_is_in_the_table() {
    let rows: BTreeMap<String, Row> = table().into_iter().collect();
    for (name, (file, test)) in proofs() {
        let row = rows.get(&name);
        let listed = row.is_some_and(
            |row| matches!(&row.proof, Proof::Tests(tests) if tests.contains(&(file.clone(), test.clone()))),
        );
        assert!(listed, "{TABLE} does not have {name}: {file}: {test}");
    }
}

#[test]
fn a_comment_names_requirements_by_section_and_number() {
    let named = requirements_in("// RFC 7644 §3.5.2 (1) (3), RFC 7643 §2.1 (2) and RFC 7644 §3.6");
    assert_eq!(
        named,
        ["RFC 7643 §2.1 (2)", "RFC 7644 §3.5.2 (1)", "RFC 7644 §3.5.2 (3)"]
    );
    assert!(requirements_in("RFC 7644 §3.5.2 (a note)").is_empty());
}
