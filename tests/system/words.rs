//! Names that were retired for the field's terms do not come back: `docs/GLOSSARY.md` has the words.

use std::collections::BTreeSet;

use crate::source::{files, root};

/// Verbs that mean five things, nouns that mean anything, and private terms for what the field has a word for.
const RETIRED: &[&str] = &[
    // tell, look …: `append_event`, `record_metrics`, `log_…`, `notify`; `check`, `inspect`
    "tell",
    "told",
    "look",
    "obey",
    "judge",
    "dress",
    "enrol",
    "keep",
    "heal",
    "mend",
    "bury",
    "is_buried",
    "own_up",
    "owe",
    "deafen",
    "twice",
    "came_again",
    "proves",
    "open_to_scripts",
    "for_those_who_may_still_act",
    "send_elsewhere",
    "unmatchable",
    // `Cursor`, `ServiceEndpoint`, `PageQuery`, … by what they are of
    "Place",
    "Answer",
    "Asked",
    "Failure",
    "Known",
    "Shown",
    "Typed",
    "New",
    "Which",
    "Wish",
    "Way",
    "Fact",
    "Stop",
    "Opened",
    "Rhythm",
    "Arrival",
    "StillGood",
    "Addressed",
    "FromAuth",
    "Again",
    "Mending",
    // `republish`, `replica_notify`, `reconciler_handle`, `desired_state`, …
    "again",
    "neighbours",
    "door",
    "draft",
    "arrivals",
    "waves",
];
const DEFINES: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "mod", "const", "static"];

/// The name that a line of code defines, if it defines one.
fn defined(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    words.find(|word| DEFINES.contains(word))?;
    let name = words.next()?;
    name.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .next()
}

#[test]
fn no_retired_name_is_defined() {
    let retired: BTreeSet<&str> = RETIRED.iter().copied().collect();
    let mut checked = 0;
    for folder in ["libs", "services", "cli", "bench", "fuzz", "tests"] {
        // This file has the retired names in its list and in a test.
        for source in files(folder, "rs")
            .into_iter()
            .filter(|it| !it.path.ends_with("system/words.rs"))
        {
            for (number, line) in source.text.lines().enumerate() {
                let Some(name) = defined(line).filter(|_| !line.trim_start().starts_with("//")) else {
                    continue;
                };
                checked += 1;
                assert!(
                    !retired.contains(name),
                    "{}:{}: `{name}` was retired; docs/GLOSSARY.md and its neighbours have a word",
                    source.path,
                    number + 1
                );
            }
        }
    }
    assert!(
        checked > 8000,
        "only {checked} definitions: does this test still see them?"
    );
}

#[test]
fn the_glossary_has_each_word_once() {
    let text = std::fs::read_to_string(root().join("docs/GLOSSARY.md")).unwrap();
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let words: Vec<&str> = rows.filter(|word| *word != "word").collect();
    let distinct: BTreeSet<&str> = words.iter().copied().collect();
    assert!(words.len() >= 40, "{words:?}");
    assert_eq!(words.len(), distinct.len(), "a word is there twice");
}

#[test]
fn a_definition_is_found_with_its_name() {
    for (line, name) in [
        ("    pub(super) async fn look(&self) -> bool {", Some("look")),
        ("pub struct Place<'a> {", Some("Place")),
        ("const LOOK: u8 = 1;", Some("LOOK")),
        ("let place = 1;", None),
    ] {
        assert_eq!(defined(line), name, "{line}");
    }
}
