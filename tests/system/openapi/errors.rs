//! Every `type` of a problem that the code can answer is described.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Described;
use crate::source::{files, root};

/// Problems of the server itself, which answer what never reaches an operation.
const OF_NO_OPERATION: [&str; 1] = ["method-not-allowed"];

/// The names in the source: the first text of each problem that is made.
fn named_in_source() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["libs", "services"] {
        for source in files(folder, "rs") {
            let text = source.without_tests();
            if source.is_test() {
                continue;
            }
            let constructor = match source.path.ends_with("chassis/src/http/problem.rs") {
                true => "Self::new(",
                false => "Problem::new(",
            };
            for call in text.split(constructor).skip(1) {
                names.extend(
                    call.split('"')
                        .nth(1)
                        .filter(|name| !name.contains('{'))
                        .map(str::to_owned),
                );
            }
        }
    }
    assert!(names.len() > 12, "{names:?}: does this test still see them?");
    names
}

fn described() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for service in Described::ALL {
        let path = root().join(format!("docs/reference/openapi-{}.json", service.name()));
        let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for part in document
            .to_string()
            .split("https://vestibule.dev/problems/")
            .skip(1)
        {
            names.extend(part.split('"').next().map(str::to_owned));
        }
    }
    names
}

#[test]
fn every_type_of_a_problem_that_the_code_answers_is_described() {
    let described = described();
    let missing: Vec<String> = named_in_source()
        .into_iter()
        .filter(|name| !described.contains(name) && !OF_NO_OPERATION.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
