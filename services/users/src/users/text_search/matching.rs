//! The kind of a match: how well a user fits a text.

use contract::UserState;

use super::super::values::words::UserWords;
use super::query::SearchText;
use super::typos;

/// The kind of a match. The better ones come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MatchKind {
    /// The text is the user name, an e-mail address or the id, or each word is one of the user's.
    Exact,
    /// The text is the beginning of one of these, or each word is the beginning of one of the user's.
    Prefix,
    /// A word has a typo or two.
    Fuzzy,
}

/// The letters of a beginning in which a typo is passed over.
pub(super) const BEGINNING_WITH_TYPO: usize = 5;

/// The kind of the match of a user, if they match.
pub(super) fn kind(text: &SearchText, state: &UserState) -> Option<MatchKind> {
    let identifier = text.identifier.as_deref();
    let whole = identifier.and_then(|identifier| identifier_kind(identifier, text, state));
    whole.into_iter().chain(words_kind(text, state)).min()
}

/// The kind of a match of the text as a whole.
fn identifier_kind(identifier: &str, text: &SearchText, state: &UserState) -> Option<MatchKind> {
    let addresses = state
        .emails
        .iter()
        .map(|email| email.value.as_str().to_lowercase());
    let domains = addresses
        .clone()
        .filter_map(|address| Some(address.split_once('@')?.1.to_owned()));
    let names: Vec<String> = std::iter::once(state.user_name.key().to_owned())
        .chain(addresses)
        .collect();
    let with_id = text
        .ids
        .filter(|(first, last)| (first..=last).contains(&&state.id));
    if names.iter().any(|name| name == identifier) || with_id.is_some_and(|(first, last)| first == last) {
        return Some(MatchKind::Exact);
    }
    let domain = identifier.strip_prefix('@').unwrap_or(identifier);
    // A part of an address, such as `archer@exam`.
    let part = |name: &String| {
        name.starts_with(identifier) || (identifier.contains('@') && name.contains(identifier))
    };
    if names.iter().any(part) || domains.into_iter().any(|it| it.starts_with(domain)) || with_id.is_some() {
        return Some(MatchKind::Prefix);
    }
    let near = |name: &String| typos::distance(identifier, name, typos::allowed(identifier)).is_some();
    names.iter().any(near).then_some(MatchKind::Fuzzy)
}

/// The kind of the worst match of a word.
fn words_kind(text: &SearchText, state: &UserState) -> Option<MatchKind> {
    let words = UserWords::of(state);
    let own = || words.names.iter().chain(&words.others);
    let best = |typed: &String| own().filter_map(|word| word_kind(typed, word)).min();
    let mut kinds = text.words.iter().map(best);
    kinds.try_fold(MatchKind::Exact, |worst, kind| Some(worst.max(kind?)))
}

fn word_kind(typed: &str, word: &str) -> Option<MatchKind> {
    if typed == word {
        return Some(MatchKind::Exact);
    }
    if word.starts_with(typed) {
        return Some(MatchKind::Prefix);
    }
    let near = typos::distance(typed, word, typos::allowed(typed)).is_some()
        || (typed.chars().count() >= BEGINNING_WITH_TYPO && typos::begins_nearly(word, typed));
    near.then_some(MatchKind::Fuzzy)
}
