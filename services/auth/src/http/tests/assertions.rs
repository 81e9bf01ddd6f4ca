//! Tests of `private_key_jwt` (RFC 7523, OpenID Connect Core §9) at the endpoints for clients.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::get;
use chassis::clock::Clock;
use chassis::shutdown::Shutdown;
use http::StatusCode;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use oidc::client_auth::ASSERTION_TYPE;
use oidc::jose::{Algorithm, JwkSet, SigningKey};
use serde_json::{Value, json};
use tokio::sync::RwLock;

use super::world::{ISSUER, TestResponse, World, basic, stories};
use crate::clients::{AuthMethod, GrantType};

/// The claims of an assertion of `robot` with this `jti`.
fn claims(world: &World, jti: &str) -> Value {
    let now = world.app.clock.now().as_secs();
    json!({"iss": "robot", "sub": "robot", "aud": ISSUER, "jti": jti, "iat": now, "exp": now + 60})
}

impl World {
    /// Registers `robot`, a client with this key.
    async fn robot(&self, key: &SigningKey) {
        let jwks = JwkSet {
            keys: vec![key.public().clone()],
        };
        let secret = self.client("robot", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read".parse().unwrap();
            wish.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
            wish.jwks = Some(jwks);
        });
        assert_eq!(secret.await, None);
    }

    /// Registers `robot`, a client whose keys are at `url`.
    async fn robot_at(&self, url: &str) {
        self.client("robot", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read".parse().unwrap();
            wish.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
            wish.jwks_uri = Some(url.parse().unwrap());
        })
        .await;
    }

    async fn present(&self, key: &SigningKey, claims: &Value) -> TestResponse {
        let assertion = key.sign("JWT", claims).unwrap();
        self.post(
            "/oauth2/token",
            &[],
            &[
                ("grant_type", "client_credentials"),
                ("scope", "users:read"),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", &assertion),
            ],
        )
        .await
    }
}

/// A server with a key set that can be changed, and the number of its calls.
pub(super) struct KeyServer {
    pub(super) url: String,
    body: Arc<Mutex<String>>,
    calls: Arc<AtomicUsize>,
    /// The server answers while nobody holds it.
    pub(super) gate: Arc<RwLock<()>>,
}

impl KeyServer {
    pub(super) async fn start() -> Self {
        let (body, calls) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
        let (served, counted) = (Arc::clone(&body), Arc::clone(&calls));
        let gate = Arc::new(RwLock::new(()));
        let opened = Arc::clone(&gate);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let app = axum::Router::new().route(
            "/jwks",
            get(async move || {
                counted.fetch_add(1, Ordering::SeqCst);
                let _open = opened.read().await;
                served.lock().unwrap().clone()
            }),
        );
        Shutdown::new().spawn("key_server", async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self {
            url,
            body,
            calls,
            gate,
        }
    }

    pub(super) fn publish(&self, keys: &[&SigningKey]) {
        let keys = keys.iter().map(|key| key.public().clone()).collect();
        self.publish_text(&serde_json::to_string(&JwkSet { keys }).unwrap());
    }

    pub(super) fn publish_text(&self, text: &str) {
        text.clone_into(&mut self.body.lock().unwrap());
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn es256() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

pub(super) const LOCAL: [(&str, &str); 1] = [("WEBHOOKS__ALLOW", "127.0.0.1/32")];

stories! {
    async fn a_client_signs_its_requests_with_each_algorithm_of_the_metadata(world) {
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let listed = |name: &str| metadata[name].as_array().unwrap().clone();
        for endpoint in ["token", "revocation", "introspection"] {
            assert!(listed(&format!("{endpoint}_endpoint_auth_methods_supported")).contains(&json!("private_key_jwt")));
            assert!(listed(&format!("{endpoint}_endpoint_auth_signing_alg_values_supported")).contains(&json!("EdDSA")));
        }
        let key = es256();
        world.robot(&key).await;
        let answer = world.present(&key, &claims(&world, "j1")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        for (path, status) in [
            ("/oauth2/introspect", StatusCode::OK),
            ("/oauth2/revoke", StatusCode::OK),
            // The client authenticates, and has no redirect URI.
            ("/oauth2/par", StatusCode::BAD_REQUEST),
        ] {
            let assertion = key.sign("client-authentication+jwt", &claims(&world, path)).unwrap();
            let form = [
                ("token", token.as_str()),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", &assertion),
                ("client_id", "robot"),
            ];
            let answer = world.post(path, &[], &form).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
        }
    }

    async fn an_assertion_is_good_once_and_for_this_server_alone(world) {
        // SB-27
        let key = es256();
        world.robot(&key).await;
        let used = claims(&world, "j1");
        assert_eq!(world.present(&key, &used).await.status, StatusCode::OK);
        let mut other_audience = claims(&world, "j2");
        other_audience["aud"] = json!(format!("{ISSUER}/oauth2/token"));
        for (claims, part) in [(&used, "jti"), (&other_audience, "issuer")] {
            let refused = world.present(&key, claims).await;
            assert_eq!((refused.status, refused.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
            assert!(refused.body.contains(part), "{}", refused.body);
        }
        let forged = world.present(&es256(), &claims(&world, "j3")).await;
        assert_eq!(forged.error(), "invalid_client");
    }

    async fn a_client_is_held_to_its_method_whatever_else_it_can_prove(world) {
        // SB-28
        let key = es256();
        world.robot(&key).await;
        let grant = [("grant_type", "client_credentials"), ("scope", "users:read"), ("client_id", "robot")];
        let nothing = world.post("/oauth2/token", &[], &grant).await;
        assert_eq!((nothing.status, nothing.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
        for secret in ["", "guess"] {
            let header = basic("robot", secret);
            let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &header)], &grant).await;
            assert_eq!(answer.error(), "invalid_client");
        }
        let mut web = claims(&world, "j1");
        (web["iss"], web["sub"]) = (json!("web"), json!("web"));
        assert_eq!(world.present(&key, &web).await.error(), "invalid_client", "web has a secret");
    }
}

#[test]
fn an_operator_may_accept_the_token_endpoint_as_audience() {
    testkit::block_on(async {
        let world = World::with(&[("CLIENT_ASSERTIONS__TOKEN_ENDPOINT_AUDIENCE", "true")]).await;
        let key = es256();
        world.robot(&key).await;
        for (audience, accepted) in [
            (json!(format!("{ISSUER}/oauth2/token")), true),
            (json!(ISSUER), true),
            (json!(format!("{ISSUER}/oauth2/revoke")), false),
            (json!([format!("{ISSUER}/oauth2/token")]), false),
        ] {
            let mut claims = claims(&world, &audience.to_string());
            claims["aud"] = audience;
            assert_eq!(
                world.present(&key, &claims).await.status == StatusCode::OK,
                accepted,
                "{claims}"
            );
        }
    });
}

#[test]
fn keys_are_fetched_once_and_again_when_a_new_one_comes_but_once_a_minute() {
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = KeyServer::start().await;
        let (old, new, stranger) = (es256(), es256(), es256());
        server.publish(&[&old]);
        world.robot_at(&server.url).await;
        for jti in ["a", "b", "c"] {
            assert_eq!(
                world.present(&old, &claims(&world, jti)).await.status,
                StatusCode::OK
            );
        }
        assert_eq!(server.calls(), 1);
        // SB-32: what a stranger sends causes one call in a minute.
        world.app.wait(Duration::from_secs(60));
        for jti in ["d", "e", "f"] {
            assert_eq!(
                world.present(&stranger, &claims(&world, jti)).await.error(),
                "invalid_client"
            );
        }
        assert_eq!(server.calls(), 2);
        server.publish(&[&old, &new]);
        assert_eq!(
            world.present(&new, &claims(&world, "g")).await.error(),
            "invalid_client"
        );
        world.app.wait(Duration::from_secs(60));
        assert_eq!(
            world.present(&new, &claims(&world, "h")).await.status,
            StatusCode::OK
        );
        assert_eq!(server.calls(), 3);
        // The keys are used for a while when the server is broken, and are read again when they are old.
        *server.body.lock().unwrap() = "nonsense".to_owned();
        world.app.wait(Duration::from_secs(1800));
        assert_eq!(
            world.present(&new, &claims(&world, "i")).await.status,
            StatusCode::OK
        );
        assert_eq!(server.calls(), 4);
        world.app.wait(Duration::from_secs(1800));
        let unreadable = world.present(&new, &claims(&world, "j")).await;
        assert_eq!(
            (unreadable.status, unreadable.error().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        );
        server.publish(&[&new]);
        world.app.wait(Duration::from_secs(60));
        assert_eq!(
            world.present(&old, &claims(&world, "k")).await.error(),
            "invalid_client",
            "a key that was withdrawn"
        );
        assert_eq!(
            world.present(&new, &claims(&world, "l")).await.status,
            StatusCode::OK
        );
    });
}

#[test]
fn many_requests_wait_for_one_fetch() {
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = KeyServer::start().await;
        let key = es256();
        server.publish(&[&key]);
        world.robot_at(&server.url).await;
        let requests = (0..12).map(async |index: usize| {
            world
                .present(&key, &claims(&world, &index.to_string()))
                .await
                .status
        });
        let statuses = futures_util::future::join_all(requests).await;
        assert!(
            statuses.iter().all(|status| *status == StatusCode::OK),
            "{statuses:?}"
        );
        assert_eq!(server.calls(), 1);
    });
}

#[test]
fn key_sets_are_not_fetched_from_inside_and_not_without_limit() {
    // SB-32
    testkit::block_on(async {
        let server = KeyServer::start().await;
        let key = es256();
        server.publish(&[&key]);
        let inside = World::new().await;
        inside.robot_at(&server.url).await;
        let refused = inside.present(&key, &claims(&inside, "a")).await;
        assert_eq!(server.calls(), 0);
        let world = World::with(&LOCAL).await;
        world.robot_at(&server.url).await;
        let whole = server.body.lock().unwrap().clone();
        *server.body.lock().unwrap() = format!("{}{}", " ".repeat(64 * 1024), whole);
        let too_large = world.present(&key, &claims(&world, "a")).await;
        assert_eq!(server.calls(), 1);
        for answer in [&refused, &too_large] {
            assert_eq!(answer.error(), "temporarily_unavailable");
            assert_eq!(answer.header(RETRY_AFTER), "1");
        }
        assert_eq!(
            refused.body, too_large.body,
            "the answer tells nothing about the inside"
        );
    });
}

#[test]
fn a_stranger_who_hangs_up_does_not_keep_the_keys_of_a_client_from_being_read() {
    // SB-32
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = KeyServer::start().await;
        let (key, stranger) = (es256(), es256());
        server.publish(&[&key]);
        world.robot_at(&server.url).await;
        let closed = server.gate.write().await;
        let forged = claims(&world, "a");
        let mut hanging_up = Box::pin(world.present(&stranger, &forged));
        while server.calls() == 0 {
            let moment = tokio::time::timeout(Duration::from_millis(5), &mut hanging_up).await;
            assert!(moment.is_err(), "the key server does not answer yet");
        }
        drop(hanging_up);
        drop(closed);
        let answer = world.present(&key, &claims(&world, "b")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(server.calls(), 1);
    });
}
