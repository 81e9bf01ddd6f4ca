//! The HTTP client with which the administrator's commands call the APIs of the services.

mod connection;
mod error;
mod retry;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use chassis::telemetry::error_text;
use contract::paths;
use std::time::{Duration, Instant};

use reqwest::header::{LINK, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use connection::Credential;
pub(crate) use connection::{Connection, ConnectionArgs, RemoteService, read_secret_file};
pub(crate) use error::ApiError;
pub(crate) use retry::{retry, retry_if};

use crate::error::{CommandError, ErrorCode};

/// Members of a client in an answer that are no metadata, beside its `client_id`.
pub(crate) const SET_BY_SERVER: [&str; 6] = [
    "client_secret",
    "created_at",
    "logo",
    "origin",
    "updated_at",
    "version",
];

/// Longer than the limits of the services, so that the response of the service is shown and not a timeout here.
const TIMEOUT: Duration = Duration::from_secs(35);
/// A token is renewed this long before it expires.
const RENEWAL_MARGIN: Duration = Duration::from_secs(30);

/// An HTTP client for both services with one credential.
pub(crate) struct ApiClient {
    http: Client,
    connection: Connection,
    /// The scopes, separated by spaces (RFC 6749 §3.3).
    scope: String,
    token: Mutex<Option<CachedToken>>,
}

struct CachedToken {
    token: SecretString,
    fresh_until: Instant,
}

/// The token response (RFC 6749 §5.1).
#[derive(Deserialize)]
struct TokenResponse {
    access_token: SecretString,
    #[serde(default)]
    expires_in: u64,
}

impl ApiClient {
    /// A client with a credential. Its tokens have exactly `scopes`, which are those that the command needs.
    ///
    /// # Errors
    /// When the services are not known, or this machine has no root certificates for https.
    pub(crate) fn new(args: &ConnectionArgs, scopes: &[&str]) -> Result<Self, CommandError> {
        Self::build(args.connection()?, scopes, TIMEOUT)
    }

    /// A client without a credential, for public endpoints.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn unauthenticated(args: &ConnectionArgs) -> Result<Self, CommandError> {
        Self::build(args.unauthenticated_connection()?, &[], TIMEOUT)
    }

    /// The same, which waits so long for each response.
    fn build(connection: Connection, scopes: &[&str], timeout: Duration) -> Result<Self, CommandError> {
        Ok(Self {
            http: http_client(&connection, timeout)?,
            connection,
            scope: scopes.join(" "),
            token: Mutex::new(None),
        })
    }

    /// Sends a request without a body.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub(crate) async fn call(
        &self,
        service: RemoteService,
        method: Method,
        path: &str,
    ) -> Result<Value, ApiError> {
        let request = self.request(service, method, path)?;
        self.send(service, request).await
    }

    /// Sends a GET request. Returns the response and the query of the next page, if `Link` names one (RFC 8288).
    ///
    /// # Errors
    /// See [`ApiError`].
    pub(crate) async fn call_linked(
        &self,
        service: RemoteService,
        path: &str,
    ) -> Result<(Value, Option<String>), ApiError> {
        let token = self.token().await?;
        let request = self.request(service, Method::GET, path)?;
        let response = request
            .bearer_auth(token.expose_secret())
            .send()
            .await
            .map_err(|error| ApiError::transport(service.name(), error))?;
        let link = response.headers().get(LINK);
        let next = link.and_then(|link| next_query(link.to_str().ok()?));
        Ok((read_response(service, response).await?, next))
    }

    /// Sends a request with a JSON body.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub(crate) async fn call_with(
        &self,
        service: RemoteService,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, ApiError> {
        let request = self.request(service, method, path)?.json(body);
        self.send(service, request).await
    }

    /// Builds a request to `path`, which may contain a query.
    pub(crate) fn request(
        &self,
        service: RemoteService,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, ApiError> {
        let base = self.connection.url(service)?.as_str().trim_end_matches('/');
        Ok(self.http.request(method, format!("{base}{path}")))
    }

    /// Sends a request with the credential. An empty response is `null`.
    pub(crate) async fn send(
        &self,
        service: RemoteService,
        request: RequestBuilder,
    ) -> Result<Value, ApiError> {
        let token = self.token().await?;
        let request = request.bearer_auth(token.expose_secret());
        let response = request
            .send()
            .await
            .map_err(|error| ApiError::transport(service.name(), error))?;
        read_response(service, response).await
    }

    /// An access token that does not expire soon.
    ///
    /// # Errors
    /// When `auth` cannot be reached or refuses the credential.
    pub(crate) async fn token(&self) -> Result<SecretString, ApiError> {
        let (id, secret) = match &self.connection.credential {
            Credential::Token(token) => return Ok(token.clone()),
            Credential::Client { id, secret } => (id, secret),
            Credential::None => return Err(ApiError::NoCredential),
        };
        let mut held = self.token.lock().await;
        if let Some(held) = &*held
            && held.fresh_until > Instant::now()
        {
            return Ok(held.token.clone());
        }
        let response = self
            .request(RemoteService::Auth, Method::POST, paths::auth::TOKEN)?
            .basic_auth(id, Some(secret.expose_secret()))
            .form(&[("grant_type", "client_credentials"), ("scope", &self.scope)])
            .send()
            .await
            .map_err(|error| ApiError::transport("auth", error))?;
        let answer: TokenResponse = read_response(RemoteService::Auth, response).await?;
        let life = Duration::from_secs(answer.expires_in).saturating_sub(RENEWAL_MARGIN);
        *held = Some(CachedToken {
            token: answer.access_token.clone(),
            fresh_until: Instant::now() + life,
        });
        Ok(answer.access_token)
    }

    /// The URL of a service, without a slash at the end; empty when it is not known.
    pub(crate) fn url(&self, service: RemoteService) -> &str {
        self.connection
            .url(service)
            .map_or("", |url| url.as_str().trim_end_matches('/'))
    }

    /// The client as which it fetches tokens, if it does.
    pub(crate) fn client_id(&self) -> Option<&str> {
        match &self.connection.credential {
            Credential::Client { id, .. } => Some(id),
            Credential::Token(_) | Credential::None => None,
        }
    }

    /// The URLs and the credential.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The HTTP client, for requests without the credential.
    pub(crate) fn http(&self) -> &Client {
        &self.http
    }
}

fn http_client(connection: &Connection, timeout: Duration) -> Result<Client, CommandError> {
    let urls: Vec<&Url> = [&connection.auth, &connection.users]
        .into_iter()
        .flatten()
        .collect();
    let mut builder = Client::builder()
        .timeout(timeout)
        .connect_timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")));
    if urls.iter().all(|url| chassis::http::is_loopback(url)) {
        // HTTP_PROXY is for the way out of this machine.
        builder = builder.no_proxy();
    }
    if urls.iter().all(|url| url.scheme() == "http") {
        // A container without certificates can still reach a service without TLS.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        CommandError::new(
            ErrorCode::Failed,
            format!("cannot make an HTTP client: {}", error_text(&error)),
        )
    })
}

/// The query of the URL in `<URL>; rel="next"`.
fn next_query(link: &str) -> Option<String> {
    let (url, parameters) = link.strip_prefix('<')?.split_once('>')?;
    let (_, query) = url.split_once('?')?;
    parameters.contains("rel=\"next\"").then(|| query.to_owned())
}

/// Reads the body of a successful response, or the error that the body describes.
pub(crate) async fn read_response<T: DeserializeOwned>(
    service: RemoteService,
    response: Response,
) -> Result<T, ApiError> {
    let service = service.name();
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after
        .and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let body = response
        .bytes()
        .await
        .map_err(|error| ApiError::transport(service, error))?;
    if !status.is_success() {
        return Err(ApiError::Refused {
            service,
            status,
            problem: serde_json::from_slice(&body).unwrap_or_default(),
            retry_after,
        });
    }
    let body = if body.is_empty() {
        b"null".as_slice()
    } else {
        &body
    };
    serde_json::from_slice(body).map_err(|error| ApiError::InvalidResponse {
        service,
        reason: error.to_string(),
    })
}

/// Percent-encodes one segment of a path, or one value of a query.
pub(crate) fn percent_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// A member of a JSON object as text; empty when it is missing or null.
pub(crate) fn text_at(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| text_at(item, "")).collect();
            items.join(" ")
        }
        Some(other) => other.to_string(),
    }
}
