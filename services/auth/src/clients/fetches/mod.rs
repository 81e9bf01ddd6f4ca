//! Documents at the addresses of clients, such as key sets and request objects: fetched once for all who ask for one at the same
//! time, and limited.
//!
//! The addresses are chosen by others, so the guarded client fetches (SB-32). A client and its addresses are public, so anybody can
//! cause a fetch. What is fetched from addresses that clients chose when they registered themselves uses up no limit of the others
//! (SB-43): each of the two has a [`Pool`]. A fetch that began is finished, also when the request that caused it is cancelled:
//! otherwise a stranger who hangs up could keep a key alive that the client has withdrawn.

mod counters;
mod pool;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::outbound::{Outbound, OutboundError};
use chassis::shutdown::Shutdown;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use oidc::client::WebUri;
use url::Url;

pub(super) use counters::{Counters, WINDOW};
pub(super) use pool::Limits;

use super::model::Client;
use super::outbound::{ByOrigin, ClientOutbound};
use pool::{Found, Key, Pool};

/// There is no document. The text is for the log: a caller must not learn what this server can reach.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    /// Too many documents are fetched or known.
    #[error("too many documents of clients are fetched at this moment")]
    Busy,
    /// The last fetch has just begun, and it is not known how it ended.
    #[error("the address was called a moment ago, without an outcome")]
    Recent,
    /// The answer has another status than 200.
    #[error("the answer was {0}")]
    Status(StatusCode),
    /// The answer is no document of the kind.
    #[error("{0}")]
    Malformed(&'static str),
    /// The call failed.
    #[error("{0}")]
    Outbound(String),
    /// The service stops.
    #[error("the service stops")]
    Stopped,
}

impl From<OutboundError> for FetchError {
    fn from(error: OutboundError) -> Self {
        Self::Outbound(error.to_string())
    }
}

/// A document, or the reason why it cannot be had.
pub(super) type Outcome<T> = Result<T, FetchError>;

/// The document that a request needs.
pub(super) struct Wanted<'a> {
    pub(super) client: &'a Client,
    /// The address, one of the metadata of the client.
    pub(super) url: &'a WebUri,
    /// The age up to which a document is used without a fetch.
    pub(super) fresh: Duration,
    /// The network of the caller, if the fetches of networks are limited.
    pub(super) source: Option<&'a str>,
}

/// The documents of one kind. It is cheap to clone, and the clones share documents and limits.
pub(super) struct SharedFetches<T> {
    outbound: ClientOutbound,
    clock: SharedClock,
    shutdown: Shutdown,
    /// The name of the tasks that fetch.
    task: &'static str,
    pools: ByOrigin<Arc<Mutex<Pool<T>>>>,
}

impl<T> Clone for SharedFetches<T> {
    fn clone(&self) -> Self {
        Self {
            outbound: self.outbound.clone(),
            clock: Arc::clone(&self.clock),
            shutdown: self.shutdown.clone(),
            task: self.task,
            pools: self.pools.clone(),
        }
    }
}

fn lock<T>(pool: &Mutex<Pool<T>>) -> MutexGuard<'_, Pool<T>> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone + Send + Sync + 'static> SharedFetches<T> {
    /// No documents. They are fetched through `outbound`, by tasks of `shutdown` of this name.
    pub(super) fn new(
        (outbound, clock, shutdown): (ClientOutbound, SharedClock, Shutdown),
        task: &'static str,
        limits: &ByOrigin<Limits>,
    ) -> Self {
        Self {
            outbound,
            clock,
            shutdown,
            task,
            pools: limits.map(|limits| Arc::new(Mutex::new(Pool::new(*limits)))),
        }
    }

    /// The ways out to addresses of clients.
    pub(super) fn outbound(&self) -> &ClientOutbound {
        &self.outbound
    }

    /// The document that is wanted. `fetch` is called with the way out to it, if it has to be fetched for this request.
    ///
    /// # Errors
    /// The reason why the document cannot be had.
    pub(super) async fn get<F>(&self, wanted: &Wanted<'_>, fetch: impl FnOnce(Outbound) -> F) -> Outcome<T>
    where
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let origin = wanted.client.address_origin(wanted.url.as_str());
        let pool = self.pools.of(origin);
        let key = Key {
            client_id: wanted.client.id.as_str().to_owned(),
            url: wanted.url.clone(),
        };
        let now = self.clock.now();
        let found = lock(pool).find(&key, wanted.fresh, wanted.source, now)?;
        let (mut pending, usable) = match found {
            Found::Known(document) => return Ok(document),
            Found::Shared(pending, usable) => (pending, usable),
            Found::New(sender, usable) => {
                let pending = sender.subscribe();
                let fetching = fetch(self.outbound.of(origin).clone());
                let pool = Arc::clone(pool);
                self.shutdown.spawn(self.task, async move {
                    let outcome = fetching.await;
                    lock(&pool).finish(&key, now, &outcome);
                    sender.send_replace(Some(outcome));
                });
                (pending, usable)
            }
        };
        let outcome = match pending.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(FetchError::Stopped)),
            Err(_) => Err(FetchError::Stopped),
        };
        outcome.or_else(|error| usable.ok_or(error))
    }
}

/// The body of the answer at `url`, of `limit` bytes at most.
///
/// # Errors
/// When the call fails, or the answer has another status than 200 or is longer.
pub(super) async fn read(
    outbound: &Outbound,
    url: &Url,
    accept: &'static str,
    limit: usize,
) -> Outcome<Vec<u8>> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
    let answer = outbound.send(Method::GET, url, headers, Vec::new()).await?;
    if answer.status != StatusCode::OK {
        return Err(FetchError::Status(answer.status));
    }
    Ok(answer.read(limit).await?)
}
