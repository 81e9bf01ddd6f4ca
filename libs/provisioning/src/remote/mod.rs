//! The client of a target's SCIM endpoint: one guarded HTTP call at a time (SB-32).

mod body;
mod budget;
mod error;
mod features;
mod resource;
mod resources;
mod token;

use std::time::Duration;

use chassis::outbound::{Outbound, OutboundError, OutboundResponse};
use chassis::secret::Token;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

pub(crate) use budget::AnswerBudget;
pub(crate) use error::RemoteError;
pub(crate) use features::Features;
pub(crate) use resource::{Kind, RemoteResource};
pub(crate) use resources::Page;
pub(crate) use token::TokenCache;

use crate::credentials::Credentials;
use body::Body;
use budget::Room;

/// The greatest size of an answer about one user, and of the list of the users that a search for one finds, in bytes.
const USER_BYTES: usize = 1024 * 1024;
/// The greatest size of an answer about a group, which may have many members, and of a page of a list.
pub(crate) const LARGE_BYTES: usize = 8 * 1024 * 1024;
/// The greatest size of an error, in bytes.
const SMALL_BYTES: usize = 64 * 1024;

/// A wait for room that takes no time away from an answer.
const SHORT: Duration = Duration::from_secs(1);

/// The SCIM endpoint of a target, and the credentials for it.
#[derive(Debug)]
pub(crate) struct Remote<'a> {
    pub(crate) outbound: &'a Outbound,
    pub(crate) base: Url,
    pub(crate) credentials: Credentials,
    pub(crate) tokens: &'a TokenCache,
    /// The budget of the process for what it reads.
    pub(crate) budget: &'a AnswerBudget,
    /// The target and the version of its credentials, by which tokens are cached.
    pub(crate) cached_by: (uuid::Uuid, i64),
}

/// A request that is not sent yet.
#[derive(Debug)]
struct Call<'a> {
    method: Method,
    /// The segments of the path below the base URL.
    path: Vec<&'a str>,
    query: Vec<(&'a str, String)>,
    body: Option<&'a Value>,
    if_match: Option<&'a str>,
    /// The greatest size of the answer; `None` to leave it unread.
    limit: Option<usize>,
}

impl<'a> Call<'a> {
    fn new(method: Method, path: Vec<&'a str>, limit: Option<usize>) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            if_match: None,
            limit,
        }
    }
}

/// A successful answer.
#[derive(Debug)]
struct Reply<B> {
    etag: Option<String>,
    location: Option<String>,
    body: B,
}

impl Remote<'_> {
    /// Sends a call. A token that the target refuses is replaced once.
    async fn send<B: Body>(&self, call: &Call<'_>) -> Result<Reply<B>, RemoteError> {
        let token = self.token().await?;
        match self.send_with(call, &token).await {
            Err(RemoteError::Unauthorized { .. }) if self.tokens.forget(self.cached_by, &token) => {
                let token = self.token().await?;
                self.send_with(call, &token).await
            }
            outcome => outcome,
        }
    }

    async fn send_with<B: Body>(&self, call: &Call<'_>, token: &Token) -> Result<Reply<B>, RemoteError> {
        let url = self.url(call)?;
        let headers = headers(call, token)?;
        let body = call.body.map(Value::to_string).unwrap_or_default();
        let answer = self
            .outbound
            .send(call.method.clone(), &url, headers, body.into_bytes())
            .await?;
        self.reply(answer, call.limit).await
    }

    /// Reads the body of an answer. Room for it is taken when its head is there: a target that does not answer holds none. It
    /// is to be held until the body is parsed.
    async fn read_body(
        &self,
        answer: OutboundResponse,
        limit: usize,
    ) -> Result<(Vec<u8>, Option<Room<'_>>), RemoteError> {
        let began = Instant::now();
        let (target, _) = self.cached_by;
        let bytes = greatest_size(&answer.headers, limit);
        let room = self.budget.reserve(target, bytes).await?;
        let waited = began.elapsed() >= SHORT;
        match answer.read(limit).await {
            // The time of the call ran while it waited for room, which is not the target's fault.
            Err(OutboundError::Timeout) if waited => Err(RemoteError::NoRoom),
            other => Ok((other?, room)),
        }
    }

    /// The reply that an answer is, or its error.
    async fn reply<B: Body>(
        &self,
        answer: OutboundResponse,
        limit: Option<usize>,
    ) -> Result<Reply<B>, RemoteError> {
        let text = |name| {
            let value = answer.headers.get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (status, headers) = (answer.status, answer.headers.clone());
        let (etag, location) = (text(ETAG), text(LOCATION));
        if !status.is_success() {
            // The status says enough when the rest cannot be read.
            let body = answer.read(SMALL_BYTES).await.unwrap_or_default();
            return Err(RemoteError::of_answer(status, &headers, &body));
        }
        let (body, _room) = match limit {
            Some(limit) => self.read_body(answer, limit).await?,
            // What was written is written, whatever the target says of it.
            None => (Vec::new(), None),
        };
        let body = match body.as_slice() {
            [] => B::default(),
            bytes => serde_json::from_slice(bytes)
                .map_err(|_| RemoteError::malformed(status, "the answer is no JSON object"))?,
        };
        Ok(Reply { etag, location, body })
    }

    fn url(&self, call: &Call<'_>) -> Result<Url, RemoteError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| RemoteError::own("the base URL cannot have a path"))?
            .pop_if_empty()
            .extend(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }
}

fn headers(call: &Call<'_>, token: &Token) -> Result<HeaderMap, RemoteError> {
    let mut headers = HeaderMap::new();
    let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| RemoteError::own("the token cannot be sent in a header"))?;
    authorization.set_sensitive(true);
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("application/scim+json, application/json"),
    );
    if call.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(scim::MEDIA_TYPE));
    }
    if let Some(etag) = call.if_match.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(IF_MATCH, etag);
    }
    Ok(headers)
}

/// The most bytes that an answer may have: what it announces, or else the limit.
fn greatest_size(headers: &HeaderMap, limit: usize) -> usize {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|digits| digits.parse().ok());
    announced.map_or(limit, |bytes: usize| bytes.min(limit))
}
