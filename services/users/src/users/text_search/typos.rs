//! Typos: the edit distance of two words, and the words that are one edit from another one.

use std::collections::BTreeSet;

/// The letters that are tried in place of a typo, by script. A word of another script has only letters left out or exchanged.
const ALPHABETS: [&str; 4] = [
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяієґ",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
];

/// The number of typos that a word may have: none in two letters, one in three to five, else two.
pub(super) fn allowed(word: &str) -> usize {
    match word.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    }
}

/// The number of letters to insert, leave out, replace or exchange with their neighbour to make one word of the other (optimal
/// string alignment); nothing when they are more than `most`.
pub(super) fn distance(one: &str, other: &str, most: usize) -> Option<usize> {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    rows(&one, &other)
        .last()
        .copied()
        .filter(|distance| *distance <= most)
}

/// True if the word begins with a text that is at most one edit from `beginning`.
pub(super) fn begins_nearly(word: &str, beginning: &str) -> bool {
    let beginning: Vec<char> = beginning.chars().collect();
    let word: Vec<char> = word.chars().take(beginning.len() + 1).collect();
    rows(&beginning, &word).into_iter().any(|distance| distance <= 1)
}

/// The distances of `one` to every beginning of `other`.
fn rows(one: &[char], other: &[char]) -> Vec<usize> {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, (opposite, replaced)) in other.iter().zip(&last).enumerate() {
            let substituted = replaced + usize::from(letter != opposite);
            let inserted = next.last().map_or(usize::MAX, |left| left + 1);
            let removed = last.get(column + 1).map_or(usize::MAX, |above| above + 1);
            let mut best = substituted.min(inserted).min(removed);
            // Two letters that are exchanged are one edit.
            let neighbour = column
                .checked_sub(1)
                .and_then(|at| Some((other.get(at)?, before.get(at)?)));
            if let Some((left, skipped)) = neighbour
                && previous == Some(opposite)
                && left == letter
            {
                best = best.min(skipped + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
        previous = Some(letter);
    }
    last
}

/// The words that are one edit from a word, without the word itself.
pub(super) fn variants(word: &str) -> BTreeSet<String> {
    let letters: Vec<char> = word.chars().collect();
    let alphabet = ALPHABETS
        .into_iter()
        .find(|alphabet| letters.first().is_some_and(|first| alphabet.contains(*first)));
    let mut found = BTreeSet::new();
    for at in 0..=letters.len() {
        let (before, after) = letters.split_at(at);
        let with =
            |middle: &[char], rest: &[char]| [before, middle, rest].concat().into_iter().collect::<String>();
        let alphabet = || alphabet.unwrap_or_default().chars();
        found.extend(alphabet().map(|letter| with(&[letter], after)));
        if let [_, rest @ ..] = after {
            found.insert(with(&[], rest));
            found.extend(alphabet().map(|letter| with(&[letter], rest)));
        }
        if let [one, other, rest @ ..] = after {
            found.insert(with(&[*other, *one], rest));
        }
    }
    found.remove(word);
    found.remove("");
    found
}
