//! HTTP client for calls between services: bounded in time, without redirects, with trace propagation.

use std::time::Duration;

use ::http::HeaderValue;
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use url::Url;

use crate::client_tls::trust_system;
use crate::telemetry::{self, PeerDisclosure, TraceContext};

/// Timeouts of a call.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// The timeout of the connection.
    pub connect_timeout: Duration,
    /// The timeout of the whole call, until the response is complete.
    pub total_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            total_timeout: Duration::from_secs(10),
        }
    }
}

/// An HTTP client for calls between services. Cheap to clone; clones share the connection pool.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// A client that follows no redirects (an address from configuration is the address that is called) and reads
    /// no proxy from the environment.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(options: ClientOptions) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .timeout(options.total_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            // Below the server's own patience with idle connections, so that none is used while it closes.
            .pool_idle_timeout(Duration::from_secs(20));
        trust_system(builder).build().map(Self)
    }

    /// A call that carries the current trace context (`traceparent`).
    pub fn request(&self, method: Method, url: Url) -> Call {
        Call {
            request: self.0.request(method, url),
            template: None,
        }
    }

    /// [`HttpClient::request`] with GET.
    pub fn get(&self, url: Url) -> Call {
        self.request(Method::GET, url)
    }

    /// [`HttpClient::request`] with POST.
    pub fn post(&self, url: Url) -> Call {
        self.request(Method::POST, url)
    }
}

/// A call that is not sent yet.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Call {
    request: RequestBuilder,
    template: Option<&'static str>,
}

impl Call {
    /// Sets the `url.template` of the span: the constant part of the path, such as `/registrations`. Without it the span
    /// names only the service.
    pub fn template(self, template: &'static str) -> Self {
        Self {
            template: Some(template),
            ..self
        }
    }

    /// Overrides the client's timeout of the whole call.
    pub fn timeout(self, total: Duration) -> Self {
        self.with(|request| request.timeout(total))
    }

    /// Adds an access token.
    pub fn bearer_auth(self, token: &str) -> Self {
        self.with(|request| request.bearer_auth(token))
    }

    /// Adds a name and a password.
    pub fn basic_auth(self, name: &str, password: &str) -> Self {
        self.with(|request| request.basic_auth(name, Some(password)))
    }

    /// Sets a JSON body.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| request.json(body))
    }

    /// Sets a form body.
    pub fn form(self, fields: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| request.form(fields))
    }

    /// Sends the call and waits for the head of the response.
    ///
    /// # Errors
    /// The call cannot be sent, or no response comes in time.
    pub async fn send(self) -> Result<Response, reqwest::Error> {
        let (client, request) = self.request.build_split();
        send_traced(&client, request?, PeerDisclosure::Endpoint(self.template)).await
    }

    fn with(self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self {
            request: change(self.request),
            ..self
        }
    }
}

/// Sends `request` within a client span, and propagates its trace context.
pub(crate) async fn send_traced(
    client: &reqwest::Client,
    mut request: reqwest::Request,
    disclosure: PeerDisclosure,
) -> Result<Response, reqwest::Error> {
    let mut span = telemetry::call_span(request.method(), request.url(), disclosure);
    let trace = span
        .context()
        .or_else(TraceContext::current)
        .or_else(telemetry::unsampled_context);
    if let Some(trace) = trace.and_then(|trace| HeaderValue::try_from(trace.to_string()).ok()) {
        request.headers_mut().insert("traceparent", trace);
    }
    let answer = client.execute(request).await;
    match &answer {
        Ok(answer) => span.set_call_status(answer.status()),
        Err(error) => span.fail_call(error),
    }
    answer
}
