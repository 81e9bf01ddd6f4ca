//! Long passwords that are made of joined or repeated short ones.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A password of up to so many pieces is rejected. Three of 2000 pieces give fewer than 10^10 passwords.
const MAX_PIECES: usize = 3;

const MIN_LENGTH: usize = 3;
const MAX_LENGTH: usize = 16;

static PIECES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../data/passwords/pieces.txt").lines().collect());

/// True if at most three pieces make up the whole of `text`, which is in lower case.
pub(super) fn is_made_of_pieces(text: &str) -> bool {
    // The pieces are ASCII, and so short that the text is either short too or none of them.
    !text.is_empty()
        && text.len() <= MAX_PIECES * MAX_LENGTH
        && text.is_ascii()
        && splits_into_pieces(text, MAX_PIECES)
}

fn splits_into_pieces(text: &str, left: usize) -> bool {
    if text.is_empty() {
        return true;
    }
    left > 0
        && (MIN_LENGTH..=MAX_LENGTH.min(text.len())).any(|length| {
            text.split_at_checked(length).is_some_and(|(piece, rest)| {
                PIECES.contains(piece) && splits_into_pieces(rest, left.saturating_sub(1))
            })
        })
}

/// The shortest text that gives `text` when it is repeated twice or more. Linear: the longest border of the
/// text (Knuth, Morris, Pratt) leaves the unit.
pub(super) fn repeated_unit(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut borders: Vec<usize> = Vec::with_capacity(bytes.len());
    for (end, byte) in bytes.iter().enumerate() {
        let mut border = end.checked_sub(1).and_then(|before| borders.get(before)).copied();
        let next = loop {
            match border {
                None => break 0,
                Some(length) if bytes.get(length) == Some(byte) => break length.saturating_add(1),
                Some(length) => {
                    border = length
                        .checked_sub(1)
                        .and_then(|before| borders.get(before))
                        .copied()
                }
            }
        };
        borders.push(next);
    }
    let border = *borders.last()?;
    let unit = bytes.len().checked_sub(border)?;
    (border > 0 && bytes.len().is_multiple_of(unit))
        .then(|| text.get(..unit))
        .flatten()
}
