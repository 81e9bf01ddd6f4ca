//! Searches of users by what an administrator types: words of a name in any order, a user name, an address, an id, or the beginning
//! of one, with a typo or two (ADR 0038).
//!
//! The steps of a search follow each other from exact matches to those with two typos. Each proposes users from an index, at most
//! [`MOST_RESULTS`], and [`matching`] decides. A search ends with the step that fills its page, so every page is part of the same
//! sequence.

mod findings;
mod matching;
mod near;
mod query;
mod store;
#[cfg(test)]
mod tests;
mod typos;

use std::collections::HashSet;

use chassis::db::{DbError, Reader};
use contract::{UserId, UserState};

use super::values::range::{BOTTOM, Range, TOP};
use super::values::words::{AFTER_SEPARATOR, SEPARATOR, WORDS, domain_key, pair};
use super::{SearchError, Users, values};
use crate::authority::{Authority, Right};
use findings::Findings;
pub(crate) use matching::MatchKind;
pub(crate) use query::SearchText;
use query::{longest_first, longest_two};
use store::KeyRange;

/// Results of a search at most. Who would look at more types another word.
pub(crate) const MOST_RESULTS: usize = 500;

/// Users that are read by one statement at least, and at most when those before did not match.
const MIN_CHUNK: usize = 20;
const MAX_CHUNK: usize = 160;

/// The ids that a step reads at first, for each result that is wanted. Most steps fill the page with them.
const FIRST_IDS: usize = 3;

/// Words that one beginning stands for in a search of several words.
const MAX_COMPLETIONS: i64 = 50;

/// A part of the results.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The number of results before it.
    pub(crate) after: usize,
    /// The maximum number of its results.
    pub(crate) limit: usize,
}

/// The results of a part, the best first.
#[derive(Debug, Default)]
pub(crate) struct TextResults {
    pub(crate) users: Vec<(UserState, MatchKind)>,
    /// True if there are results after these.
    pub(crate) more: bool,
}

impl Users {
    /// Finds users by a text, among those whom the caller may see. Those of a delegated administrator are compared one by one. When
    /// they are too many for that, the steps propose users of the whole directory, and a search may need a longer text.
    ///
    /// # Errors
    /// [`SearchError::IndexIncomplete`], [`SearchError::Db`].
    pub(crate) async fn search_text(
        &self,
        text: &SearchText,
        part: Part,
        authority: &Authority,
    ) -> Result<TextResults, SearchError> {
        if !self.complete_values().await? || self.indexed.is_filling(WORDS) {
            return Err(SearchError::IndexIncomplete);
        }
        let end = part.after.saturating_add(part.limit).min(MOST_RESULTS);
        let mut found = Findings::new(text, authority, end.saturating_add(1));
        let mut reader = self.db.reader().await?;
        let delegated = match authority.limits() {
            Some(delegated) => {
                let is_wanted = |state: &UserState| matching::kind(text, state).is_some();
                self.all_delegated(&mut reader, (authority, delegated), is_wanted)
                    .await?
            }
            None => None,
        };
        match delegated {
            Some(all) => found.users = compared(text, all),
            None => self.run_steps(&mut reader, &mut found).await?,
        }
        let more = found.users.len() > end && end < MOST_RESULTS;
        let users = found.users.into_iter().take(end).skip(part.after).collect();
        Ok(TextResults { users, more })
    }

    async fn run_steps(&self, reader: &mut Reader, found: &mut Findings<'_>) -> Result<(), DbError> {
        self.identifiers(reader, found, MatchKind::Exact).await?;
        self.words(reader, found, MatchKind::Exact).await?;
        self.identifiers(reader, found, MatchKind::Prefix).await?;
        self.words(reader, found, MatchKind::Prefix).await?;
        self.domains(reader, found).await?;
        self.near_words(reader, found, 1).await?;
        self.near_words(reader, found, near::MOST_TYPOS).await
    }

    /// Users whose name, address or id is the text, or begins with it.
    async fn identifiers(
        &self,
        reader: &mut Reader,
        found: &mut Findings<'_>,
        kind: MatchKind,
    ) -> Result<(), DbError> {
        let Some(identifier) = found.text.identifier.as_deref().filter(|_| !found.is_full()) else {
            return Ok(());
        };
        let end = match kind {
            MatchKind::Exact => BOTTOM,
            _ => TOP,
        };
        let ids = found
            .text
            .ids
            .filter(|(first, last)| (first == last) == (kind == MatchKind::Exact));
        for attribute in ["userName", "emails.value"] {
            let range = Range::of_keys(attribute, identifier.to_owned(), format!("{identifier}{end}"));
            let ids = values::ids(reader, &range, limit()).await?;
            self.add(reader, found, kind, ids).await?;
        }
        if let Some(span) = ids.filter(|_| !found.is_full()) {
            let ids = store::ids_between(reader, span, limit()).await?;
            self.add(reader, found, kind, ids).await?;
        }
        Ok(())
    }

    /// Users who have every word of the text, or a word that begins with each.
    async fn words(
        &self,
        reader: &mut Reader,
        found: &mut Findings<'_>,
        kind: MatchKind,
    ) -> Result<(), DbError> {
        if found.is_full() {
            return Ok(());
        }
        let known: Vec<KeyRange> = found
            .text
            .words
            .iter()
            .map(|word| word_range(word, kind))
            .collect();
        if store::first_keys(reader, &known).await?.len() < known.len() {
            return Ok(());
        }
        let (longest, second) = longest_two(&found.text.words);
        let Some(second) = second else {
            return self.add_from(reader, found, kind, &known).await;
        };
        let pairs: Vec<KeyRange> = match kind {
            MatchKind::Exact => vec![key_range(pair(longest, second), BOTTOM)],
            _ => {
                let completions =
                    store::words_in(reader, &word_range(longest, kind), MAX_COMPLETIONS).await?;
                let pairs = completions.iter().map(|word| key_range(pair(word, second), TOP));
                pairs.collect()
            }
        };
        let before = found.users.len();
        self.add_from(reader, found, kind, &pairs).await?;
        if found.users.len() > before {
            return Ok(());
        }
        // The words are not those of a name, or do not stand side by side in a long one. So those who have one of them are compared,
        // unless too many have each.
        for word in longest_first(&found.text.words) {
            let holders = [word_range(word, kind)];
            if !store::have_more(reader, &holders, MOST_RESULTS).await? {
                return self.add_from(reader, found, kind, &holders).await;
            }
        }
        Ok(())
    }

    /// Users with an address in a domain, or with a part of an address around its `@`.
    async fn domains(&self, reader: &mut Reader, found: &mut Findings<'_>) -> Result<(), DbError> {
        let Some(identifier) = found.text.identifier.as_deref() else {
            return Ok(());
        };
        let range = match identifier.split_once('@') {
            Some(("", domain)) => key_range(domain_key(domain), TOP),
            None => key_range(domain_key(identifier), TOP),
            Some(_) => match found.text.near.last() {
                Some(word) => word_range(word, MatchKind::Exact),
                None => return Ok(()),
            },
        };
        self.add_from(reader, found, MatchKind::Prefix, &[range]).await
    }

    /// Adds the users with a key in one of the ranges.
    async fn add_from(
        &self,
        reader: &mut Reader,
        found: &mut Findings<'_>,
        kind: MatchKind,
        ranges: &[KeyRange],
    ) -> Result<(), DbError> {
        let mut proposed: HashSet<UserId> = HashSet::new();
        let first =
            i64::try_from(found.wanted.saturating_mul(FIRST_IDS)).map_or(limit(), |first| first.min(limit()));
        for most in [first, limit()] {
            if found.is_full() {
                return Ok(());
            }
            let mut ids = store::users_in(reader, ranges, most).await?;
            let are_all = most == limit() || i64::try_from(ids.len()).is_ok_and(|count| count < most);
            ids.retain(|id| !proposed.contains(id));
            proposed.extend(&ids);
            self.add(reader, found, kind, ids).await?;
            if are_all {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Adds those of the users who match, by this kind or a better one, until there are enough.
    async fn add(
        &self,
        reader: &mut Reader,
        found: &mut Findings<'_>,
        kind: MatchKind,
        ids: Vec<UserId>,
    ) -> Result<(), DbError> {
        let mut new = HashSet::new();
        let ids: Vec<UserId> = ids
            .into_iter()
            .filter(|id| found.is_open(*id) && new.insert(*id))
            .collect();
        let mut rest = ids.as_slice();
        let mut least = MIN_CHUNK;
        while !found.is_full() && !rest.is_empty() {
            let before = found.users.len();
            let missing = found.wanted.saturating_sub(before);
            let (chunk, after) = rest.split_at(missing.max(least).min(rest.len()));
            rest = after;
            let authority = found.authority;
            for state in self.states(reader, chunk).await? {
                found.add(state, kind, |state| {
                    self.rights(authority, state).has(Right::Read)
                });
            }
            if found.users.len() == before {
                least = MAX_CHUNK.min(least.saturating_mul(2));
            }
        }
        Ok(())
    }
}

/// Those of some users who match, the best first.
fn compared(text: &SearchText, users: Vec<UserState>) -> Vec<(UserState, MatchKind)> {
    let kinds = users
        .into_iter()
        .filter_map(|state| matching::kind(text, &state).map(|kind| (state, kind)));
    let mut found: Vec<_> = kinds.collect();
    found.sort_by(|(one, one_kind), (other, other_kind)| {
        one_kind
            .cmp(other_kind)
            .then_with(|| one.user_name.key().cmp(other.user_name.key()))
    });
    found
}

/// The most ids that a step reads.
fn limit() -> i64 {
    i64::try_from(MOST_RESULTS).map_or(i64::MAX, |most| most.saturating_add(1))
}

/// The keys that begin with a word, or with a beginning of one.
fn word_range(word: &str, kind: MatchKind) -> KeyRange {
    match kind {
        MatchKind::Exact => (format!("{word}{SEPARATOR}"), format!("{word}{AFTER_SEPARATOR}")),
        _ => key_range(word.to_owned(), TOP),
    }
}

/// The keys from one up to those that have `end` behind it.
fn key_range(from: String, end: char) -> KeyRange {
    let below = format!("{from}{end}");
    (from, below)
}
