//! A made-up service with a feed.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::IntoResponse;
use chassis::access::{
    AccessToken, BoxFuture, FixedKeys, HasVerifier, IssuedToken, ServiceTokens, TokenError, TokenIssuer,
    Verifier,
};
use chassis::clock::Timestamp;
use chassis::db::{Db, DbError, Reader};
use chassis::http::Problem;
use chassis::http_client::{ClientOptions, HttpClient};
use chassis::secret::Token;
use chassis::shutdown::Shutdown;
use http::StatusCode;
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::{changed, clock, data, outbox};
use crate::feed::{Feed, FeedSource, FeedTransport, HasFeed};
use crate::outbox::Outbox;
use crate::relay::{Relay, RelayOptions};
use crate::snapshot::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use crate::transport::Transport;

pub(crate) const AUDIENCE: &str = "http://things.test";
/// The longest time for publishing.
const LONGEST: Duration = Duration::from_secs(60);
const ISSUER: &str = "http://auth.test";

/// A service with a feed, on a free port.
#[derive(Clone)]
pub struct Service {
    pub(crate) url: Url,
    /// The outbox that its events are written to.
    pub outbox: Outbox,
    pub(crate) feed: Feed,
    /// The states in its snapshot.
    pub states: Snapshots,
    pub(crate) verifier: Verifier,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) shutdown: Shutdown,
    /// A question of the feed that it fails to answer, once.
    pub fails_once: Arc<Mutex<Option<String>>>,
    /// True if every token that was accepted was revoked since.
    pub revoked: Arc<AtomicBool>,
}

impl HasFeed for Service {
    fn feed(&self) -> &Feed {
        &self.feed
    }
}

impl HasVerifier for Service {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn recheck<'a>(&'a self, _: &'a AccessToken) -> BoxFuture<'a, Result<(), Problem>> {
        let revoked = self.revoked.load(Ordering::Relaxed);
        Box::pin(async move {
            match revoked {
                true => Err(Problem::unauthorized(r#"Bearer error="invalid_token""#)),
                false => Ok(()),
            }
        })
    }
}

impl Service {
    /// One without a broker.
    pub async fn start(db: &Db) -> Self {
        Self::publishing(db, FeedTransport).await
    }

    /// One that publishes through `transport`, beside the feed.
    pub async fn publishing(db: &Db, transport: impl Transport) -> Self {
        let states = Snapshots::default();
        Self {
            states: states.clone(),
            ..Self::made_of(db, Arc::new(states), transport).await
        }
    }

    /// A service whose snapshot is `snapshot`.
    pub async fn telling(db: &Db, snapshot: Arc<dyn Snapshot>) -> Self {
        Self::made_of(db, snapshot, FeedTransport).await
    }

    async fn made_of(db: &Db, snapshot: Arc<dyn Snapshot>, transport: impl Transport) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let keys = KeySet::from_jwks(&JwkSet {
            keys: vec![key.public().clone()],
        });
        let verifier = Verifier::new(ISSUER, AUDIENCE, FixedKeys(Arc::new(keys)), clock());
        let (outbox, shutdown, states) = (outbox(), Shutdown::new(), Snapshots::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            url: format!("http://{}", listener.local_addr().unwrap())
                .parse()
                .unwrap(),
            outbox: outbox.clone(),
            feed: Feed::new(db.clone(), outbox.clone(), snapshot, shutdown.clone())
                .rechecking_every(Duration::from_millis(50)),
            states,
            verifier,
            key: Arc::new(key),
            shutdown: shutdown.clone(),
            fails_once: Arc::default(),
            revoked: Arc::default(),
        };
        let relay = Relay::new(db.clone(), outbox, transport, RelayOptions::default());
        shutdown.spawn("relay", relay.run(shutdown.clone()));
        let fails_once = Arc::clone(&service.fails_once);
        let failing = axum::middleware::from_fn(move |request: Request, next: Next| {
            let asked = request.uri().query().unwrap_or_default().to_owned();
            let fails = fails_once
                .lock()
                .unwrap()
                .take_if(|question| asked.contains(question.as_str()));
            async move {
                match fails {
                    Some(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                    None => next.run(request).await,
                }
            }
        });
        let app = crate::routes::<Self>()
            .into_router()
            .with_state(service.clone())
            .layer(failing);
        let closing = shutdown.clone();
        shutdown.spawn("server", async move {
            let serve =
                axum::serve(listener, app).with_graceful_shutdown(async move { closing.closing().await });
            serve.await.unwrap();
        });
        service
    }

    pub(crate) fn token(&self, scope: &str) -> Token {
        self.token_for(300, scope)
    }

    /// A token that expires in so many seconds.
    pub(crate) fn token_for(&self, seconds: i64, scope: &str) -> Token {
        let now = clock().now().as_secs();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "consumer", "client_id": "consumer", "scope": scope,
            "iat": now, "exp": now + seconds, "jti": Uuid::nil(),
        });
        Token::new(self.key.sign("at+jwt", &claims).unwrap())
    }

    /// The source with which a follower reads the feed.
    pub fn source(&self) -> FeedSource {
        let http = HttpClient::new(ClientOptions::default()).unwrap();
        let tokens = ServiceTokens::issued_by(Issuer(self.token("events:read")), clock());
        FeedSource::new(&self.url, http, tokens).unwrap()
    }

    /// Waits until so many events are published.
    pub async fn published(&self, count: i64) {
        let mut head = self.outbox.head().subscribe();
        let published = head.wait_for(|head| *head >= count);
        let published = tokio::time::timeout(LONGEST, published).await;
        assert!(published.is_ok(), "not {count} events were published");
    }

    /// Ends its tasks.
    pub async fn stop(self) {
        self.shutdown.finish(Duration::from_secs(20)).await.unwrap();
    }
}

pub(crate) struct Issuer(pub(crate) Token);

impl TokenIssuer for Issuer {
    fn issue(&self) -> Pin<Box<dyn Future<Output = Result<IssuedToken, TokenError>> + Send + '_>> {
        let expires_at = clock().now() + Duration::from_secs(300);
        let token = self.0.clone();
        Box::pin(async move { Ok(IssuedToken { token, expires_at }) })
    }
}

/// States by id, in pages of two.
#[derive(Clone, Default)]
pub struct Snapshots {
    /// The versions, by id.
    pub states: Arc<Mutex<BTreeMap<Uuid, i64>>>,
    /// The aggregate that changes right after the first page was read.
    pub(crate) meanwhile: Arc<Mutex<Option<(Db, Outbox, Uuid)>>>,
}

impl Snapshot for Snapshots {
    fn page<'a>(
        &'a self,
        _: &'a mut Reader,
        after: Option<&'a str>,
        _: i64,
    ) -> Pin<Box<dyn Future<Output = Result<SnapshotPage, DbError>> + Send + 'a>> {
        let after: Uuid = after.map_or(Uuid::nil(), |after| after.parse().unwrap());
        let states = self.states.lock().unwrap();
        let mut rest = states.iter().filter(|(id, _)| **id > after).peekable();
        let mut page = SnapshotPage::default();
        for (id, version) in rest.by_ref().take(2) {
            let state = State::new(*id, *version, Timestamp::from_secs(1), &data(*id, *version));
            page.states.push(state.unwrap());
        }
        page.next = rest
            .peek()
            .and(page.states.last())
            .map(|state| state.aggregate_id.to_string());
        let change = self.meanwhile.lock().unwrap().take();
        Box::pin(async {
            if let Some((db, outbox, id)) = change {
                changed(&db, &outbox, id).await;
            }
            Ok(page)
        })
    }

    fn versions<'a>(&'a self, _: &'a mut Reader, _: Span, _: i64) -> SnapshotFuture<'a, Vec<Version>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn states<'a>(&'a self, _: &'a mut Reader, _: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
