//! The users that a text search has found so far.

use std::collections::{HashMap, HashSet};

use contract::{UserId, UserState};

use super::matching::{self, MatchKind};
use super::near::Near;
use super::query::SearchText;
use crate::authority::Authority;

/// The users that a search has found so far.
pub(super) struct Findings<'a> {
    pub(super) text: &'a SearchText,
    pub(super) authority: &'a Authority,
    pub(super) wanted: usize,
    seen: HashSet<UserId>,
    /// Users who do not match by any kind, so that no later step reads them again.
    unfit: HashSet<UserId>,
    /// The words in the index that are at most one typo from one of the text, by that one.
    pub(super) one_typo: HashMap<String, Vec<Near>>,
    pub(super) users: Vec<(UserState, MatchKind)>,
}

impl<'a> Findings<'a> {
    /// Nobody yet, of as many as are wanted.
    pub(super) fn new(text: &'a SearchText, authority: &'a Authority, wanted: usize) -> Self {
        Self {
            text,
            authority,
            wanted,
            seen: HashSet::new(),
            unfit: HashSet::new(),
            one_typo: HashMap::new(),
            users: Vec::new(),
        }
    }

    /// True unless a user is among those found, or known not to match.
    pub(super) fn is_open(&self, id: UserId) -> bool {
        !self.seen.contains(&id) && !self.unfit.contains(&id)
    }

    pub(super) fn is_full(&self) -> bool {
        self.users.len() >= self.wanted
    }

    /// Adds a user who matches by this kind or a better one, and may be seen.
    pub(super) fn add(
        &mut self,
        state: UserState,
        kind: MatchKind,
        is_readable: impl Fn(&UserState) -> bool,
    ) {
        match matching::kind(self.text, &state) {
            None => {
                self.unfit.insert(state.id);
            }
            Some(is) if is <= kind && !self.is_full() && is_readable(&state) => {
                self.seen.insert(state.id);
                self.users.push((state, is));
            }
            Some(_) => {}
        }
    }
}
