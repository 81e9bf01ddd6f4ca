//! Guarded calls to addresses that others chose: webhooks, documents of other providers, back-channel logout.
//!
//! Such an address must not lead into the network of the service (server-side request forgery, SB-32). The name is resolved
//! here, each of its addresses is checked, and the connection goes to a checked address only: a name that resolves
//! differently the next time (DNS rebinding) is checked again. Connections are not reused, redirects are not followed, no
//! proxy is used, and both time and response size are limited.

mod error;
mod policy;
mod public;
mod resolve;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use reqwest::redirect;
use url::Url;

use crate::client_tls::trust_system;
use crate::http_client::send_traced;
use crate::telemetry::PeerDisclosure;
pub use error::{OutboundError, Refusal};
pub use policy::Policy;
pub use public::is_public;
pub use resolve::{Resolver, SystemResolver};

use policy::Strictness;
use resolve::GuardedResolver;

/// A client for addresses that others chose. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbound {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolver>,
    timeout: Duration,
    /// The client for public addresses and allowed networks.
    open: reqwest::Client,
    /// The client for allowed networks only.
    allowed: reqwest::Client,
}

/// A response. Its body is read on demand.
#[derive(Debug)]
pub struct OutboundResponse {
    /// The status; a redirect is a response like any other.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: reqwest::Response,
}

impl Outbound {
    /// A client with `policy` and `timeout`, which covers everything from the name resolution to the end of the response.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(
        policy: Policy,
        resolver: Arc<dyn Resolver>,
        timeout: Duration,
    ) -> Result<Self, reqwest::Error> {
        let policy = Arc::new(policy);
        let client = |strictness| client(GuardedResolver::new(&policy, &resolver, strictness), timeout);
        Ok(Self {
            open: client(Strictness::Public)?,
            allowed: client(Strictness::AllowedOnly)?,
            policy,
            resolver,
            timeout,
        })
    }

    /// Checks whether `url` may be called now: the URL itself, and every address that its name resolves to. A later call
    /// checks again.
    ///
    /// # Errors
    /// The reason why it may not be called.
    pub async fn check(&self, url: &Url) -> Result<(), OutboundError> {
        let strictness = self.policy.classify(url)?;
        let Some(url::Host::Domain(name)) = url.host() else {
            return Ok(());
        };
        let found = tokio::time::timeout(self.timeout, self.resolver.resolve(name))
            .await
            .map_err(|_| OutboundError::Timeout)?;
        let found = found.map_err(|_| OutboundError::Unresolved)?;
        self.policy.check_all(&found, strictness)?;
        Ok(())
    }

    /// Sends `body` with `headers` to `url` and waits for the head of the response.
    ///
    /// # Errors
    /// [`OutboundError::Refused`] before anything is sent; otherwise the reason why there is no response.
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<OutboundResponse, OutboundError> {
        let client = match self.policy.classify(url)? {
            Strictness::Public => &self.open,
            Strictness::AllowedOnly => &self.allowed,
        };
        let request = client
            .request(method, url.clone())
            .headers(headers)
            .body(body)
            .build()
            .map_err(OutboundError::from_client)?;
        let response = send_traced(client, request, PeerDisclosure::Nothing)
            .await
            .map_err(OutboundError::from_client)?;
        Ok(OutboundResponse {
            status: response.status(),
            headers: response.headers().clone(),
            body: response,
        })
    }
}

impl OutboundResponse {
    /// Reads the body, up to `limit` bytes.
    ///
    /// # Errors
    /// [`OutboundError::TooLarge`] as soon as there is more, or is announced to be; or the reason why reading failed.
    pub async fn read(mut self, limit: usize) -> Result<Vec<u8>, OutboundError> {
        let announced = self.body.content_length().unwrap_or_default();
        if usize::try_from(announced).map_or(true, |bytes| bytes > limit) {
            return Err(OutboundError::TooLarge { limit });
        }
        let mut read = Vec::new();
        while let Some(chunk) = self.body.chunk().await.map_err(OutboundError::from_client)? {
            if read.len() + chunk.len() > limit {
                return Err(OutboundError::TooLarge { limit });
            }
            read.extend_from_slice(&chunk);
        }
        Ok(read)
    }
}

fn client(resolver: GuardedResolver, timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        // SB-39: strangers receive these calls, so the version is not sent.
        .user_agent("vestibule")
        .dns_resolver(Arc::new(resolver))
        .redirect(redirect::Policy::none())
        .no_proxy()
        // Without decompression, a small response cannot become a large one.
        .no_gzip()
        // A reused connection would skip the check of the name.
        .pool_max_idle_per_host(0)
        .connect_timeout(timeout)
        .timeout(timeout)
        .tcp_nodelay(true);
    trust_system(builder).build()
}
