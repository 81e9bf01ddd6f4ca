use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use http_body_util::BodyExt;
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey, TYP_ACCESS_TOKEN};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::*;
use crate::clock::{Clock, ManualClock, SharedClock, Timestamp};
use crate::http::{Form, Json};
use crate::http_client::{ClientOptions, HttpClient};
use crate::secret::{SecretString, Token};
use crate::shutdown::Shutdown;

const ISSUER: &str = "https://auth.example";
const AUDIENCE: &str = "https://users.example";
const NOW: i64 = 1_700_000_000;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_secs(NOW)))
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": [AUDIENCE, "https://other.example"], "sub": "ann", "client_id": "web", "iat": NOW,
        "exp": NOW + 300, "jti": "j1", "scope": "openid users:read", "groups": ["staff"], "sid": "s1"
    })
}

fn changed(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

struct Setup {
    key: SigningKey,
    clock: Arc<ManualClock>,
    verifier: Verifier,
}

fn setup() -> Setup {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let set = JwkSet {
        keys: vec![key.public().clone()],
    };
    let clock = clock();
    let keys = FixedKeys(Arc::new(KeySet::from_jwks(&set)));
    let verifier = Verifier::new(ISSUER, AUDIENCE, keys, clock.clone());
    Setup { key, clock, verifier }
}

impl Setup {
    fn token(&self, claims: &Value) -> String {
        self.key.sign(TYP_ACCESS_TOKEN, claims).unwrap()
    }

    async fn get(&self, path: &str, authorization: Option<&str>) -> (StatusCode, String, Value) {
        let app = Router::new()
            .route("/any", get(async |token: Bearer| token.subject.clone()))
            .route(
                "/read",
                get(async |token: Scoped<UsersRead>| token.subject.clone()),
            )
            .route("/admin", get(async |_: Scoped<Admin>| "done"))
            .with_state(self.verifier.clone());
        let mut request = Request::get(path);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let challenge = response
            .headers()
            .get("www-authenticate")
            .map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (
            status,
            challenge.unwrap_or_default(),
            serde_json::from_slice(&bytes).unwrap_or_default(),
        )
    }
}

#[tokio::test]
async fn a_good_token_is_read_and_remembered_until_it_expires() {
    let setup = setup();
    let text = setup.token(&claims());
    let token = setup.verifier.verify(&text).await.unwrap();
    assert_eq!((token.subject.as_str(), token.client_id.as_str()), ("ann", "web"));
    assert_eq!(token.groups, ["staff"]);
    assert_eq!(token.session.as_deref(), Some("s1"));
    assert!(token.allows("users:read") && !token.allows("users"));
    assert!(!token.is_of_client());
    assert_eq!(setup.verifier.remembered(), 1);
    let again = setup.verifier.verify(&text).await.unwrap();
    assert!(Arc::ptr_eq(&token, &again), "not verified a second time");
    setup.clock.advance(Duration::from_secs(329));
    assert!(
        setup.verifier.verify(&text).await.is_ok(),
        "clocks may differ by 30 s"
    );
    setup.clock.advance(Duration::from_secs(1));
    assert!(
        setup.verifier.verify(&text).await.is_err(),
        "remembered is not forever"
    );
}

// SB-26
#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let setup = setup();
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("https://other.example")),
        ("exp", json!(NOW - 30)),
        ("nbf", json!(NOW + 31)),
        ("sub", Value::Null),
        ("client_id", Value::Null),
        ("jti", Value::Null),
        ("iat", Value::Null),
        ("scope", json!(["users:read"])),
    ] {
        let text = setup.token(&changed(name, value.clone()));
        assert!(setup.verifier.verify(&text).await.is_err(), "{name}: {value}");
    }
    let id_token = setup.key.sign("JWT", &claims()).unwrap();
    assert!(
        setup.verifier.verify(&id_token).await.is_err(),
        "an ID token is no access token"
    );
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    let forged = stranger.sign(TYP_ACCESS_TOKEN, &claims()).unwrap();
    assert!(setup.verifier.verify(&forged).await.is_err());
    let good = setup.token(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    assert!(setup.verifier.verify(&format!("{head}.")).await.is_err());
    let (_, other) = forged.rsplit_once('.').unwrap();
    assert_ne!(other, signature);
    assert!(setup.verifier.verify(&format!("{head}.{other}")).await.is_err());
    assert_eq!(setup.verifier.remembered(), 0, "nothing refused is remembered");
}

#[tokio::test]
async fn memory_is_bounded() {
    let cache = cache::Cache::new(320);
    let token = setup();
    let token = token.verifier.verify(&token.token(&claims())).await.unwrap();
    let until = Timestamp::from_secs(NOW + 300);
    for number in 0..10_000 {
        let hash = crate::secret::TokenHash::of(&format!("token {number}"));
        cache.put(hash.clone(), Arc::clone(&token), until, 1);
        assert!(
            cache.get(&hash, Timestamp::from_secs(NOW), 1).is_some(),
            "the newest is always there"
        );
        assert!(
            cache.get(&hash, Timestamp::from_secs(NOW), 2).is_none(),
            "other keys ask again"
        );
    }
    assert!(cache.len() <= 320, "{}", cache.len());
}

#[tokio::test]
async fn extractors_answer_as_rfc_6750_says() {
    let setup = setup();
    let good = format!("Bearer {}", setup.token(&claims()));
    assert_eq!(setup.get("/any", Some(&good)).await.0, 200);
    assert_eq!(
        setup
            .get("/read", Some(&good.replace("Bearer", "bearer")))
            .await
            .0,
        200
    );

    let (status, challenge, body) = setup.get("/any", None).await;
    assert_eq!((status.as_u16(), challenge.as_str()), (401, "Bearer"));
    assert_eq!(body["type"], "https://vestibule.dev/problems/unauthorized");

    let (status, challenge, body) = setup.get("/any", Some("Bearer nonsense")).await;
    assert_eq!(
        (status.as_u16(), challenge.as_str()),
        (401, r#"Bearer error="invalid_token""#)
    );
    assert_eq!(body["detail"], "the token is malformed.");

    let (status, challenge, body) = setup.get("/admin", Some(&good)).await;
    assert_eq!(
        (status.as_u16(), challenge.as_str()),
        (403, r#"Bearer error="insufficient_scope", scope="admin""#)
    );
    assert_eq!(body["scope"], "admin");

    for (value, expected) in [
        ("Basic YTpi", 401),
        ("Bearer", 400),
        ("Bearer ", 400),
        ("Bearer a b", 400),
    ] {
        assert_eq!(setup.get("/any", Some(value)).await.0, expected, "{value}");
    }
}

/// An `auth` with one key set, that counts how often it is asked.
struct Issuer {
    url: String,
    keys: Arc<std::sync::Mutex<JwkSet>>,
    asked: Arc<AtomicU64>,
    shutdown: Shutdown,
}

async fn issuer() -> Issuer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keys = Arc::new(std::sync::Mutex::new(JwkSet::default()));
    let asked = Arc::new(AtomicU64::new(0));
    let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/jwks") });
    let (served, counter) = (Arc::clone(&keys), Arc::clone(&asked));
    let app = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(async move || Json(discovery)),
        )
        .route(
            "/jwks",
            get(async move || {
                counter.fetch_add(1, Ordering::SeqCst);
                Json(served.lock().unwrap().clone())
            }),
        )
        .route(
            "/token",
            axum::routing::post(token_endpoint).with_state(Arc::clone(&asked)),
        );
    let shutdown = Shutdown::new();
    let ended = shutdown.clone();
    shutdown.spawn("issuer", async move {
        tokio::select! {
            _ = axum::serve(listener, app) => {}
            () = ended.cancelled() => {}
        }
    });
    Issuer {
        url,
        keys,
        asked,
        shutdown,
    }
}

async fn token_endpoint(
    State(asked): State<Arc<AtomicU64>>,
    headers: ::http::HeaderMap,
    Form(form): Form<std::collections::BTreeMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let number = asked.fetch_add(1, Ordering::SeqCst);
    // "users:p%w", with the secret encoded as RFC 6749 §2.3.1 asks.
    if headers["authorization"] != "Basic dXNlcnM6cCUyNXc=" || form["grant_type"] != "client_credentials" {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "error": "invalid_client" })),
        );
    }
    let token = format!("{} {} {number}", form["scope"], form["resource"]);
    (
        StatusCode::OK,
        Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300 })),
    )
}

fn http() -> HttpClient {
    HttpClient::new(ClientOptions::default()).unwrap()
}

// SB-37
#[tokio::test]
async fn keys_are_fetched_when_needed_and_kept_while_the_issuer_is_away() {
    let issuer = issuer().await;
    let clock = clock();
    let keys = RemoteKeys::new(issuer.url.clone(), http(), clock.clone());
    let verifier = Verifier::new(issuer.url.clone(), AUDIENCE, keys.clone(), clock.clone());
    let (first, second) = (
        SigningKey::generate(Algorithm::Es256).unwrap(),
        SigningKey::generate(Algorithm::Es256).unwrap(),
    );
    let token = |key: &SigningKey| {
        key.sign(TYP_ACCESS_TOKEN, &changed("iss", issuer.url.as_str()))
            .unwrap()
    };

    // An empty set is no answer.
    let refused = verifier.verify(&token(&first)).await;
    assert_eq!(refused.unwrap_err(), AccessError::Unavailable(KeysUnavailable));
    assert!(!keys.is_ready());

    clock.advance(Duration::from_secs(1));
    issuer.keys.lock().unwrap().keys.push(first.public().clone());
    assert!(verifier.verify(&token(&first)).await.is_ok());
    assert!(keys.is_ready());

    // A flood of tokens of unknown keys is no flood of requests.
    let asked = issuer.asked.load(Ordering::SeqCst);
    for _ in 0..20 {
        assert!(verifier.verify(&token(&second)).await.is_err());
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), asked);

    // A key that was published since is found.
    clock.advance(Duration::from_secs(6));
    issuer.keys.lock().unwrap().keys.push(second.public().clone());
    let fresh = token(&second);
    let (one, two) = tokio::join!(verifier.verify(&fresh), verifier.verify(&fresh));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(
        issuer.asked.load(Ordering::SeqCst),
        asked + 1,
        "asked once for both"
    );

    issuer.shutdown.finish(Duration::from_secs(5)).await.unwrap();
    clock.advance(Duration::from_secs(6));
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    assert!(matches!(
        verifier.verify(&token(&stranger)).await,
        Err(AccessError::Invalid(_))
    ));
    let another = first.sign(TYP_ACCESS_TOKEN, &{
        let mut claims = changed("iss", issuer.url.as_str());
        claims["jti"] = "j2".into();
        claims
    });
    assert!(verifier.verify(&another.unwrap()).await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_calls_itself_otherwise_is_not_believed() {
    let issuer = issuer().await;
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    issuer.keys.lock().unwrap().keys.push(key.public().clone());
    // The same server under another name.
    let other = issuer.url.replace("127.0.0.1", "localhost");
    let keys = RemoteKeys::new(other, http(), clock());
    assert_eq!(keys.refresh().await, Err(KeysUnavailable));
}

fn credentials(issuer: &Issuer, secret: &str) -> ClientCredentials {
    ClientCredentials {
        token_endpoint: format!("{}/token", issuer.url).parse().unwrap(),
        client_id: "users".to_owned(),
        client_secret: SecretString::from(secret),
        resource: AUDIENCE.to_owned(),
        scope: "events:read".to_owned(),
    }
}

#[tokio::test]
async fn a_service_token_is_fetched_once_and_renewed_in_time() {
    let issuer = issuer().await;
    let clock = clock();
    let tokens = ServiceTokens::client_credentials(credentials(&issuer, "p%w"), http(), clock.clone());
    let (one, two) = tokio::join!(tokens.token(), tokens.token());
    assert_eq!(one.unwrap().expose(), "events:read https://users.example 0");
    assert_eq!(two.unwrap().expose(), "events:read https://users.example 0");

    clock.advance(Duration::from_secs(241));
    let renewed = tokens.token().await.unwrap();
    assert!(renewed.expose().ends_with(" 1"));

    tokens.forget(&Token::new("another")).await;
    assert!(tokens.token().await.unwrap().expose().ends_with(" 1"));
    tokens.forget(&renewed).await;
    assert!(tokens.token().await.unwrap().expose().ends_with(" 2"));

    // The old one is used to its end while auth is away.
    issuer.shutdown.finish(Duration::from_secs(5)).await.unwrap();
    clock.advance(Duration::from_secs(290));
    assert!(tokens.token().await.unwrap().expose().ends_with(" 2"));
    clock.advance(Duration::from_secs(10));
    assert!(matches!(tokens.token().await, Err(TokenError::Unreachable(_))));
}

#[tokio::test]
async fn a_refused_secret_is_not_in_the_error() {
    let issuer = issuer().await;
    let shared: SharedClock = clock();
    let tokens = ServiceTokens::client_credentials(credentials(&issuer, "swordfish"), http(), shared);
    let error = tokens.token().await.unwrap_err();
    assert_eq!(error.to_string(), "the token endpoint refused: invalid_client");
    assert!(!format!("{error:?} {tokens:?}").contains("swordfish"));
    assert_eq!(clock().now(), Timestamp::from_secs(NOW));
}
