//! Calls to other services: bounded in time, never redirected, and part of the caller's trace.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use url::Url;

use crate::telemetry::TraceContext;

/// What a call may cost.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// Until the connection is there.
    pub connect: Duration,
    /// Until the whole answer has come.
    pub total: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            total: Duration::from_secs(10),
        }
    }
}

/// An HTTP client for calls between services. Cheap to clone; connections are kept and shared.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// A client that follows no redirects (an address from configuration is the address that is called) and reads
    /// no proxy from the environment.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(options: ClientOptions) -> Result<Self, reqwest::Error> {
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(options.connect)
                .timeout(options.total)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .tcp_nodelay(true)
                // Below the server's own patience with idle connections, so that none is used while it closes.
                .pool_idle_timeout(Duration::from_secs(20))
        };
        // An image without any authority's certificate can still speak plain HTTP.
        builder().build().or_else(|error| {
            tracing::warn!(error.message = %error, "no certificate authorities here: calls over https will fail");
            builder().tls_certs_only([]).build()
        }).map(Self)
    }

    /// A request that carries the trace of the work at hand (`traceparent`).
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.0.request(method, url);
        match TraceContext::current() {
            Some(trace) => request.header("traceparent", trace.to_string()),
            None => request,
        }
    }

    /// [`HttpClient::request`] with GET.
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// [`HttpClient::request`] with POST.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.request(Method::POST, url)
    }
}
