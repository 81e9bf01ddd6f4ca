//! Key sets of clients, fetched from their `jwks_uri` (RFC 7591 §2) and cached.
//!
//! What a stranger sends can cause one fetch for a client and an address in [`WINDOW`] at most, however often it comes: see
//! [`SharedFetches`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::outbound::Outbound;
use chassis::shutdown::Shutdown;
use oidc::client::WebUri;
use oidc::error::{ErrorCode, OAuthError};
use oidc::jose::{JwkSet, KeySet};
use url::Url;
use uuid::Uuid;

use super::fetches::{self, FetchError, Limits, Outcome, SharedFetches, WINDOW, Wanted};
use super::model::{Client, Origin};
use super::outbound::{ByOrigin, ClientOutbound};

/// The time after which a key set is fetched again before it is used.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// The largest key set in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// The most keys of a set.
const MAX_KEYS: usize = 100;
/// The most parsed sets of `jwks` in memory. A full cache is emptied.
const MAX_PARSED: usize = 1_000;

const MANAGED: Limits = Limits {
    documents: 2_000,
    // So long a key that was withdrawn may be good.
    usable: Duration::from_secs(3600),
    pause: WINDOW,
    at_a_time: 16,
    of_client: usize::MAX,
    of_source: usize::MAX,
    of_source_in_window: u32::MAX,
    of_host_in_window: u32::MAX,
};

/// The limits of key sets.
pub(super) const LIMITS: ByOrigin<Limits> = ByOrigin {
    managed: MANAGED,
    registered: Limits {
        at_a_time: 8,
        of_host_in_window: 30,
        ..MANAGED
    },
};

/// The age that a caller accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// A key set from the cache, if it is fresh.
    Cached,
    /// A key set that was fetched in the last [`WINDOW`], because the cached one lacks a key.
    Newest,
}

/// The key set of a client cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct KeySetError(#[from] FetchError);

impl From<KeySetError> for OAuthError {
    /// `temporarily_unavailable`, with the same sentence for every reason.
    fn from(_: KeySetError) -> Self {
        ErrorCode::TemporarilyUnavailable
            .because("the keys at the jwks_uri of the client cannot be read at the moment")
    }
}

type Parsed = Arc<Mutex<HashMap<(Uuid, i64), Arc<KeySet>>>>;

/// The key sets of clients. It is cheap to clone, and the clones share one cache.
#[derive(Clone)]
pub struct KeySets {
    fetches: SharedFetches<Arc<KeySet>>,
    /// The keys of the `jwks` of clients, parsed.
    parsed: Parsed,
}

impl KeySets {
    /// An empty cache, which is filled through `outbound` by tasks of `shutdown`.
    pub fn new(outbound: ClientOutbound, clock: SharedClock, shutdown: Shutdown) -> Self {
        Self {
            fetches: SharedFetches::new((outbound, clock, shutdown), "client_key_set", &LIMITS),
            parsed: Arc::default(),
        }
    }

    /// The keys of the `jwks` of `client` (RFC 7591 §2). They are parsed once for a version of the client: it is costly, and what
    /// anybody sends in the name of a client needs them.
    pub(super) fn of_jwks(&self, client: &Client) -> Arc<KeySet> {
        let key = (client.aggregate_id, client.version);
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = parsed.get(&key) {
            return Arc::clone(keys);
        }
        if parsed.len() >= MAX_PARSED {
            parsed.clear();
        }
        let jwks = client.metadata.jwks.as_ref();
        let keys = Arc::new(jwks.map(KeySet::from_jwks).unwrap_or_default());
        parsed.insert(key, Arc::clone(&keys));
        keys
    }

    /// The way out to addresses that a party of this origin chose.
    pub(super) fn outbound(&self, origin: Origin) -> &Outbound {
        self.fetches.outbound().of(origin)
    }

    /// True if the rules for outbound calls of clients that registered themselves allow `url`, and its host is found.
    pub(super) async fn can_call(&self, url: &str) -> bool {
        match Url::parse(url) {
            Ok(url) => self.outbound(Origin::Registration).check(&url).await.is_ok(),
            Err(_) => false,
        }
    }

    /// The key set at `url`, which `client` is registered with.
    pub(super) async fn get(
        &self,
        client: &Client,
        url: &WebUri,
        freshness: Freshness,
    ) -> Result<Arc<KeySet>, KeySetError> {
        let wanted = Wanted {
            client,
            url,
            fresh: match freshness {
                Freshness::Cached => FRESH,
                Freshness::Newest => Duration::ZERO,
            },
            source: None,
        };
        let fetch = |outbound: Outbound| {
            let (url, client) = (url.clone(), client.id.clone());
            async move {
                let outcome = read_key_set(&outbound, &url).await.map(Arc::new);
                count(client.as_str(), &outcome);
                outcome
            }
        };
        Ok(self.fetches.get(&wanted, fetch).await?)
    }
}

async fn read_key_set(outbound: &Outbound, url: &WebUri) -> Outcome<KeySet> {
    let accept = "application/jwk-set+json, application/json";
    let body = fetches::read(outbound, url.as_url(), accept, MAX_BYTES).await?;
    let mut set: JwkSet = serde_json::from_slice(&body)
        .map_err(|_| FetchError::Malformed("the answer is not a JSON Web Key Set"))?;
    set.keys.truncate(MAX_KEYS);
    Ok(KeySet::from_jwks(&set))
}

fn count(client_id: &str, outcome: &Outcome<Arc<KeySet>>) {
    let name = match outcome {
        Ok(_) => "fetched",
        Err(error) => {
            tracing::warn!(client.id = client_id, error.message = %error, "the key set of a client cannot be fetched");
            "failed"
        }
    };
    metrics::counter!("vestibule_client_key_set_fetches_total", "outcome" => name).increment(1);
}
