//! Keeping the deny-list fresh: `auth` is asked once a second.

use std::time::Duration;

use chassis::access::{RemoteKeys, ServiceTokens, TokenError};
use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError};
use chassis::http_client::HttpClient;
use chassis::shutdown::Shutdown;
use contract::paths::auth::REVOCATIONS;
use reqwest::StatusCode;
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::{FRESH_FOR, Revocations, Revoked, store};

/// The pause between two questions. With the answer it stays far below the five seconds that a list is fresh for.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// The pause while `auth` has not been heard yet: services that start together miss each other at first.
const ASK_AT_FIRST_EVERY: Duration = Duration::from_millis(200);
/// The longest time for an answer. An older one could no longer make the list fresh.
const PATIENCE: Duration = Duration::from_secs(4);
/// The number of fetches of the keys after they changed: another replica of `auth` may publish the old ones
/// for two seconds.
const FETCHES: u8 = 4;
/// The interval at which the table is pruned.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// The time for which an entry that was found in the table is kept in memory: no token lives longer.
pub(super) const MOST: Duration = Duration::from_secs(3600 + 90);

/// The dependencies of a [`Follower`].
#[derive(Clone)]
pub(crate) struct FollowerParts {
    /// The URL at which `auth` is reached.
    pub(crate) auth: Url,
    pub(crate) http: HttpClient,
    /// Tokens for `auth` with the scope `events:read`.
    pub(crate) tokens: ServiceTokens,
    /// The keys that tokens are verified with.
    pub(crate) keys: RemoteKeys,
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
}

/// Asks `auth` what was revoked.
pub(crate) struct Follower {
    parts: FollowerParts,
    list: Revocations,
    url: Url,
    since: Option<Timestamp>,
    /// Entries that could not be stored yet.
    unsaved: Vec<Revoked>,
    keep: Duration,
    loaded: bool,
    /// True if `auth` has ever served the list, to this process or to an earlier one; `None` while that is
    /// not known.
    list_exists: Option<bool>,
    began: Instant,
    pruned_at: Option<Instant>,
    is_away: bool,
    key_set: Option<String>,
    fetches_left: u8,
}

/// The answer of `GET /revocations`.
#[derive(Debug, Deserialize)]
struct RevocationList {
    as_of: Timestamp,
    keep_seconds: u64,
    key_set: String,
    grants: Vec<Uuid>,
    clients: Vec<Deleted>,
}

#[derive(Debug, Deserialize)]
struct Deleted {
    client_id: String,
    deleted_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("the authentication service cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    #[error("there is no access token to ask with")]
    Token(#[from] TokenError),
    #[error("the authentication service answered {0}")]
    Refused(StatusCode),
    /// An earlier release of `auth` has no list, but this `auth` had one.
    #[error("the authentication service answered 404, though it served the list before")]
    ListGone,
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Follower {
    /// Keeps `list` fresh.
    pub(crate) fn new(parts: FollowerParts, list: Revocations) -> Self {
        let mut url = parts.auth.clone();
        url.set_path(&format!("{}{REVOCATIONS}", url.path().trim_end_matches('/')));
        Self {
            parts,
            list,
            url,
            since: None,
            unsaved: Vec::new(),
            keep: MOST,
            loaded: false,
            list_exists: None,
            began: Instant::now(),
            pruned_at: None,
            is_away: false,
            key_set: None,
            fetches_left: 0,
        }
    }

    /// Asks until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        loop {
            let turn = self.run_once();
            let outcome = tokio::select! {
                outcome = turn => outcome,
                () = shutdown.cancelled() => return,
            };
            self.report(outcome);
            metrics::gauge!("vestibule_revocations_age_seconds").set(self.silent_for().as_secs_f64());
            let pause = self.list.age().map_or(ASK_AT_FIRST_EVERY, |_| ASK_EVERY);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Asks once and applies the answer: stores it, and only then counts the list as complete.
    ///
    /// # Errors
    /// When `auth` was not heard, and when what it said could not be stored: a start without `auth` would not know it.
    pub(super) async fn run_once(&mut self) -> Result<(), AskError> {
        self.load().await?;
        let asked_at = Instant::now();
        match self.ask().await? {
            Some(answer) => {
                self.note_key_set(&answer.key_set);
                self.add_revoked(answer);
                self.save().await?;
            }
            None if self.list_exists == Some(true) => return Err(AskError::ListGone),
            None => self.warn_without_list(),
        }
        // Everything revoked before the question is in the answer, which is older than `asked_at` in no case.
        self.list.complete(asked_at);
        if self.fetches_left > 0 && self.parts.keys.refetch().await {
            self.fetches_left -= 1;
        }
        Ok(())
    }

    /// Reads what was stored before this start, once.
    async fn load(&mut self) -> Result<(), AskError> {
        if self.loaded {
            return Ok(());
        }
        let now = self.parts.clock.now();
        let mut reader = self.parts.db.reader().await?;
        let stored = store::all(&mut reader, now).await?;
        if store::list_was_served(&mut reader).await? {
            self.list_exists = Some(true);
        }
        self.list.add(stored, MOST);
        self.loaded = true;
        Ok(())
    }

    /// Says once that this `auth` is of an earlier release, as it is for a while in a rolling upgrade.
    fn warn_without_list(&mut self) {
        if self.list_exists.replace(false).is_none() {
            tracing::warn!(
                "the authentication service has no list of revocations (404), as in an earlier release: until it is \
                 upgraded, tokens are honoured until they expire"
            );
        }
    }

    /// Has the keys fetched again when they are others than before.
    fn note_key_set(&mut self, key_set: &str) {
        let known = self.key_set.replace(key_set.to_owned());
        if known.is_some_and(|known| known != key_set) {
            self.fetches_left = FETCHES;
        }
    }

    /// The answer; nothing when there is no such list (404).
    async fn ask(&self) -> Result<Option<RevocationList>, AskError> {
        let mut url = self.url.clone();
        if let Some(since) = self.since {
            url.query_pairs_mut().append_pair("since", &since.to_string());
        }
        let token = self.parts.tokens.token().await?;
        let call = self.parts.http.get(url).template(REVOCATIONS);
        let response = call.timeout(PATIENCE).bearer_auth(token.expose()).send().await?;
        match response.status() {
            StatusCode::OK => Ok(Some(response.json().await?)),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => {
                self.parts.tokens.forget(&token).await;
                Err(AskError::Refused(StatusCode::UNAUTHORIZED))
            }
            status => Err(AskError::Refused(status)),
        }
    }

    /// Adds what `auth` named to the list in memory, and what is new in it to what has to be stored.
    fn add_revoked(&mut self, answer: RevocationList) {
        let is_whole = self.since.replace(answer.as_of).is_none();
        self.keep = Duration::from_secs(answer.keep_seconds);
        let grants = answer.grants.into_iter().map(Revoked::Grant);
        let clients = answer.clients.into_iter();
        let clients = clients.map(|client| Revoked::Client(client.client_id, client.deleted_at));
        let entries: Vec<Revoked> = grants.chain(clients).collect();
        let new = self.list.add(entries.clone(), self.keep);
        // At first all: the follower before this one, which failed, may have left entries in memory that it did not store.
        self.unsaved.extend(if is_whole { entries } else { new });
    }

    /// Stores what is new, and removes what is over now and then.
    async fn save(&mut self) -> Result<(), AskError> {
        let first = self.list_exists != Some(true);
        let prune = self.pruned_at.is_none_or(|at| at.elapsed() >= PRUNE_EVERY);
        if self.unsaved.is_empty() && !prune && !first {
            return Ok(());
        }
        let now = self.parts.clock.now();
        let mut tx = self.parts.db.begin("revocations").await?;
        if !self.unsaved.is_empty() {
            store::insert(&mut tx, &self.unsaved, now, now + self.keep).await?;
        }
        if first {
            store::note_list_served(&mut tx, now).await?;
        }
        if prune {
            store::prune(&mut tx, now).await?;
        }
        tx.commit().await?;
        self.unsaved.clear();
        self.list_exists = Some(true);
        if prune {
            self.pruned_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Says when `auth` goes away and when it is back; once each, and not for the first seconds of a start.
    fn report(&mut self, outcome: Result<(), AskError>) {
        match outcome {
            Ok(()) if self.is_away => {
                self.is_away = false;
                tracing::info!("the authentication service is heard again; privileged scopes are honoured");
            }
            Ok(()) => {}
            Err(error) if !self.is_away && self.silent_for() > FRESH_FOR => {
                self.is_away = true;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the authentication service is not heard; privileged scopes are refused until it is"
                );
            }
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the revocation list cannot be read"
                );
            }
        }
    }

    /// The time for which `auth` was not heard; before the first answer, since the start.
    fn silent_for(&self) -> Duration {
        self.list.age().unwrap_or_else(|| self.began.elapsed())
    }
}
