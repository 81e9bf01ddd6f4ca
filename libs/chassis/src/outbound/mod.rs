//! Calls to addresses that somebody else chose: webhooks, documents of other providers, back-channel sign-out.
//!
//! Such an address must not lead back into the network that the service stands in (server-side request forgery, SB-32).
//! The name is resolved here, every address that it has is checked, and the connection goes to a checked address and to
//! no other: a name that means something else the next time (DNS rebinding) is checked again then. Connections are
//! not kept, redirects are not followed, no proxy is asked, and both time and answer are limited.

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

pub use crate::http::Network;
use crate::http_client::send_traced;
use crate::telemetry::PeerDisclosure;
pub use error::{OutboundError, Refusal};
pub use policy::Policy;
pub use public::is_public;
pub use resolve::{Resolver, SystemResolver};

use policy::Strictness;
use resolve::GuardedResolver;

/// Calls other people's addresses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbound {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolver>,
    timeout: Duration,
    /// Reaches public addresses, and allowed ones.
    open: reqwest::Client,
    /// Reaches allowed addresses only.
    allowed: reqwest::Client,
}

/// The head of an answer; its body is read on demand.
#[derive(Debug)]
pub struct OutboundResponse {
    /// The status; a redirect is an answer like any other.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: reqwest::Response,
}

impl Outbound {
    /// A caller that keeps to `policy` and gives up after `timeout`, which covers everything from the name to the end
    /// of the answer.
    ///
    /// # Errors
    /// When TLS cannot be set up.
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

    /// Whether `url` may be called now: how it is written, and every address that its name has at the moment. A later
    /// call checks again.
    ///
    /// # Errors
    /// What is wrong with it.
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

    /// Sends `body` with `headers` to `url` and waits for the head of the answer.
    ///
    /// # Errors
    /// [`OutboundError::Refused`] before anything is sent; otherwise why there is no answer.
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
    /// The body, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// [`OutboundError::TooLarge`], as soon as there is more; or why it did not come.
    pub async fn read(mut self, limit: usize) -> Result<Vec<u8>, OutboundError> {
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
    let resolver = Arc::new(resolver);
    let builder = || {
        reqwest::Client::builder()
            // SB-39: strangers receive these calls, and no version is any of their business.
            .user_agent("vestibule")
            .dns_resolver(Arc::clone(&resolver))
            .redirect(redirect::Policy::none())
            .no_proxy()
            // What the other side packs small cannot grow here.
            .no_gzip()
            // A kept connection would be used without looking at the name again.
            .pool_max_idle_per_host(0)
            .connect_timeout(timeout)
            .timeout(timeout)
            .tcp_nodelay(true)
    };
    // An image without any authority's certificate can still speak plain HTTP.
    builder().build().or_else(|error| {
        tracing::warn!(error.message = %error, "no certificate authorities here: calls over https will fail");
        builder().tls_certs_only([]).build()
    })
}
