//! The follower's side of the feed.

use std::time::Duration;

use chassis::access::{ServiceTokens, TokenError};
use chassis::http_client::HttpClient;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::routes::LAST_POSITION;
use contract::Envelope;

/// The time that an answer may take beyond the asked-for wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// The feed of another service.
#[derive(Clone, Debug)]
pub struct FeedSource {
    url: Url,
    http: HttpClient,
    tokens: ServiceTokens,
}

/// The reason why the feed could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// No answer, or one that cannot be read.
    #[error("the feed cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// No token to ask with.
    #[error("there is no access token for the feed")]
    Token(#[from] TokenError),
    /// The answer is an error.
    #[error("the feed answered {0}")]
    Refused(StatusCode),
    /// The position asked for is not in the feed: begin with a snapshot.
    #[error("the feed begins at position {oldest}")]
    Gone {
        /// The oldest event that is there.
        oldest: i64,
    },
    /// The URL of the service cannot have a path.
    #[error("the URL of the feed is not an http URL")]
    Url,
}

/// A part of a snapshot, as it travels.
#[derive(Clone, Debug, Deserialize)]
pub struct SnapshotBatch {
    /// The last position published before this part was read. Who has read all parts goes on from that of the first.
    pub position: i64,
    /// The cursor of the next part; nothing after the last.
    #[serde(default)]
    pub next: Option<String>,
    /// The states, as events.
    pub events: Vec<Envelope>,
}

/// The result of a question for events.
#[derive(Debug)]
pub(crate) struct News {
    /// The last position that the service has published, if it says so.
    pub(crate) last: Option<i64>,
    pub(crate) events: Vec<Envelope>,
}

#[derive(Deserialize)]
struct Gone {
    oldest: i64,
}

impl FeedSource {
    /// The feed of the service whose public URL is `service`, read with `tokens` for that service.
    ///
    /// # Errors
    /// When the URL cannot have a path.
    pub fn new(service: &Url, http: HttpClient, tokens: ServiceTokens) -> Result<Self, FeedError> {
        let mut url = service.clone();
        url.path_segments_mut()
            .map_err(|()| FeedError::Url)?
            .pop_if_empty()
            .push("events");
        Ok(Self { url, http, tokens })
    }

    /// At most `limit` events after position `after`; none if there was no news within `wait`.
    ///
    /// # Errors
    /// [`FeedError::Gone`] when the feed does not reach back to `after`.
    pub async fn events(&self, after: i64, limit: i64, wait: Duration) -> Result<Vec<Envelope>, FeedError> {
        Ok(self.news(after, limit, wait).await?.events)
    }

    /// As [`Self::events`], with the last position that the service has published.
    pub(crate) async fn news(&self, after: i64, limit: i64, wait: Duration) -> Result<News, FeedError> {
        let mut url = self.url.clone();
        // Rounded up: an event that is due in half a second is due after the request.
        let seconds = wait.as_millis().div_ceil(1000).to_string();
        url.query_pairs_mut()
            .append_pair("after", &after.to_string())
            .append_pair("limit", &limit.to_string())
            .append_pair("wait", &seconds);
        let response = self.send(url, wait + PATIENCE).await?;
        let last = response.headers().get(LAST_POSITION);
        let last = last.and_then(|last| last.to_str().ok()?.parse().ok());
        Ok(News {
            last,
            events: read(response).await?,
        })
    }

    /// A part of the snapshot: the first, or the one that `after` names.
    ///
    /// # Errors
    /// When there is no token for the feed, the feed cannot be reached, or it answers with an error.
    pub async fn snapshot(&self, after: Option<&str>) -> Result<SnapshotBatch, FeedError> {
        let mut url = self.below("snapshot")?;
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", after);
        }
        self.ask(url, PATIENCE * 3).await
    }

    /// The URL of a resource below `/events`.
    pub(crate) fn below(&self, name: &str) -> Result<Url, FeedError> {
        let mut url = self.url.clone();
        url.path_segments_mut().map_err(|()| FeedError::Url)?.push(name);
        Ok(url)
    }

    /// The JSON body of `GET url`, which may take so long.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, url: Url, timeout: Duration) -> Result<T, FeedError> {
        read(self.send(url, timeout).await?).await
    }

    /// The answer, if it is a success.
    async fn send(&self, url: Url, timeout: Duration) -> Result<Response, FeedError> {
        let token = self.tokens.token().await?;
        let request = self.http.get(url).timeout(timeout).bearer_auth(token.expose());
        let response = request.send().await.map_err(FeedError::Unreachable)?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::GONE => {
                let gone: Gone = response.json().await.map_err(FeedError::Unreachable)?;
                Err(FeedError::Gone { oldest: gone.oldest })
            }
            StatusCode::UNAUTHORIZED => {
                self.tokens.forget(&token).await;
                Err(FeedError::Refused(StatusCode::UNAUTHORIZED))
            }
            status => Err(FeedError::Refused(status)),
        }
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, FeedError> {
    // Not `json()`: raw JSON can only be kept from text that is at hand.
    let body = response.bytes().await.map_err(FeedError::Unreachable)?;
    serde_json::from_slice(&body).map_err(|error| {
        tracing::warn!(%error, "the feed returned events that cannot be parsed");
        FeedError::Refused(StatusCode::BAD_GATEWAY)
    })
}
