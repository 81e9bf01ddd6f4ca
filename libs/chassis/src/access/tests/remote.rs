//! Tests of remote keys and service tokens against an issuer over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::http::StatusCode;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use oidc::jose::{Algorithm, JwkSet, SigningKey, TYP_ACCESS_TOKEN};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::*;
use super::{AUDIENCE, NOW, changed, clock};
use crate::clock::{Clock, SharedClock, Timestamp};
use crate::http::{Form, Json};
use crate::http_client::{ClientOptions, HttpClient};
use crate::secret::{SecretString, Token};
use crate::shutdown::Shutdown;

/// An `auth` with one key set, that counts how often it is asked.
struct Issuer {
    url: String,
    keys: Arc<std::sync::Mutex<JwkSet>>,
    asked: Arc<AtomicU64>,
    shutdown: Shutdown,
}

async fn issuer() -> Issuer {
    issuer_called(None).await
}

/// An issuer that calls itself `name`, or by its address.
async fn issuer_called(name: Option<&str>) -> Issuer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let called = name.unwrap_or(&url);
    let keys = Arc::new(std::sync::Mutex::new(JwkSet::default()));
    let asked = Arc::new(AtomicU64::new(0));
    let discovery = json!({ "issuer": called, "jwks_uri": format!("{called}/jwks") });
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

#[tokio::test]
async fn an_issuer_can_be_asked_at_an_address_inside() {
    let name = "https://login.example.org";
    let issuer = issuer_called(Some(name)).await;
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    issuer.keys.lock().unwrap().keys.push(key.public().clone());
    let keys = RemoteKeys::reached_at(name, format!("{}/", issuer.url), http(), clock());
    assert_eq!(keys.refresh().await, Ok(()));
    // The server there still has to call itself by the name that is expected.
    let keys = RemoteKeys::reached_at("https://login.example.com", issuer.url.clone(), http(), clock());
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

/// Counts its tokens, each good for 40 s.
struct ShortLived(Arc<AtomicU64>, SharedClock);

impl TokenIssuer for ShortLived {
    fn issue(&self) -> BoxFuture<'_, Result<IssuedToken, TokenError>> {
        Box::pin(async {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            Ok(IssuedToken {
                token: Token::new(number.to_string()),
                expires_at: self.1.now() + Duration::from_secs(40),
            })
        })
    }
}

#[tokio::test]
async fn a_short_lived_token_is_not_fetched_for_every_call() {
    let (clock, made) = (clock(), Arc::new(AtomicU64::new(0)));
    let tokens = ServiceTokens::issued_by(ShortLived(Arc::clone(&made), clock.clone()), clock.clone());
    for _ in 0..3 {
        assert_eq!(tokens.token().await.unwrap().expose(), "0");
        clock.advance(Duration::from_secs(9));
    }
    clock.advance(Duration::from_secs(3));
    assert_eq!(tokens.token().await.unwrap().expose(), "1");
    assert_eq!(made.load(Ordering::SeqCst), 2);
}

// SB-50
#[tokio::test]
async fn a_service_token_is_used_for_no_longer_because_the_clock_went_back() {
    let (clock, made) = (clock(), Arc::new(AtomicU64::new(0)));
    let tokens = ServiceTokens::issued_by(ShortLived(Arc::clone(&made), clock.clone()), clock.clone());
    assert_eq!(tokens.token().await.unwrap().expose(), "0");
    clock.set(clock.now() - Duration::from_secs(2 * 86_400));
    assert_eq!(tokens.token().await.unwrap().expose(), "1");
    assert_eq!(
        tokens.token().await.unwrap().expose(),
        "1",
        "and that one is kept"
    );
}
