//! Request objects that a client passes by reference, fetched from the `request_uris` of its registration (OpenID Connect Core §6.2,
//! RFC 9101 §5.2).
//!
//! Only addresses that are registered are called. Requests for one document share a fetch and its outcome for [`FRESH`], and each
//! source, each client, each host and all clients together have a number of fetches (SB-43): see [`SharedFetches`].

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::outbound::Outbound;
use chassis::shutdown::Shutdown;
use oidc::client::{RequestUri, WebUri};
use oidc::error::{ErrorCode, OAuthError};

use super::fetches::{self, Counters, FetchError, Limits, Outcome, SharedFetches, Wanted};
use super::model::Client;
use super::outbound::{ByOrigin, ClientOutbound};
use crate::throttle;

/// The largest request object in bytes.
const MAX_BYTES: usize = 12 * 1024;
/// The time for which a document, or the failure of its fetch, answers other requests for it. It is short, because a client may
/// publish a new document.
const FRESH: Duration = Duration::from_secs(3);

const MANAGED: Limits = Limits {
    documents: 1_000,
    usable: FRESH,
    pause: FRESH,
    at_a_time: 16,
    of_client: 4,
    of_source: 2,
    of_source_in_window: 60,
    of_host_in_window: u32::MAX,
};

/// The limits of request objects.
pub(super) const LIMITS: ByOrigin<Limits> = ByOrigin {
    managed: MANAGED,
    registered: Limits {
        of_host_in_window: 120,
        ..MANAGED
    },
};

/// Fetches request objects. It is cheap to clone, and the clones share their limits.
#[derive(Clone)]
pub struct RequestDocuments {
    clock: SharedClock,
    fetches: SharedFetches<Arc<str>>,
    /// The failures of each client, for the log.
    failures: ByOrigin<Arc<Mutex<Counters>>>,
}

/// `temporarily_unavailable` for the limits of this server, `invalid_request_uri` for everything that the address does.
fn to_oauth_error(error: &FetchError) -> OAuthError {
    match error {
        FetchError::Busy | FetchError::Recent | FetchError::Stopped => ErrorCode::TemporarilyUnavailable
            .because("the request object cannot be fetched at the moment: try again"),
        FetchError::Status(_) | FetchError::Malformed(_) | FetchError::Outbound(_) => {
            ErrorCode::InvalidRequestUri.because("the request object cannot be fetched from the request_uri")
        }
    }
}

impl RequestDocuments {
    /// Fetches through `outbound` by tasks of `shutdown`.
    pub fn new(outbound: ClientOutbound, clock: SharedClock, shutdown: Shutdown) -> Self {
        let parts = (outbound, Arc::clone(&clock), shutdown);
        Self {
            clock,
            fetches: SharedFetches::new(parts, "client_request_object", &LIMITS),
            failures: ByOrigin::default(),
        }
    }

    /// The request object at `uri`, which `client` is registered with, for a caller at `ip`.
    ///
    /// # Errors
    /// `invalid_request_uri`; `temporarily_unavailable` if too many are fetched.
    pub(super) async fn fetch(
        &self,
        client: &Client,
        uri: &RequestUri,
        ip: Option<IpAddr>,
    ) -> Result<Arc<str>, OAuthError> {
        let (url, source) = (uri.document(), throttle::subscriber(ip));
        let wanted = Wanted {
            client,
            url,
            fresh: FRESH,
            source: Some(&source),
        };
        let fetch = |outbound: Outbound| {
            let (documents, client, url) = (self.clone(), client.clone(), url.clone());
            async move {
                let outcome = read_object(&outbound, &url).await;
                if let Err(error) = &outcome {
                    documents.log(&client, &url, error);
                }
                outcome
            }
        };
        let outcome = self.fetches.get(&wanted, fetch).await;
        outcome.map_err(|error| {
            // The other failures are logged by the fetch, once for all who waited.
            if error == FetchError::Busy {
                self.log(client, url, &error);
            }
            to_oauth_error(&error)
        })
    }

    /// Logs a failure. Anybody can cause one, so each client has one line in a minute, with the number of failures since the last.
    fn log(&self, client: &Client, url: &WebUri, error: &FetchError) {
        let failures = self.failures.of(client.address_origin(url.as_str()));
        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = failures.count(client.id.as_str(), self.clock.now()) {
            tracing::warn!(client.id = client.id.as_str(), count, error.message = %error, "request objects of a client cannot be fetched");
        }
    }
}

async fn read_object(outbound: &Outbound, url: &WebUri) -> Outcome<Arc<str>> {
    let accept = "application/oauth-authz-req+jwt, application/jwt";
    let body = fetches::read(outbound, url.as_url(), accept, MAX_BYTES).await?;
    let text = String::from_utf8(body).map_err(|_| FetchError::Malformed("the answer is no text"))?;
    Ok(text.trim().into())
}
