//! `/admin/v1/webhooks` over HTTP.

use axum::Router;
use axum::body::{Body, to_bytes};
use chassis::access::{FixedKeys, HasVerifier, Verifier};
use http::{Request, StatusCode};
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use events::testing::{THINGS, new_id};

#[derive(Clone)]
struct Service {
    webhooks: Webhooks,
    verifier: Verifier,
}

impl HasWebhooks for Service {
    fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }
}

impl HasVerifier for Service {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

/// Somebody with a token.
struct Caller {
    router: Router,
    token: String,
}

impl Caller {
    fn with(world: &World, scope: &str) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let keys = KeySet::from_jwks(&JwkSet {
            keys: vec![key.public().clone()],
        });
        let service = Service {
            webhooks: world.webhooks.clone(),
            verifier: Verifier::new(
                "http://auth.test",
                SOURCE,
                FixedKeys(Arc::new(keys)),
                world.clock.clone(),
            ),
        };
        let now = BEGINNING.as_secs();
        let claims = json!({
            "iss": "http://auth.test", "aud": SOURCE, "sub": "cli", "client_id": "cli", "scope": scope,
            "iat": now, "exp": now + 300, "jti": "1",
        });
        Self {
            router: routes().into_router().with_state(service),
            token: key.sign("at+jwt", &claims).unwrap(),
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/admin/v1/webhooks{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &THINGS];

    async fn an_administrator_makes_changes_and_removes_a_webhook(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let root = Caller::with(&world, "admin");
        let body = json!({ "url": receiver.url, "types": ["vestibule.subject.*"], "description": "The CRM" });
        let (status, made) = root.call("POST", "", Some(body)).await;
        assert_eq!(status, StatusCode::CREATED);
        let secret = made["secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("whsec_"));
        let path = format!("/{}", made["id"].as_str().unwrap());

        let (_, shown) = root.call("GET", &path, None).await;
        assert_eq!(shown["url"], receiver.url);
        assert_eq!(shown["types"], json!(["vestibule.subject.*"]));
        assert_eq!((&shown["enabled"], &shown["version"]), (&json!(true), &json!(1)));
        assert_eq!(shown["deliveries"], json!({ "pending": 0, "dead": 0 }));
        let (_, listed) = root.call("GET", "?limit=1", None).await;
        assert_eq!(listed["webhooks"][0]["id"], made["id"]);
        assert_eq!(listed["next"], made["id"]);

        let (status, changed) = root.call("PATCH", &path, Some(json!({ "types": ["*"], "enabled": false }))).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&changed["types"], &changed["description"]), (&json!(["*"]), &json!("The CRM")));
        assert_eq!(changed["disabled"]["reason"], "operator");
        assert_eq!(root.call("POST", &format!("{path}/test"), None).await.0, StatusCode::CONFLICT);
        let (status, rotated) = root.call("POST", &format!("{path}/rotate-secret"), None).await;
        assert_eq!(status, StatusCode::OK);
        assert_ne!(rotated["secret"], json!(secret));
        assert_eq!(rotated["previous_secret_until"], json!(BEGINNING + DAY));
        let rotate = format!("{path}/rotate-secret");
        let (status, problem) = root.call("POST", &rotate, None).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(problem["detail"].as_str().unwrap().contains("force"), "{problem}");
        assert_eq!(root.call("POST", &rotate, Some(json!({ "force": true }))).await.0, StatusCode::OK);
        for answer in [shown, listed, changed, root.call("GET", &path, None).await.1] {
            assert!(!answer.to_string().contains("whsec_"), "a secret is told once: {answer}");
        }
        assert_eq!(root.call("DELETE", &path, None).await.0, StatusCode::NO_CONTENT);
        assert_eq!(root.call("GET", &path, None).await.0, StatusCode::NOT_FOUND);
    }

    async fn the_log_can_be_read_filtered_and_replayed(db: TestDb) {
        let (mut world, receiver) = (World::on(&db), Receiver::start().await);
        let root = Caller::with(&world, "admin");
        let webhook = world.subscribe(&receiver.url).await;
        let path = format!("/{}", webhook.id);
        world.happen(new_id()).await;
        world.deliver().await;
        world.clock.advance(Duration::from_secs(1));
        let (status, test) = root.call("POST", &format!("{path}/test"), None).await;
        assert_eq!((status, &test["state"]), (StatusCode::ACCEPTED, &json!("pending")));
        let (_, log) = root.call("GET", &format!("{path}/deliveries"), None).await;
        assert_eq!(log["deliveries"].as_array().unwrap().len(), 2);
        assert_eq!(log["deliveries"][0]["type"], TEST_TYPE, "newest first");
        let (_, log) = root.call("GET", &format!("{path}/deliveries?state=delivered&limit=1"), None).await;
        let delivered = &log["deliveries"][0];
        assert_eq!((&delivered["last_status"], &delivered["attempts"]), (&json!(204), &json!(1)));
        assert_eq!(delivered.get("data"), None, "the log shows nothing of an event");
        let (_, rest) = root.call("GET", &format!("{path}/deliveries?state=delivered&before={}", log["next"].as_str().unwrap()), None).await;
        assert_eq!(rest["deliveries"], json!([]));

        let one = format!("{path}/deliveries/{}", delivered["event_id"].as_str().unwrap());
        let (status, again) = root.call("POST", &format!("{one}/replay"), None).await;
        assert_eq!((status, &again["state"]), (StatusCode::ACCEPTED, &json!("pending")));
        world.deliver().await;
        assert_eq!(root.call("GET", &one, None).await.1["state"], "delivered");
        let (status, dead) = root.call("POST", &format!("{path}/replay"), None).await;
        assert_eq!((status, dead), (StatusCode::ACCEPTED, json!({ "replayed": 0 })));
        for missing in ["/deliveries", "/test", "/replay", "/rotate-secret"] {
            let method = if missing == "/deliveries" { "GET" } else { "POST" };
            let path = format!("/{}{missing}", new_id());
            assert_eq!(root.call(method, &path, None).await.0, StatusCode::NOT_FOUND, "{missing}");
        }
    }

    async fn wrong_input_is_refused_and_the_field_named(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let root = Caller::with(&world, "admin");
        let url = &receiver.url;
        let cases = [
            (json!({ "types": ["*"] }), "url"),
            (json!({ "url": url }), "types"),
            (json!({ "url": url, "types": ["*"], "secrets": "x" }), "secrets"),
            (json!({ "url": url, "types": "*" }), "types"),
            (json!({ "url": "https://10.0.0.1", "types": ["*"] }), "url"),
            (json!({ "url": url, "types": ["vestibule.nothing.v1"] }), "types[0]"),
            (json!({ "url": url, "types": ["*"], "secret": "whsec_canary" }), "secret"),
        ];
        for (body, field) in cases {
            let (status, problem) = root.call("POST", "", Some(body.clone())).await;
            assert!(status.is_client_error(), "{body}: {status}");
            assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
            assert!(!problem.to_string().contains("canary"));
        }
        let webhook = world.subscribe(url).await;
        let path = format!("/{}", webhook.id);
        let (status, _) = root.call("PATCH", &path, Some(json!({ "secret": SECRET }))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        for nothing in [json!({}), json!({ "enabled": null }), json!({ "url": null, "types": ["*"] })] {
            let (status, problem) = root.call("PATCH", &path, Some(nothing.clone())).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{nothing}: {problem}");
        }
        assert_eq!(world.stored(webhook.id).await.version, 1);
        for query in ["?state=lost", "?limit=0", "?limit=501", "?nonsense=1", "?before=x"] {
            let (status, _) = root.call("GET", &format!("{path}/deliveries{query}"), None).await;
            assert!(status.is_client_error(), "{query}: {status}");
        }
        assert_eq!(root.call("GET", "/not-an-id", None).await.0, StatusCode::NOT_FOUND);
    }

    async fn only_administrators_have_a_say(db: TestDb) {
        let world = World::on(&db);
        let caller = Caller::with(&world, "users:write events:read");
        let id = new_id();
        let routes = [
            ("GET", String::new()), ("POST", String::new()), ("GET", format!("/{id}")), ("PATCH", format!("/{id}")),
            ("DELETE", format!("/{id}")), ("POST", format!("/{id}/rotate-secret")), ("POST", format!("/{id}/test")),
            ("POST", format!("/{id}/replay")), ("GET", format!("/{id}/deliveries")),
            ("GET", format!("/{id}/deliveries/{id}")), ("POST", format!("/{id}/deliveries/{id}/replay")),
        ];
        for (method, path) in routes {
            let (status, problem) = caller.call(method, &path, Some(json!({}))).await;
            assert_eq!((status, &problem["scope"]), (StatusCode::FORBIDDEN, &json!("admin")), "{method} {path}");
        }
    }

    async fn a_service_without_an_encryption_key_says_what_is_missing(db: TestDb) {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let world = replica(&db, &clock, None, Arc::new(SystemResolver));
        let root = Caller::with(&world, "admin");
        let (status, problem) = root.call("POST", "", Some(json!({ "url": "https://8.8.8.8/", "types": ["*"] }))).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(problem["type"].as_str().unwrap().ends_with("/encryption-missing"));
        assert!(problem["detail"].as_str().unwrap().contains("[encryption]"));
        assert_eq!(root.call("GET", "", None).await.1, json!({ "webhooks": [] }));
    }
}
