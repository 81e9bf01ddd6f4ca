//! Tests of offline token verification and of the permission extractors.

mod possession;
mod remote;

use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http_body_util::BodyExt;
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey, TYP_ACCESS_TOKEN};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::clock::{ManualClock, Timestamp};

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
    let verifier = Verifier::with_dpop(ISSUER, AUDIENCE, keys, clock.clone(), &[[7; 32]]);
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
    assert_eq!(setup.verifier.cached(), 1);
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
    assert_eq!(setup.verifier.cached(), 0, "nothing refused is remembered");
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
    assert_eq!(
        (status.as_u16(), challenge.as_str()),
        (401, r#"Bearer realm="vestibule""#)
    );
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

#[tokio::test]
async fn what_needs_a_recent_sign_in_says_how_recent() {
    // RFC 9470 §3
    let setup = setup();
    let now = Timestamp::from_secs(NOW);
    let limit = Duration::from_secs(900);
    let challenge = async |claims: Value| {
        let token = setup.verifier.verify(&setup.token(&claims)).await.unwrap();
        check_recent_sign_in(&token, now, limit).err().map(|problem| {
            let response = axum::response::IntoResponse::into_response(problem);
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            let value = &response.headers()["www-authenticate"];
            value.to_str().unwrap().to_owned()
        })
    };
    for good in [NOW - 900, NOW, NOW + 30] {
        assert_eq!(challenge(changed("auth_time", good)).await, None, "{good}");
    }
    let mut of_client = claims();
    of_client["sub"] = "web".into();
    assert_eq!(challenge(of_client).await, None);
    for bad in [
        changed("auth_time", NOW - 901),
        changed("auth_time", NOW + 3600),
        claims(),
    ] {
        let expected = r#"Bearer error="insufficient_user_authentication", error_description="a recent sign-in is required", max_age="900""#;
        assert_eq!(challenge(bad).await.as_deref(), Some(expected));
    }
    let mut bound = changed("auth_time", NOW - 901);
    bound["cnf"] = json!({ "jkt": "x" });
    let bound = challenge(bound).await.unwrap();
    assert!(
        bound.starts_with(r#"DPoP error="insufficient_user_authentication""#)
            && bound.ends_with(r#"max_age="900""#),
        "{bound}"
    );
}
