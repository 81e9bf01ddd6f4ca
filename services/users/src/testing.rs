//! A small world for tests: the service without its ports, people with tokens, events that arrive.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use chassis::access::{FixedKeys, Verifier};
use chassis::clock::{ManualClock, SharedClock, Timestamp};
use chassis::config::LimitsConfig;
use chassis::db::Db;
use chassis::http::{PublicScheme, standard_layers};
use chassis::on_engine;
use chassis::random::{SharedRandom, SystemRandom};
use chassis::shutdown::Shutdown;
use contract::Envelope;
use contract::{EventContext, EventData, RegistrationRequested};
use events::feed::Feed;
use events::operations::Operations;
use events::transport::TransportKind;
use events::{Handler, Outbox};
use http::{HeaderMap, Request, StatusCode};
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey, TYP_ACCESS_TOKEN};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;
use uuid::Uuid;
use webhooks::{Webhooks, WebhooksConfig};

use crate::app::{App, ScimBase, SharedApp};
use crate::config::ScimConfig;
use crate::directory::{DirectorySnapshot, Restore};
use crate::groups::{self, Groups};
use crate::namespace::ADMINISTRATORS;
use crate::registrations::{AuthEventHandler, Registrations};
use crate::revocations::Revocations;
use crate::token_checks::TokenChecks;
use crate::user_created_waiters::UserCreatedWaiters;
use crate::users::{DesiredState, Rules, Users};

const ISSUER: &str = "http://auth.example";
const AUDIENCE: &str = "http://users.example";
const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());

/// The service on `db`. Requests for unknown people wait until somebody arrives.
pub(crate) fn app(db: &Db) -> SharedApp {
    app_with(
        db,
        UserCreatedWaiters::new(Duration::from_secs(60), Duration::from_secs(60)),
    )
}

/// The service on `db`, with a patience of the test's own.
pub(crate) fn app_with(db: &Db, user_created_waiters: UserCreatedWaiters) -> SharedApp {
    app_of(db, user_created_waiters, &ScimConfig::default())
}

/// The service on `db`, with attributes of the test's own.
pub(crate) fn app_with_attributes(db: &Db, scim: &ScimConfig) -> SharedApp {
    let patience = Duration::from_secs(60);
    app_of(db, UserCreatedWaiters::new(patience, patience), scim)
}

fn app_of(db: &Db, user_created_waiters: UserCreatedWaiters, scim: &ScimConfig) -> SharedApp {
    let registry = Arc::new(scim.registry().unwrap());
    let clock: SharedClock = Arc::new(ManualClock::new(NOW));
    let random: SharedRandom = Arc::new(SystemRandom::default());
    let keys = JwkSet {
        keys: vec![KEY.public().clone()],
    };
    let keys = FixedKeys(Arc::new(KeySet::from_jwks(&keys)));
    let outbox = Outbox::new(AUDIENCE, clock.clone(), Arc::clone(&random));
    let revocations = heard();
    let users = Users::new(
        db.clone(),
        (clock.clone(), Arc::clone(&random)),
        outbox.clone(),
        Rules {
            reserved_names: crate::config::UserNamesConfig::default().reserved().unwrap(),
            registry: Arc::clone(&registry),
        },
        user_created_waiters.clone(),
    );
    let groups = Groups::new(db.clone(), (clock.clone(), random), outbox.clone(), users.clone());
    SharedApp::new(App {
        webhooks: Webhooks::new(webhooks::Parts {
            db: db.clone(),
            outbox: outbox.clone(),
            service: "users",
            cipher: None,
            outbound: WebhooksConfig::default().outbound().unwrap(),
            config: WebhooksConfig::default(),
            retention: Duration::from_secs(1),
        }),
        db: db.clone(),
        feed: Feed::new(
            db.clone(),
            outbox.clone(),
            Arc::new(DirectorySnapshot),
            Shutdown::new(),
        ),
        operations: Operations::new(db.clone(), outbox.clone(), "users", TransportKind::Feed),
        verifier: Verifier::new(ISSUER, AUDIENCE, keys, clock.clone()),
        registrations: Registrations::new(db.clone(), clock.clone(), outbox.clone(), users.clone()),
        token_checks: TokenChecks::new(db.clone(), revocations.clone(), "vestibule-auth".to_owned()),
        restore: Restore::new(db.clone(), users.clone(), groups.clone()),
        scim_base: ScimBase::of(AUDIENCE),
        registry,
        cursor_key: scim::cursor::CursorKey::derive(b"a test"),
        user_created_waiters,
        outbox,
        clock,
        users,
        groups,
        revocations,
    })
}

/// A list of revocations that stays fresh for as long as any test takes.
fn heard() -> Revocations {
    let list = Revocations::with_patience(Duration::from_millis(20));
    list.complete(Instant::now() + Duration::from_secs(3600));
    list
}

/// Makes a person one of those who administer.
pub(crate) async fn make_administrator(app: &SharedApp, id: Uuid) {
    let mut tx = app.db.begin("test").await.unwrap();
    let group = groups::find_by_name(&mut tx, ADMINISTRATORS).await.unwrap();
    groups::add_member(&mut tx, group.unwrap(), id, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// A person to be, of whom nothing but the name is said.
pub(crate) fn desired_user(name: &str) -> DesiredState {
    DesiredState {
        user_name: name.parse().unwrap(),
        name: Default::default(),
        emails: Vec::new(),
        locale: None,
        zoneinfo: None,
        active: None,
        attributes: Default::default(),
    }
}

/// A registration as `auth` sends it.
pub(crate) fn requested(id: u128, name: &str) -> RegistrationRequested {
    RegistrationRequested {
        id: Uuid::from_u128(id),
        user_name: name.parse().unwrap(),
        email: Some(format!("{}@example.com", name.to_lowercase()).parse().unwrap()),
        name: None,
        locale: None,
        groups: Vec::new(),
        version: 1,
        requested_at: NOW,
    }
}

/// An event of `auth`.
pub(crate) fn envelope<T: EventData>(subject: Uuid, data: &T) -> Envelope {
    let random: SharedRandom = Arc::new(SystemRandom::default());
    let context = EventContext {
        id: random.uuid(&ManualClock::new(NOW)),
        source: ISSUER,
        kind: T::TYPE,
        subject,
        sequence: 1,
        time: NOW,
    };
    Envelope::new(context, serde_json::value::to_raw_value(data).unwrap())
}

/// Applies an event as the inbox does when it sees the event for the first time.
pub(crate) async fn apply(app: &SharedApp, event: &Envelope) {
    let mut tx = app.db.begin("test").await.unwrap();
    let handler = AuthEventHandler {
        registrations: app.registrations.clone(),
        users: app.users.clone(),
    };
    handler.apply(&mut tx, event).await.unwrap();
    tx.commit().await.unwrap();
}

/// Types and sequences of the events of a person, in order.
pub(crate) async fn events_of(db: &Db, id: Uuid) -> Vec<(String, i64)> {
    const EVENTS: &str = "SELECT type, sequence FROM outbox WHERE aggregate_id = $1 ORDER BY sequence";
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_as(EVENTS).bind(id).fetch_all(c).await.unwrap())
}

/// A token of `subject`, issued to `client`.
pub(crate) fn token(subject: &str, client: &str, scope: &str) -> String {
    token_for(AUDIENCE, subject, client, scope)
}

/// A token for another audience.
pub(crate) fn token_for(audience: &str, subject: &str, client: &str, scope: &str) -> String {
    signed(json!({ "aud": audience, "sub": subject, "client_id": client, "scope": scope }))
}

/// A token of a person that stems from a grant.
pub(crate) fn token_of_grant(grant: Uuid, person: Uuid, scope: &str) -> String {
    signed(json!({ "aud": AUDIENCE, "sub": person, "client_id": "cli", "scope": scope, "gid": grant }))
}

fn signed(mut claims: Value) -> String {
    let now = NOW.as_secs();
    claims["iss"] = json!(ISSUER);
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + 300);
    claims["jti"] = json!("1");
    KEY.sign(TYP_ACCESS_TOKEN, &claims).unwrap()
}

/// A token that a person got by signing in.
pub(crate) fn persons_token(id: Uuid) -> String {
    token(&id.to_string(), "a-web-application", "openid profile")
}

/// A token that an application got for itself.
pub(crate) fn clients_token(client: &str, scope: &str) -> String {
    token(client, client, scope)
}

/// Somebody with, or without, a token, talking to the service.
#[derive(Clone)]
pub(crate) struct Caller {
    router: Router,
    token: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl TestResponse {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The field that a problem names first.
    pub(crate) fn field(&self) -> &str {
        self.body["errors"][0]["field"].as_str().unwrap_or_default()
    }
}

impl Caller {
    /// Somebody without a token.
    pub(crate) fn anonymous(app: &SharedApp) -> Self {
        app.user_created_waiters.run(&Shutdown::new());
        let router = standard_layers(
            crate::routes::router(app.clone()),
            &LimitsConfig::default(),
            PublicScheme::Http,
        );
        Self { router, token: None }
    }

    /// Somebody with a token.
    pub(crate) fn with(app: &SharedApp, token: String) -> Self {
        Self {
            token: Some(token),
            ..Self::anonymous(app)
        }
    }

    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        self.send("GET", path, &[], Body::empty()).await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> TestResponse {
        self.json_if(method, path, body, "*").await
    }

    /// With `If-Match`.
    pub(crate) async fn json_if(&self, method: &str, path: &str, body: &Value, tag: &str) -> TestResponse {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        self.send(method, path, &headers, Body::from(body.to_string()))
            .await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> TestResponse {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        TestResponse {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }
}
