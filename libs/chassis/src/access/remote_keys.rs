//! Signing keys of a remote issuer, fetched over HTTP and kept while the issuer is unavailable.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use oidc::jose::{JwkSet, KeySet};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::{BoxFuture, KeySource, KeysUnavailable};
use crate::backoff::Backoff;
use crate::clock::{SharedClock, Timestamp};
use crate::http_client::HttpClient;
use crate::shutdown::Shutdown;

/// The minimum interval between two fetches: a flood of forged tokens must not become a flood of requests.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(5);
/// The interval of the periodic fetch. It is short enough, because keys are published long before they sign.
const REFRESH_INTERVAL: Duration = Duration::from_secs(300);
/// The interval of fetches while there are no keys.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// Consecutive failures that are not logged while there are no keys: services that start together miss each other at
/// first.
const TOLERATED_FAILURES: u32 = 4;
/// The maximum size of a key set.
const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// The key set at the `jwks_uri` of an issuer (OpenID Connect Discovery §3). Cheap to clone.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Inner>);

struct Inner {
    issuer: String,
    /// The URL at which the issuer is reached, without a slash at the end.
    base_url: String,
    http: HttpClient,
    clock: SharedClock,
    fetched: ArcSwap<FetchedKeys>,
    fetching: Mutex<()>,
    fetched_at: AtomicI64,
    backoff: std::sync::Mutex<Backoff>,
}

struct FetchedKeys {
    keys: Arc<KeySet>,
    document: JwkSet,
    generation: u64,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: Url,
}

/// The keys could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the issuer cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error("the issuer's answer is too long")]
    TooLarge,
    #[error("the issuer's answer is not the expected JSON")]
    Json(#[from] serde_json::Error),
    #[error("the issuer calls itself {0}")]
    Issuer(String),
    #[error("the address of the issuer is not a URL")]
    Url(#[from] url::ParseError),
    #[error("the key set has no usable key")]
    Empty,
}

impl RemoteKeys {
    /// The keys of `issuer`, which are not fetched yet.
    pub fn new(issuer: impl Into<String>, http: HttpClient, clock: SharedClock) -> Self {
        let issuer = issuer.into();
        Self::reached_at(issuer.clone(), issuer, http, clock)
    }

    /// The keys of `issuer`, which is reached at another URL of an internal network. Its metadata must still name `issuer`.
    pub fn reached_at(
        issuer: impl Into<String>,
        base_url: impl Into<String>,
        http: HttpClient,
        clock: SharedClock,
    ) -> Self {
        let issuer = issuer.into();
        Self(Arc::new(Inner {
            backoff: std::sync::Mutex::new(Backoff::new(format!(
                "cannot fetch the signing keys of {issuer}"
            ))),
            issuer,
            base_url: base_url.into().trim_end_matches('/').to_owned(),
            http,
            clock,
            fetched: ArcSwap::from_pointee(FetchedKeys {
                keys: Arc::default(),
                document: JwkSet::default(),
                generation: 0,
            }),
            fetching: Mutex::new(()),
            fetched_at: AtomicI64::new(i64::MIN),
        }))
    }

    /// Fetches the keys now, then periodically, until `shutdown`. The current keys stay while the issuer is unavailable.
    pub async fn run(self, shutdown: Shutdown) {
        loop {
            let has_keys = self
                .fetch_unless_newer_than(Timestamp::from_micros(i64::MAX))
                .await;
            let pause = if has_keys {
                REFRESH_INTERVAL
            } else {
                RETRY_INTERVAL
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Fetches the keys at once, because the issuer is known to have others. Returns whether it succeeded.
    pub async fn refetch(&self) -> bool {
        let _turn = self.0.fetching.lock().await;
        self.fetch_now().await
    }

    /// True if any keys are known.
    pub fn is_ready(&self) -> bool {
        !self.0.fetched.load().keys.is_empty()
    }

    /// Fetches the keys, unless they were fetched after `since`. Concurrent calls share one request. Returns whether any keys
    /// are known afterwards.
    async fn fetch_unless_newer_than(&self, since: Timestamp) -> bool {
        let _turn = self.0.fetching.lock().await;
        let (fetched_at, now) = (self.0.fetched_at.load(Ordering::Acquire), self.0.clock.now());
        // A fetch in the future happened before the clock went back.
        if fetched_at < since.as_micros() || fetched_at > now.as_micros() {
            self.fetch_now().await;
        }
        self.is_ready()
    }

    async fn fetch_now(&self) -> bool {
        self.0
            .fetched_at
            .store(self.0.clock.now().as_micros(), Ordering::Release);
        match self.fetch().await {
            Ok(document) => {
                self.store_keys(document);
                true
            }
            Err(error) => {
                self.count_failure(&error);
                false
            }
        }
    }

    /// Records a failure. While there are no keys, fetches repeat twice a second, and the failure is logged once.
    fn count_failure(&self, error: &FetchError) {
        let mut backoff = self.0.backoff.lock().unwrap_or_else(PoisonError::into_inner);
        backoff.tolerate(if self.is_ready() { 0 } else { TOLERATED_FAILURES });
        backoff.failed(error);
    }

    async fn fetch(&self) -> Result<JwkSet, FetchError> {
        let well_known = format!("{}/.well-known/openid-configuration", self.0.base_url);
        let discovery: Discovery = self.get(Url::parse(&well_known)?).await?;
        // OpenID Connect Discovery §4.3: otherwise the keys of another issuer would be trusted.
        if discovery.issuer != self.0.issuer {
            return Err(FetchError::Issuer(discovery.issuer));
        }
        let document: JwkSet = self.get(self.internal_url(discovery.jwks_uri)?).await?;
        if KeySet::from_jwks(&document).is_empty() {
            return Err(FetchError::Empty);
        }
        Ok(document)
    }

    /// Maps a URL of the issuer to the URL at which the issuer is reached.
    fn internal_url(&self, url: Url) -> Result<Url, url::ParseError> {
        let path = url
            .as_str()
            .strip_prefix(self.0.issuer.trim_end_matches('/'))
            .filter(|path| path.starts_with('/'));
        match path {
            Some(path) => Url::parse(&format!("{}{path}", self.0.base_url)),
            None => Ok(url),
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: Url) -> Result<T, FetchError> {
        let mut response = self.0.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_KEY_SET_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&body)?)
    }

    fn store_keys(&self, document: JwkSet) {
        self.0
            .backoff
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .succeeded();
        let known = self.0.fetched.load();
        if known.document == document {
            return;
        }
        tracing::info!(
            "signing keys of {} fetched: {}",
            self.0.issuer,
            document.keys.len()
        );
        self.0.fetched.store(Arc::new(FetchedKeys {
            keys: Arc::new(KeySet::from_jwks(&document)),
            document,
            generation: known.generation + 1,
        }));
    }
}

impl KeySource for RemoteKeys {
    fn keys(&self) -> (Arc<KeySet>, u64) {
        let known = self.0.fetched.load();
        (Arc::clone(&known.keys), known.generation)
    }

    fn refresh(&self) -> BoxFuture<'_, Result<(), KeysUnavailable>> {
        Box::pin(async {
            let now = self.0.clock.now();
            let pause = if self.is_ready() {
                MIN_FETCH_INTERVAL
            } else {
                RETRY_INTERVAL
            };
            let mut known = self.fetch_unless_newer_than(now - pause).await;
            if !known {
                // Services that start together miss each other at first, and half a second later they do not: a
                // request that comes in between is worth the wait.
                tokio::time::sleep(RETRY_INTERVAL).await;
                known = self.fetch_unless_newer_than(now).await;
            }
            known.then_some(()).ok_or(KeysUnavailable)
        })
    }
}
