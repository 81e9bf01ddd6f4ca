//! Tests by what their comments name: a line of the security bar, or a requirement of a standard.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, files};

/// The folders whose tests may prove something.
const FOLDERS: [&str; 8] = [
    "fuzz",
    "services",
    "libs",
    "cli",
    "tests/system",
    "tests/deploy",
    "tests/upgrade",
    "tests/event-faults",
];
/// Macros that make a test of every `async fn` in their braces.
const TEST_MACROS: [&str; 2] = ["on_both_engines!", "stories!"];

/// A name in a file: a test, or a guarded item.
pub(crate) type NamedItem = (String, String);

/// The tests of a file whose comments have marks, by mark.
pub(crate) fn tests_by_mark<M, I>(source: &Source, marks: impl Fn(&str) -> I) -> BTreeSet<(M, NamedItem)>
where
    M: Ord,
    I: IntoIterator<Item = M>,
{
    let start = if source.is_test() {
        0
    } else {
        source.without_tests().len()
    };
    let lines: Vec<&str> = source.text[start..].lines().collect();
    let mut found = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((_, comment)) = line.split_once("//") else {
            continue;
        };
        for mark in marks(comment) {
            if let Some(test) = enclosing_function(&lines, index) {
                found.insert((mark, (source.path.clone(), test)));
            }
        }
    }
    found
}

/// All tests whose comments have marks. These files speak of marks without proving anything.
pub(crate) fn all_by_mark<M: Ord, I: IntoIterator<Item = M>>(
    marks: impl Fn(&str) -> I,
    except: &str,
) -> BTreeSet<(M, NamedItem)> {
    FOLDERS
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .filter(|source| !source.path.starts_with(except))
        .flat_map(|source| tests_by_mark(&source, &marks))
        .collect()
}

/// Reads a cell of a table: "`file`: `name`, `name`<br>`file`: …".
pub(crate) fn parse_cell(cell: &str) -> BTreeSet<NamedItem> {
    cell.split("<br>")
        .flat_map(|part| {
            let (file, names) = part
                .split_once(": ")
                .unwrap_or_else(|| panic!("expected `file`: `name`, found {part}"));
            let file = file.trim().trim_matches('`').to_owned();
            names
                .split(", ")
                .map(move |name| (file.clone(), name.trim().trim_matches('`').to_owned()))
        })
        .collect()
}

/// A cell of a table, in order.
pub(crate) fn format_cell(tests: &BTreeSet<NamedItem>) -> String {
    let mut by_file: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, name) in tests {
        by_file.entry(file).or_default().push(format!("`{name}`"));
    }
    let files = by_file
        .into_iter()
        .map(|(file, names)| format!("`{file}`: {}", names.join(", ")));
    files.collect::<Vec<String>>().join("<br>")
}

/// The function that the comment in line `index` stands in or directly above.
fn enclosing_function(lines: &[&str], index: usize) -> Option<String> {
    let is_preface = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("#[")
    };
    let below = lines[index..].iter().find(|line| !is_preface(line));
    below
        .and_then(|line| function_name(line))
        .or_else(|| lines[..index].iter().rev().find_map(|line| function_name(line)))
}

/// The name of the function that begins in this line.
fn function_name(line: &str) -> Option<String> {
    let rest = line.trim_start();
    let rest = rest
        .strip_prefix("pub(crate) ")
        .or_else(|| rest.strip_prefix("pub "))
        .unwrap_or(rest);
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let name = rest.strip_prefix("fn ")?;
    name.split(['(', '<']).next().map(str::to_owned)
}

/// The functions of a file that the test runner calls: by their attribute, or by the macro that they are
/// handed to. A function that only tests call does not count, whatever its name: nobody sees when the last
/// test that calls it goes.
pub(crate) fn tests_in(source: &Source) -> BTreeSet<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let names = lines.iter().enumerate().filter_map(|(index, line)| {
        let name = function_name(line)?;
        (has_test_attribute(&lines[..index]) || is_handed_to_a_macro(&lines[..index], line)).then_some(name)
    });
    names.collect()
}

/// True if the attributes right above, which `before` ends with, make a test of a function.
fn has_test_attribute(before: &[&str]) -> bool {
    let preface = before.iter().rev().map(|line| line.trim());
    preface
        .take_while(|line| line.starts_with("//") || line.starts_with("#["))
        .any(|line| line == "#[test]" || line == "#[tokio::test]" || line.starts_with("#[tokio::test("))
}

/// True if the block that `line` stands in, `before` being the lines above, is that of one of
/// [`TEST_MACROS`].
fn is_handed_to_a_macro(before: &[&str], line: &str) -> bool {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let block = before
        .iter()
        .rev()
        .find(|above| !above.trim().is_empty() && depth(above) < depth(line));
    block.is_some_and(|opens| {
        let called = opens.trim().trim_start_matches("testkit::");
        TEST_MACROS
            .iter()
            .any(|name| called.strip_prefix(name).is_some_and(|rest| rest.trim() == "{"))
    })
}
