//! The world of these tests: ann, her sessions, and an application that gets logout tokens.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::shutdown::Shutdown;
use http::{HeaderMap, StatusCode};
use oidc::scope::Scope;
use serde_json::Value;
use testkit::TestDb;
use uuid::Uuid;

use crate::clients::ClientMetadata;
use crate::logout_delivery::Busy;
use crate::logouts;
use crate::sessions::Session;
use crate::testing::{self, PASSWORD, TestApp};
use crate::tokens::{Grant, NewCode};

/// Stands for an application that accepts connections and never answers.
pub(super) const NEVER: StatusCode = StatusCode::CONTINUE;

/// An application that takes logout tokens and answers with a status.
#[derive(Clone)]
pub(super) struct Application {
    pub(super) url: String,
    pub(super) status: Arc<Mutex<StatusCode>>,
    pub(super) received: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Application {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let application = Self {
            url: format!("http://{}/logout?from=vestibule", listener.local_addr().unwrap()),
            status: Arc::new(Mutex::new(StatusCode::NO_CONTENT)),
            received: Arc::default(),
        };
        let me = application.clone();
        let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            me.received.lock().unwrap().push((headers, body));
            let status = *me.status.lock().unwrap();
            async move {
                if status == NEVER {
                    std::future::pending::<()>().await;
                }
                status
            }
        });
        Shutdown::new().spawn("application", async move {
            axum::serve(listener, app).await.unwrap();
        });
        application
    }

    pub(super) fn answer(&self, status: StatusCode) {
        *self.status.lock().unwrap() = status;
    }

    /// The logout tokens that came.
    pub(super) fn tokens(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let token = |body: &String| body.strip_prefix("logout_token=").unwrap().to_owned();
        received.iter().map(|(_, body)| token(body)).collect()
    }
}

pub(super) struct World {
    pub(super) app: TestApp,
    pub(super) application: Application,
    pub(super) ann: Uuid,
}

impl World {
    pub(super) async fn new(db: &TestDb) -> Self {
        Self::with(db, &[("WEBHOOKS__ALLOW", "127.0.0.1/32")]).await
    }

    pub(super) async fn with(db: &TestDb, settings: &[(&str, &str)]) -> Self {
        let app = testing::app_set(db, settings).await;
        let ann = app.person("ann").await;
        let application = Application::start().await;
        let world = Self {
            app,
            application,
            ann,
        };
        let uri = Some(world.application.url.parse().unwrap());
        world
            .client("web", |client| client.backchannel_logout_uri = uri)
            .await;
        world.client("quiet", |_| {}).await;
        world
    }

    pub(super) async fn client(&self, id: &str, change: impl FnOnce(&mut ClientMetadata)) {
        let mut metadata = ClientMetadata {
            redirect_uris: vec!["https://app.example.org/cb".parse().unwrap()],
            ..ClientMetadata::default()
        };
        change(&mut metadata);
        let id = id.parse().unwrap();
        self.app.clients.create(Some(id), metadata).await.unwrap();
    }

    pub(super) async fn session(&self) -> Session {
        let who = self.app.sign_in("ann", PASSWORD).await.unwrap();
        self.app.start(&who).await.unwrap().session
    }

    /// Has a client take part in a session.
    pub(super) async fn visit(&self, session: &Session, client: &str) {
        let client = self.app.clients.find(client).await.unwrap().unwrap();
        let new = NewCode {
            client: &client,
            grant: Grant {
                subject: session.account_id,
                scope: "openid".parse::<Scope>().unwrap(),
                audiences: Vec::new(),
                session_id: Some(session.id),
                auth_time: session.auth_time,
                amr: Vec::new(),
                nonce: None,
                details: Default::default(),
                confirmation: oidc::dpop::Confirmation::default(),
            },
            redirect_uri: "https://app.example.org/cb".to_owned(),
            redirect_uri_sent: true,
            challenge: None,
            dpop_jkt: None,
            consent: None,
            code: None,
        };
        let mut tx = self.app.db.begin("test").await.unwrap();
        self.app.tokens.issue_code(&mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(super) async fn send(&self) -> usize {
        let claimed = self.app.logouts.claim_due(&Busy::default()).await.unwrap();
        let sent = claimed.iter().map(|row| self.app.logouts.deliver(row));
        for outcome in futures_util::future::join_all(sent).await {
            outcome.unwrap();
        }
        claimed.len()
    }

    /// Has so many sessions of a client end.
    pub(super) async fn ended(&self, client: &str, sessions: usize) {
        let now = chassis::clock::Clock::now(&*self.app.clock);
        let mut tx = self.app.db.begin("test").await.unwrap();
        for _ in 0..sessions {
            let session = self.app.random.uuid(&*self.app.clock);
            logouts::insert_delivery(&mut tx, session, client, self.ann, now)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
    }
}

pub(super) fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}
