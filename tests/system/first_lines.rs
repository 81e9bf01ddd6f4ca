//! The first line of a documentation comment says what the thing is, and makes nobody guess.

use crate::source::files;

/// Words that begin a fragment: "What is told of a person", "How long an answer may take".
const QUESTIONS: [&str; 11] = [
    "What", "Who", "Whoever", "Whose", "Whom", "How", "Which", "Why", "Whether", "Where", "When",
];
/// Phrases that no comment has.
const RIDDLES: [&str; 4] = ["whoever", "is none", "what is owed", "is owed"];

/// The text of a line of documentation.
fn documentation(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))
}

/// The first lines of the documentation comments in `text`, numbered from 1.
fn first_lines(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let documentation = documentation(line);
        if let Some(first) = documentation.filter(|_| !inside) {
            found.push((index + 1, first.trim()));
        }
        inside = documentation.is_some();
    }
    found
}

fn begins_with_a_question(line: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric())
        .next()
        .is_some_and(|word| QUESTIONS.contains(&word))
}

/// The phrase of [`RIDDLES`] that a comment has.
fn riddle(line: &str) -> Option<&'static str> {
    let comment = line.trim_start().strip_prefix("//")?.to_lowercase();
    let words: Vec<&str> = comment.split(|letter: char| !letter.is_alphanumeric()).collect();
    RIDDLES.into_iter().find(|phrase| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).any(|window| window == phrase)
    })
}

#[test]
fn a_first_line_says_what_the_thing_is() {
    let (mut checked, mut faults) = (0, Vec::new());
    for folder in ["libs", "services", "cli", "bench", "fuzz", "tests"] {
        // This file has them in its tests.
        for source in files(folder, "rs")
            .into_iter()
            .filter(|it| !it.path.ends_with("system/first_lines.rs"))
        {
            for (number, line) in first_lines(&source.text) {
                checked += 1;
                if begins_with_a_question(line) {
                    faults.push(format!("{}:{number}: {line}", source.path));
                }
            }
            for (index, line) in source.text.lines().enumerate() {
                if let Some(phrase) = riddle(line) {
                    faults.push(format!("{}:{}: \"{phrase}\"", source.path, index + 1));
                }
            }
        }
    }
    assert!(
        checked > 6000,
        "only {checked} first lines: does this test still see them?"
    );
    assert!(
        faults.is_empty(),
        "{} comments make the reader guess:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn first_lines_are_found() {
    let text = "//! What it is.\n//! How it is.\n\n/// The id.\n///\n/// # Errors\n/// When it fails.\nfn id() {}\n    /// Whose it is\n";
    let found: Vec<(usize, bool)> = first_lines(text)
        .into_iter()
        .map(|(number, line)| (number, begins_with_a_question(line)))
        .collect();
    assert_eq!(found, [(1, true), (4, false), (9, true)]);
    for (line, phrase) in [
        ("/// Nothing, when there is none.", Some("is none")),
        ("    // Whoever asks first gets it.", Some("whoever")),
        ("/// This nonet plays.", None),
        ("let is_none = value.is_none();", None),
    ] {
        assert_eq!(riddle(line), phrase, "{line}");
    }
}
