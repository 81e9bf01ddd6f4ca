//! Tests of what is typed: folding, words, typos and the limits.

use std::time::Instant;

use super::super::query::{InvalidText, MAX_TEXT_CHARS};
use super::super::typos::{begins_nearly, distance, variants};
use super::super::*;
use crate::users::values::words::{UserWords, fold, words_of};

fn words(text: &str) -> Vec<String> {
    words_of(&fold(text)).collect()
}

#[test]
fn accents_and_case_are_folded_and_letters_are_as_they_are_typed() {
    for (typed, folded) in [
        ("José MÜLLER-Łukasz", &["jose", "muller", "lukasz"][..]),
        ("O'Brien O’Neill", &["obrien", "oneill"]),
        ("Straße Søren Ægir Þór", &["strasse", "soren", "aegir", "thor"]),
        ("İbrahim ıspanak", &["ibrahim", "ispanak"]),
        ("Ёлкин Νίκος", &["елкин", "νικοσ"]),
        ("山田 太郎", &["山田", "太郎"]),
        ("ｆｕｌｌ", &["full"]),
    ] {
        assert_eq!(words(typed), folded, "{typed}");
    }
}

#[test]
fn a_user_has_the_words_of_names_and_identifiers_and_every_pair_of_a_short_name() {
    let mut user = crate::testing::desired_user("a.archer1990");
    user.name.given_name = Some("Ann".to_owned());
    user.name.family_name = Some("Archer".to_owned());
    user.emails = serde_json::from_value(serde_json::json!([{"value": "ann.hill@Example.org"}])).unwrap();
    let state = user.into_state(contract::UserId::nil(), chassis::clock::Timestamp::from_secs(0));
    let words = UserWords::of(&state);
    assert_eq!(words.names, ["ann", "archer"]);
    assert_eq!(words.others, ["a", "hill"]);
    assert_eq!(words.domains, ["example.org"]);
    let mut long = UserWords {
        names: ["maria", "del", "carmen", "garcia"].map(str::to_owned).into(),
        ..UserWords::default()
    };
    let pairs = |words: &UserWords| {
        words
            .keys()
            .into_iter()
            .filter(|key| !key.starts_with('@'))
            .count()
    };
    assert_eq!(pairs(&long), 8);
    long.names.truncate(3);
    assert_eq!(pairs(&long), 6);
    long.names.truncate(1);
    assert_eq!(long.keys(), ["maria "]);
}

#[test]
fn an_edit_is_a_letter_more_less_other_or_exchanged() {
    for (one, other, expected) in [
        ("archer", "archer", 0),
        ("archer", "acher", 1),
        ("archer", "archerr", 1),
        ("archer", "arxher", 1),
        ("archer", "acrher", 1),
        ("archer", "achre", 2),
        ("ab", "ba", 1),
        ("archer", "baker", 4),
        ("", "abc", 3),
    ] {
        assert_eq!(distance(one, other, 9), Some(expected), "{one} {other}");
        assert_eq!(distance(other, one, 9), Some(expected), "{other} {one}");
    }
    assert_eq!(distance("archer", "baker", 3), None);
    assert!(begins_nearly("schwarzenegger", "shwarz") && begins_nearly("schwarzenegger", "schwarx"));
    assert!(!begins_nearly("schwarzenegger", "schxxrz"));
}

#[test]
fn the_variants_of_a_word_are_those_at_distance_one() {
    for word in ["ann", "archer", "ёлка", "aa"] {
        let variants = variants(word);
        assert!(
            variants
                .iter()
                .all(|variant| distance(word, variant, 1) == Some(1)),
            "{word}"
        );
    }
    let variants = variants("archer");
    for typed in [
        "rcher", "arche", "zarcher", "archera", "arxher", "racher", "archre",
    ] {
        assert!(variants.contains(typed), "{typed}");
    }
    // 6 letters: 7 × 26 inserted, 6 × 25 replaced, 6 left out, 5 exchanged; six insertions are each made at two places.
    assert_eq!(variants.len(), 7 * 26 + 6 * 25 + 6 + 5 - 6);
    assert!(super::super::typos::variants("山田太郎").contains("田山太郎"));
}

#[test]
fn a_text_has_bounds_and_the_worst_one_costs_little() {
    assert_eq!(SearchText::parse(" -!? ").unwrap_err(), InvalidText::Empty);
    assert_eq!(
        SearchText::parse(&"x".repeat(MAX_TEXT_CHARS + 1)).unwrap_err(),
        InvalidText::TooLong
    );
    assert_eq!(
        SearchText::parse("a b c d e f").unwrap_err(),
        InvalidText::TooManyWords
    );
    assert_eq!(SearchText::parse("a\0b").unwrap_err(), InvalidText::Control);
    assert!(SearchText::parse("b a b a b a").is_ok());
    // SB-43
    let began = Instant::now();
    for worst in ["\u{fdfa}".repeat(MAX_TEXT_CHARS), "x".repeat(MAX_TEXT_CHARS)] {
        // One character of Arabic is eighteen when it is folded.
        if let Ok(text) = SearchText::parse(&worst) {
            let longest = text.words.iter().map(|word| variants(word).len()).max();
            assert!(longest.unwrap_or_default() < 3_000);
        }
    }
    assert!(began.elapsed().as_secs() < 5);
}

#[test]
fn ids_are_found_by_six_digits_or_more() {
    let ids = |text: &str| {
        SearchText::parse(text)
            .unwrap()
            .ids
            .map(|(first, last)| (first.to_string(), last.to_string()))
    };
    let span = ids("0198a1-F").unwrap();
    assert_eq!(span.0, "0198a1f0-0000-0000-0000-000000000000");
    assert_eq!(span.1, "0198a1ff-ffff-ffff-ffff-ffffffffffff");
    assert_eq!(ids("0198a"), None);
    assert_eq!(ids("archer"), None);
    let whole = "0198a1f0-0000-7000-8000-000000000001";
    assert_eq!(ids(whole), Some((whole.to_owned(), whole.to_owned())));
}
