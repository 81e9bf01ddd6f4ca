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
    "take",
    "turn",
    "work",
    "meet",
    "set_aside",
    "chain",
    "node",
    "at_rest",
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
/// The retired names that operators saw, each with the field's name that replaced it: configuration keys,
/// metrics, flags and commands of the tool, values of `event.action`, members of health, scripts, alerts. A
/// word is letters, digits, `_` and `-`.
const RETIRED_WORDS: &[(&str, &str)] = &[
    ("header_seconds", "header_timeout_seconds"),
    ("body_seconds", "body_timeout_seconds"),
    ("write_seconds", "write_timeout_seconds"),
    ("request_seconds", "request_timeout_seconds"),
    ("id_token_algorithm", "id_token_signed_response_alg"),
    ("vestibule_inbox_set_aside", "vestibule_inbox_unapplied_events"),
    (
        "vestibule_reconcile_mended_total",
        "vestibule_reconcile_repaired_total",
    ),
    (
        "vestibule_webhook_deliveries_dead",
        "vestibule_webhook_deliveries_dead_lettered",
    ),
    ("VestibuleDriftMended", "VestibuleDriftRepaired"),
    ("--mend", "--repair"),
    ("--grant", "--grant-type"),
    ("--auth-method", "--token-endpoint-auth-method"),
    ("event-given-up", "event-dead-lettered"),
    ("event-set-aside", "event-parked"),
    ("drift-mended", "drift-repaired"),
    ("webhook-given-up", "delivery-dead-lettered"),
    ("person-created", "user-created"),
    ("person-changed", "user-changed"),
    ("person-deleted", "user-deleted"),
    ("person-suspended", "user-suspended"),
];
/// The same for what is more than one word.
const RETIRED_TEXTS: &[(&str, &str)] = &[
    ("webhook remove", "webhook delete"),
    ("\"because\":", "\"reasons\":"),
    ("\nscopes = [", "scope = \"…\""),
    ("outcome=\"right\"", "outcome=\"success\""),
    ("outcome=\"wrong\"", "outcome=\"invalid_credentials\""),
    ("outcome=\"given\"", "outcome=\"issued\""),
    ("outcome=\"refused\"", "outcome=\"rejected\""),
    ("scripts/older", "scripts/build-old-release"),
    ("scripts/images", "scripts/build-images"),
    ("scripts/local-images", "scripts/build-base-images"),
    ("scripts/components.sh", "scripts/test-servers.sh"),
];
/// Files that speak of the past: the changelog, decisions, this test, and the test of the error for a retired key.
const OF_THE_PAST: [&str; 4] = [
    "CHANGELOG.md",
    "docs/decisions/",
    "tests/system/words.rs",
    "services/auth/src/config/tests.rs",
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

/// The retired names in `text`, each with the one that there is instead.
fn retired_in(text: &str) -> Vec<(&'static str, &'static str)> {
    let words: BTreeSet<&str> = text
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-')
        .collect();
    RETIRED_WORDS
        .iter()
        .filter(|(name, _)| words.contains(name))
        .chain(RETIRED_TEXTS.iter().filter(|(name, _)| text.contains(name)))
        .copied()
        .collect()
}

#[test]
fn no_retired_name_is_shown_to_operators() {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .unwrap();
    let paths = String::from_utf8(listed.stdout).unwrap();
    let mut checked = 0;
    for path in paths.split_terminator('\0') {
        // The names of indexes in old migrations stay.
        let past = path.contains("/migrations/") || OF_THE_PAST.iter().any(|known| path.starts_with(known));
        let Ok(text) = std::fs::read_to_string(root().join(path)) else {
            continue;
        };
        if past {
            continue;
        }
        checked += 1;
        let retired = retired_in(&text);
        assert!(
            retired.is_empty(),
            "{path} has names that were retired, each with the one instead: {retired:?}"
        );
    }
    assert!(
        checked > 900,
        "only {checked} files: does this test still see them?"
    );
}

#[test]
fn a_retired_name_is_found_as_a_word() {
    for (text, found) in [
        ("`limits.header_seconds` is 10", true),
        ("`limits.header_timeout_seconds` is 10", false),
        ("vestibule_webhook_deliveries_dead{job=\"a\"}", true),
        ("vestibule_webhook_deliveries_dead_lettered", false),
        ("vestibule events verify --mend", true),
        ("client add --grant-type client_credentials", false),
        ("vestibule webhook remove ID", true),
    ] {
        assert_eq!(!retired_in(text).is_empty(), found, "{text}");
    }
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
