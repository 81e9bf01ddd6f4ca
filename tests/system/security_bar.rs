//! Each line of the security bar that applies so far is named by a test that proves it: `// SB-21`.
//!
//! SECURITY.md says what the lines are.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::files;

/// The lines that apply to what is there. The others need what is not there yet: mail, second factors, consent,
/// upstream providers, the audit log.
const IN_SCOPE: [u32; 33] = [
    1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 32, 33, 35,
    36, 37, 38, 39, 42,
];

/// Line number → the files whose tests name it.
fn named() -> BTreeMap<u32, BTreeSet<String>> {
    let mut named: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for folder in ["services", "libs", "cli", "tests/system"] {
        for source in files(folder, "rs") {
            let tests = if source.is_test() {
                source.text.as_str()
            } else {
                &source.text[source.without_tests().len()..]
            };
            for comment in tests
                .lines()
                .filter_map(|line| line.split_once("//"))
                .map(|(_, comment)| comment)
            {
                for part in comment.split("SB-").skip(1) {
                    let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                    if let Ok(number) = digits.parse() {
                        named.entry(number).or_default().insert(source.path.clone());
                    }
                }
            }
        }
    }
    // This file names lines without proving them.
    for places in named.values_mut() {
        places.remove("tests/system/security_bar.rs");
    }
    named.retain(|_, places| !places.is_empty());
    named
}

#[test]
fn every_line_that_applies_is_named_by_a_test() {
    let named = named();
    let missing: Vec<u32> = IN_SCOPE
        .into_iter()
        .filter(|line| !named.contains_key(line))
        .collect();
    assert!(
        missing.is_empty(),
        "no test names SB-{missing:?}; named are {:?}",
        named.keys()
    );
}

#[test]
fn no_test_names_a_line_that_does_not_exist() {
    let unknown: Vec<u32> = named()
        .into_keys()
        .filter(|line| !(1..=42).contains(line))
        .collect();
    assert!(unknown.is_empty(), "SB-{unknown:?}");
}
