//! `libs/chassis` is the foundation of any service: it does not know the words of people, accounts and clients.

use std::collections::BTreeSet;

use crate::source::files;

/// The words that identifiers and texts of the crate may not have, in any spelling of them.
const REFUSED: [&str; 14] = [
    "password",
    "passwords",
    "person",
    "people",
    "user",
    "users",
    "account",
    "accounts",
    "administrator",
    "registration",
    "group",
    "groups",
    "login",
    "consent",
];

/// The general meanings that some of the words have: the folder or file, the word, and what it is there.
const GENERAL: [(&str, &str, &str); 13] = [
    (
        "access/",
        "user",
        "the error code insufficient_user_authentication (RFC 9470 §3)",
    ),
    ("access/", "groups", "scopes, and the claim of RFC 9068 §2.2.3.1"),
    (
        "access/",
        "users",
        "the scopes that a route can require, by their names",
    ),
    (
        "http/public_url.rs",
        "user",
        "the user information of a URL (RFC 3986 §3.2.1)",
    ),
    (
        "http/public_url.rs",
        "password",
        "the user information of a URL (RFC 3986 §3.2.1)",
    ),
    (
        "outbound/",
        "user",
        "the user information of a URL, and the header User-Agent",
    ),
    ("outbound/", "password", "the user information of a URL"),
    (
        "http_client.rs",
        "user",
        "the header User-Agent (RFC 9110 §10.1.5)",
    ),
    (
        "http_client.rs",
        "password",
        "HTTP basic authentication (RFC 7617)",
    ),
    (
        "http/client_info.rs",
        "user",
        "the header User-Agent (RFC 9110 §10.1.5)",
    ),
    (
        "telemetry/otlp.rs",
        "user",
        "the header User-Agent (RFC 9110 §10.1.5)",
    ),
    ("server/mod.rs", "user", "the user of the operating system"),
    ("telemetry/", "users", "the name of a service"),
];

/// The field names of the log that belong to the services.
const REFUSED_FIELDS: [&str; 3] = ["user.", "client.id", "actor."];

/// The words of an identifier or a text: `user_name` and `UserName` have two.
fn words(line: &str) -> BTreeSet<String> {
    let mut spaced = String::new();
    let mut before = ' ';
    for letter in line.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(if letter.is_alphanumeric() { letter } else { ' ' });
        before = letter;
    }
    spaced.split_whitespace().map(str::to_lowercase).collect()
}

fn is_general(path: &str, word: &str) -> bool {
    GENERAL
        .iter()
        .any(|(place, known, _)| path.starts_with(place) && *known == word)
}

#[test]
fn the_foundation_knows_no_words_of_people_and_clients() {
    let mut found = BTreeSet::new();
    let mut used = BTreeSet::new();
    for source in files("libs/chassis/src", "rs")
        .iter()
        .filter(|source| !source.is_test())
    {
        let path = source.path.strip_prefix("libs/chassis/src/").unwrap();
        for (number, line) in source.code() {
            for word in words(line) {
                if !REFUSED.contains(&word.as_str()) {
                    continue;
                }
                if is_general(path, &word) {
                    used.extend(
                        GENERAL
                            .iter()
                            .filter(|(place, known, _)| path.starts_with(place) && *known == word)
                            .map(|(place, known, _)| (*place, *known)),
                    );
                } else {
                    found.insert(format!("{path}:{number}: {word}"));
                }
            }
            for field in REFUSED_FIELDS {
                if line.contains(&format!("\"{field}")) {
                    found.insert(format!("{path}:{number}: {field}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    let stale: Vec<_> = GENERAL
        .iter()
        .filter(|(place, word, _)| !used.contains(&(*place, *word)))
        .collect();
    assert!(
        stale.is_empty(),
        "these exceptions are not needed any more: {stale:#?}"
    );
}

#[test]
fn a_word_is_found_in_each_spelling() {
    for line in [
        "fn user_name()",
        "struct UserName;",
        "\"the user of\"",
        "USER_AGENT",
    ] {
        assert!(words(line).contains("user"), "{line}");
    }
    assert!(!words("reuse the username").contains("user"));
}
