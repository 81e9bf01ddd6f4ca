//! The steps of a text search that pass over typos.

use std::collections::BTreeSet;

use chassis::db::{DbError, Reader};

use super::super::Users;
use super::super::values::range::{BOTTOM, TOP};
use super::super::values::words::{SEPARATOR, pair};
use super::matching::{BEGINNING_WITH_TYPO, MatchKind};
use super::query::longest_two;
use super::store::{self, KeyRange};
use super::{Findings, MOST_RESULTS, key_range, typos, word_range};

/// The most typos in a word.
pub(super) const MOST_TYPOS: usize = 2;

/// Words that one with a typo stands for at most.
const MAX_NEAR: usize = 20;

/// Words that are compared with one that has two typos, of those that begin as it does.
const MAX_COMPARED_WORDS: i64 = 2_000;

/// The letters at the beginning of a word in which two typos are not looked for.
const SURE_LETTERS: usize = 3;

/// The letters at the beginning of a word in which one of two typos is looked for.
const NEARLY_SURE_LETTERS: usize = 5;

/// A word in the index that is near to what was typed.
#[derive(Clone, Debug)]
pub(super) struct Near {
    text: String,
    /// True if words that begin with the text are near too.
    beginning: bool,
}

impl Users {
    /// Users whose words are those of the text with up to so many typos in each.
    pub(super) async fn near_words(
        &self,
        reader: &mut Reader,
        found: &mut Findings<'_>,
        most: usize,
    ) -> Result<(), DbError> {
        // Two typos are looked for when nobody is found with fewer: what they find is further away, and costs more.
        let enough = found.is_full() || (most == MOST_TYPOS && !found.users.is_empty());
        if enough || found.text.near.is_empty() {
            return Ok(());
        }
        let (longest, second) = longest_two(&found.text.near);
        let first = near(reader, found, longest, most).await?;
        let whole = first.iter().map(Near::range).collect::<Vec<_>>();
        let Some(second) = second else {
            return self.add_from(reader, found, MatchKind::Fuzzy, &whole).await;
        };
        let firsts = whole_words(reader, first).await?;
        let seconds = near(reader, found, second, most).await?;
        let pairs = firsts
            .iter()
            .flat_map(|first| seconds.iter().map(|second| second.range_after(first)));
        let pairs: Vec<KeyRange> = pairs.collect();
        self.add_from(reader, found, MatchKind::Fuzzy, &pairs).await?;
        if most < MOST_TYPOS || !found.users.is_empty() || seconds.is_empty() {
            return Ok(());
        }
        // The words do not stand side by side in a long name. Those who have one of them are compared, of the rarer word if too many
        // have the longer one, and in the end some of those.
        let others: Vec<KeyRange> = seconds.iter().map(Near::range).collect();
        let longer_are_few = !store::have_more(reader, &whole, MOST_RESULTS).await?;
        let holders = match longer_are_few || store::have_more(reader, &others, MOST_RESULTS).await? {
            true => whole,
            false => others,
        };
        self.add_from(reader, found, MatchKind::Fuzzy, &holders).await
    }
}

impl Near {
    /// The keys of users with such a word.
    fn range(&self) -> KeyRange {
        match self.beginning {
            true => key_range(self.text.clone(), TOP),
            false => word_range(&self.text, MatchKind::Exact),
        }
    }

    /// The keys of users with such a word beside `first`.
    fn range_after(&self, first: &str) -> KeyRange {
        let end = if self.beginning { TOP } else { BOTTOM };
        key_range(pair(first, &self.text), end)
    }
}

/// The words and beginnings in the index that are at most so many typos from a word, the nearest first.
async fn near(
    reader: &mut Reader,
    found: &mut Findings<'_>,
    word: &str,
    most: usize,
) -> Result<Vec<Near>, DbError> {
    let allowed = typos::allowed(word).min(most);
    let mut near = match found.one_typo.remove(word) {
        Some(known) => known,
        None => one_typo(reader, word, allowed).await?,
    };
    found.one_typo.insert(word.to_owned(), near.clone());
    if allowed >= 2 {
        let words = compared_words(reader, word).await?;
        let distant = words
            .into_iter()
            .filter(|it| typos::distance(word, it, allowed) == Some(2));
        near.extend(distant.map(|text| Near::whole(&text)));
    }
    near.truncate(MAX_NEAR);
    Ok(near)
}

/// The words and beginnings in the index that are a word, or one typo from it if one is allowed.
async fn one_typo(reader: &mut Reader, word: &str, allowed: usize) -> Result<Vec<Near>, DbError> {
    let mut tried = vec![Near::beginning(word)];
    if allowed >= 1 {
        let beginning = word.chars().count() >= BEGINNING_WITH_TYPO;
        let variants = typos::variants(word).into_iter();
        tried.extend(variants.map(|text| Near { text, beginning }));
    }
    let ranges: Vec<KeyRange> = tried.iter().map(Near::range).collect();
    let (mut words, mut beginnings) = (Vec::new(), Vec::new());
    for (at, first_key) in store::first_keys(reader, &ranges).await? {
        let Some(near) = usize::try_from(at).ok().and_then(|at| tried.get(at)) else {
            continue;
        };
        // Of the keys that begin with a text those of the whole word are the first.
        let rest = first_key.strip_prefix(&near.text);
        if rest.is_some_and(|rest| rest.starts_with(SEPARATOR)) {
            words.push(Near::whole(&near.text));
        }
        if near.beginning {
            beginnings.push(Near::beginning(&near.text));
        }
    }
    // A word with a typo is nearer than a longer one that begins with it, of which there are many.
    words.append(&mut beginnings);
    Ok(words)
}

impl Near {
    fn beginning(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            beginning: true,
        }
    }

    fn whole(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            beginning: false,
        }
    }
}

/// The words in the index that one with two typos may be: those with the same first letters, and those with more of them and one
/// typo there.
async fn compared_words(reader: &mut Reader, word: &str) -> Result<BTreeSet<String>, DbError> {
    let start = |letters: usize| word.chars().take(letters).collect::<String>();
    let mut anchors = vec![key_range(start(SURE_LETTERS), TOP)];
    let variants = typos::variants(&start(NEARLY_SURE_LETTERS)).into_iter();
    let variants: Vec<KeyRange> = variants.map(|variant| key_range(variant, TOP)).collect();
    let inhabited = store::first_keys(reader, &variants).await?;
    let variants = inhabited
        .into_iter()
        .filter_map(|(at, _)| variants.get(usize::try_from(at).ok()?));
    anchors.extend(variants.take(MAX_NEAR).cloned());
    let mut words = BTreeSet::new();
    for anchor in anchors {
        let missing = MAX_COMPARED_WORDS.saturating_sub(i64::try_from(words.len()).unwrap_or(i64::MAX));
        words.extend(store::words_in(reader, &anchor, missing).await?);
    }
    Ok(words)
}

/// The words that these stand for.
async fn whole_words(reader: &mut Reader, near: Vec<Near>) -> Result<Vec<String>, DbError> {
    let mut words = Vec::new();
    for near in near {
        let completions = match near.beginning {
            true => {
                store::words_in(reader, &near.range(), i64::try_from(MAX_NEAR).unwrap_or(i64::MAX)).await?
            }
            false => vec![near.text],
        };
        for word in completions {
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words.truncate(2 * MAX_NEAR);
    Ok(words)
}
