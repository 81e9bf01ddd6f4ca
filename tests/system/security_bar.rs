//! Tests of the security bar: the table in `docs/reference/security-bar.md` against the code, in both directions.
//!
//! The table names, for each requirement, the guarded code and the tests that prove it.

use std::collections::{BTreeMap, BTreeSet};

use crate::named_tests::{NamedItem, all_by_mark, tests_by_mark, tests_in};
use crate::source::{Source, root};

mod table;

use table::{Row, regenerate_page, table};

const TABLE: &str = "docs/reference/security-bar.md";
const LINES: u32 = 52;
/// A line without a test says so with this word and the reason.
const NOT_YET_MARKER: &str = "not yet:";

/// The lines of the bar that a comment names.
fn lines_in(comment: &str) -> Vec<u32> {
    let numbers = comment.split("SB-").skip(1).map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse()
    });
    numbers.filter_map(Result::ok).collect()
}

/// The tests of a file that name lines of the bar, by the number of the line.
fn tests_by_line(source: &Source) -> BTreeSet<(u32, NamedItem)> {
    tests_by_mark(source, lines_in)
}

/// The errors in the tests that a row names. `source` reads a file of the repository.
fn row_errors(
    row: &Row,
    proven: &BTreeSet<(u32, NamedItem)>,
    source: impl Fn(&str) -> Option<Source>,
) -> Vec<String> {
    let fault = |(file, name): &NamedItem| {
        let Some(source) = source(file) else {
            return Some("there is no such file");
        };
        if !file.ends_with(".rs") {
            // A test in a script: its name and the line stand in it.
            let named = source.text.contains(name) && source.text.contains(&format!("SB-{}", row.line));
            return (!named).then_some("the script does not name the test and the line");
        }
        if !tests_in(&source).contains(name) {
            return Some("the file has no test of this name");
        }
        let proof = (row.line, (file.clone(), name.clone()));
        (!proven.contains(&proof)).then_some("the test does not name the line in a comment")
    };
    let faulty = row.tests.iter().filter_map(|test| Some((test, fault(test)?)));
    faulty
        .map(|((file, name), fault)| format!("SB-{}: `{file}`: `{name}`: {fault}", row.line))
        .collect()
}

/// Reads a file of the repository, if it exists.
fn read_source(path: &str) -> Option<Source> {
    let text = std::fs::read_to_string(root().join(path)).ok()?;
    let path = path.to_owned();
    Some(Source { path, text })
}

/// All proofs: the line and the test.
fn all_proofs() -> BTreeSet<(u32, NamedItem)> {
    all_by_mark(lines_in, "tests/system/security_bar")
}

#[test]
fn the_generated_tests_of_each_line_are_up_to_date() {
    let path = root().join(TABLE);
    let text = std::fs::read_to_string(&path).unwrap();
    let generated = regenerate_page(&text, &all_proofs());
    testkit::assert_generated(&path, &generated);
}

#[test]
fn the_table_has_every_line_once_and_in_order() {
    let rows = table();
    let numbers: Vec<u32> = rows.iter().map(|row| row.line).collect();
    assert_eq!(numbers, (1..=LINES).collect::<Vec<u32>>());
    for row in &rows {
        assert!(row.promise.len() > 20, "SB-{}: what is promised?", row.line);
        assert!(
            row.not_yet || (!row.guards.is_empty() && !row.tests.is_empty()),
            "SB-{}: name what is guarded and the tests, or say `{NOT_YET_MARKER}` with the reason",
            row.line
        );
    }
}

#[test]
fn every_test_in_the_table_is_there_and_names_its_line() {
    let proven = all_proofs();
    let faults: Vec<String> = table()
        .iter()
        .flat_map(|row| row_errors(row, &proven, read_source))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_test_that_names_a_line_is_in_the_table() {
    let rows: BTreeMap<u32, Row> = table().into_iter().map(|row| (row.line, row)).collect();
    let strangers: Vec<String> = all_proofs()
        .into_iter()
        .filter(|(line, test)| !rows.get(line).is_some_and(|row| row.tests.contains(test)))
        .map(|(line, (file, test))| format!("SB-{line}: `{file}`: `{test}`"))
        .collect();
    assert!(strangers.is_empty(), "{TABLE} does not have {strangers:#?}");
}

#[test]
fn what_is_guarded_stands_in_the_code() {
    for row in table() {
        for (file, name) in row.guards {
            let text = std::fs::read_to_string(root().join(&file))
                .unwrap_or_else(|error| panic!("SB-{}: {file}: {error}", row.line));
            let source = Source { path: file, text };
            // A route as it is registered, or an item by its name.
            let defines = |line: &str| {
                ["fn ", "struct ", "enum ", "const ", "static "]
                    .iter()
                    .any(|kind| {
                        line.split(&format!("{kind}{name}"))
                            .nth(1)
                            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                    })
            };
            let there = match name.strip_prefix('/') {
                Some(_) => source.without_tests().contains(&format!("\"{name}\"")),
                None if source.path.ends_with(".rs") => source.code().any(|(_, line)| defines(line)),
                None => source.text.contains(&name),
            };
            assert!(there, "SB-{}: {} has no {name}", row.line, source.path);
        }
    }
}

#[test]
fn a_comment_belongs_to_the_test_around_it_or_below_it() {
    let text =
        "#[test]\nfn one() {\n    // SB-1\n    assert!(true);\n}\n\n// SB-2, SB-3\n#[test]\nfn two() {}\n";
    let source = Source {
        path: "libs/x/src/tests.rs".to_owned(),
        text: text.to_owned(),
    };
    let found: Vec<(u32, String)> = tests_by_line(&source)
        .into_iter()
        .map(|(line, (_, test))| (line, test))
        .collect();
    assert_eq!(
        found,
        [
            (1, "one".to_owned()),
            (2, "two".to_owned()),
            (3, "two".to_owned())
        ]
    );
}

#[test]
fn a_row_that_names_no_real_test_is_refused() {
    const TESTS: &str = "\
async fn helper(db: TestDb) {
    // SB-1
}

#[test]
// SB-1
fn plain() {}

#[tokio::test(start_paused = true)]
async fn with_a_runtime() {
    // SB-1
}

testkit::on_both_engines! {
    migrations = [&M];

    async fn on_both(db: TestDb) {
        // SB-1
    }
}

stories! {
    async fn a_story(world) {
        // SB-1
    }
}

fake! {
    async fn of_another_macro(db: TestDb) {
        // SB-1
    }
}

#[test]
fn of_another_line() {
    // SB-2
}
";
    let source = |path: &str| {
        let text = match path {
            "libs/x/src/tests.rs" => TESTS,
            "tests/x.sh" => "# SB-1\nrefuses_strangers() { true; }\n",
            _ => return None,
        };
        Some(Source {
            path: path.to_owned(),
            text: text.to_owned(),
        })
    };
    let proven = tests_by_line(&source("libs/x/src/tests.rs").unwrap());
    let faults = |file: &str, name: &str| {
        let row = Row {
            line: 1,
            promise: String::new(),
            guards: BTreeSet::new(),
            tests: BTreeSet::from([(file.to_owned(), name.to_owned())]),
            not_yet: false,
        };
        row_errors(&row, &proven, source).join("")
    };
    for name in ["plain", "with_a_runtime", "on_both", "a_story"] {
        assert_eq!(faults("libs/x/src/tests.rs", name), "", "{name}");
    }
    assert_eq!(faults("tests/x.sh", "refuses_strangers"), "");
    for name in ["helper", "of_another_macro", "nobody"] {
        assert!(
            faults("libs/x/src/tests.rs", name).ends_with("has no test of this name"),
            "{name}"
        );
    }
    assert!(faults("libs/x/src/tests.rs", "of_another_line").ends_with("name the line in a comment"));
    assert!(faults("tests/x.sh", "refuses_friends").contains("does not name the test"));
    assert!(faults("tests/y.sh", "refuses_strangers").ends_with("no such file"));
}
