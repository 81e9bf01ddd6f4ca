//! Tests of request objects (RFC 9101) at the authorization endpoint and at `/oauth2/par`.

use std::time::Duration;

use chassis::clock::Clock;
use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE};
use oidc::jose::{Algorithm, JwkSet, SigningKey};
use serde_json::{Value, json};

use super::assertions::{KeyServer, LOCAL};
use super::world::{CALLBACK, CHALLENGE, ISSUER, TestResponse, VERIFIER, World, basic, encode, stories};
use crate::clients::{ClientMetadata, GrantType};

pub(super) fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

pub(super) fn set(key: &SigningKey) -> JwkSet {
    JwkSet {
        keys: vec![key.public().clone()],
    }
}

impl World {
    /// Registers `signer`, whose keys are those of `change`. Its secret.
    pub(super) async fn signer(&self, change: impl FnOnce(&mut ClientMetadata)) -> String {
        self.client("signer", change).await.unwrap()
    }

    /// A good request object of `signer`, changed: null removes a claim.
    pub(super) fn object(&self, key: &SigningKey, change: &Value) -> String {
        let now = self.app.clock.now().as_secs();
        let mut claims = json!({
            "iss": "signer", "aud": ISSUER, "nbf": now, "exp": now + 60,
            "client_id": "signer", "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid",
            "state": "inner", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        key.sign("oauth-authz-req+jwt", &claims).unwrap()
    }

    pub(super) async fn send_object(
        &self,
        cookie: &str,
        object: &str,
        around: &[(&str, &str)],
    ) -> TestResponse {
        let query = encode(&[&[("client_id", "signer"), ("request", object)], around].concat());
        self.get(
            &format!("/oauth2/authorize?{query}"),
            &[(COOKIE.as_str(), cookie)],
        )
        .await
    }
}

stories! {
    async fn a_signed_request_gets_a_code(world) {
        // RFC 9101 §5, §6.3
        let key = key();
        let keys = set(&key);
        let secret = world.signer(|client| {
            client.jwks = Some(keys);
            client.require_signed_request_object = true;
        }).await;
        let cookie = world.cookie().await;
        let around = [("state", "outer"), ("scope", "openid admin"), ("redirect_uri", "https://evil.example/")];
        let answer = world.send_object(&cookie, &world.object(&key, &json!({})), &around).await;
        assert!(answer.location().starts_with(CALLBACK), "{} {}", answer.location(), answer.body);
        assert_eq!(answer.query()["state"], "inner");
        let basic = basic("signer", &secret);
        let code = answer.query()["code"].clone();
        let exchange = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        let tokens = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &basic)], &exchange).await;
        assert_eq!(tokens.json()["scope"], "openid");

        let plain = world.authorize(&cookie, &[("client_id", "signer")]).await;
        assert_eq!(plain.query()["error"], "invalid_request", "it has to sign (RFC 9101 §10.5)");
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert_eq!((&metadata["request_parameter_supported"], &metadata["request_uri_parameter_supported"]), (&json!(true), &json!(true)));
        assert_eq!(metadata["require_request_uri_registration"], true);
        assert_eq!(metadata["request_object_signing_alg_values_supported"], json!(["RS256", "PS256", "ES256", "ES384", "EdDSA"]));
    }

    async fn a_person_signs_in_for_a_signed_request(world) {
        // The object expires while the person signs in. It was verified before the request was saved.
        let key = key();
        let keys = set(&key);
        world.signer(|client| {
            client.jwks = Some(keys);
            client.require_signed_request_object = true;
        }).await;
        let answer = world.send_object("", &world.object(&key, &json!({})), &[]).await;
        assert!(answer.location().starts_with("/login?return_to="), "{}", answer.location());
        let (back, browser) = (answer.query()["return_to"].clone(), answer.cookie().to_owned());
        assert!(!back.contains("scope"), "a signed request could be changed in the address: {back}");
        world.app.wait(Duration::from_secs(300));
        let cookies = format!("{browser}; {}", world.cookie().await);
        let answer = world.get(&back, &[(COOKIE.as_str(), &cookies)]).await;
        assert!(answer.query().contains_key("code"), "{} {}", answer.location(), answer.body);
    }

    async fn a_request_object_is_pushed(world) {
        // RFC 9126 §3
        let key = key();
        let keys = set(&key);
        let secret = world.signer(|client| {
            client.jwks = Some(keys);
            client.require_signed_request_object = true;
        }).await;
        let basic = basic("signer", &secret);
        let push = async |form: &[(&str, &str)]| world.post("/oauth2/par", &[(AUTHORIZATION.as_str(), &basic)], form).await;
        let pushed = push(&[("request", &world.object(&key, &json!({}))), ("scope", "admin")]).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.body);
        let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        let cookie = world.cookie().await;
        let query = encode(&[("client_id", "signer"), ("request_uri", &uri)]);
        let answer = world.get(&format!("/oauth2/authorize?{query}"), &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!(answer.query()["state"], "inner");
        assert!(answer.query().contains_key("code"), "{}", answer.location());
        // RFC 9101 §5
        let pushed = push(&[("request", &world.object(&key, &json!({})))]).await;
        let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        let both = encode(&[("client_id", "signer"), ("request_uri", &uri), ("request", "x")]);
        let answer = world.get(&format!("/oauth2/authorize?{both}"), &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!((answer.query()["error"].as_str(), answer.query()["state"].as_str()), ("invalid_request", "inner"));
        let bad = push(&[("request", "x")]).await;
        assert_eq!((bad.status, bad.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request_object"));
        let plain = push(&[("response_type", "code"), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]).await;
        assert_eq!(plain.error(), "invalid_request", "it has to sign");
    }

    async fn what_is_wrong_with_an_object_is_said(world) {
        // RFC 9101 §7; SB-20, SB-26
        let (key, other) = (key(), key());
        let keys = set(&key);
        world.signer(|client| client.jwks = Some(keys)).await;
        let cookie = world.cookie().await;
        for object in [
            world.object(&other, &json!({})),
            world.object(&key, &json!({"exp": 1})),
            world.object(&key, &json!({"client_id": "web"})),
            world.object(&key, &json!({"aud": "https://other.example"})),
            "x".to_owned(),
        ] {
            let answer = world.send_object(&cookie, &object, &[]).await;
            assert_eq!(answer.query()["error"], "invalid_request_object", "{object}");
            assert!(answer.location().starts_with(CALLBACK));
            let nowhere = world.send_object(&cookie, &object, &[("redirect_uri", "https://evil.example/")]).await;
            assert_eq!((nowhere.status, nowhere.location()), (StatusCode::BAD_REQUEST, ""));
        }
        let good = world.object(&key, &json!({}));
        for more in [("request", good.as_str()), ("request_uri", "https://app.example.org/request")] {
            let answer = world.send_object(&cookie, &good, &[more]).await;
            assert_eq!(answer.query()["error"], "invalid_request", "{more:?}: one request object, or a request_uri (RFC 9101 §5)");
        }
        let evil = world.object(&key, &json!({"redirect_uri": "https://evil.example/"}));
        let answer = world.send_object(&cookie, &evil, &[]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, ""), "a signature registers nothing");
        let free = world.object(&key, &json!({"iss": null, "aud": null, "exp": null, "nbf": null}));
        assert!(world.send_object(&cookie, &free, &[]).await.query().contains_key("code"), "OpenID Connect Core §6.1");
    }
}

#[test]
fn a_new_key_at_the_jwks_uri_is_found() {
    // RFC 7591 §2, jwks_uri
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = KeyServer::start().await;
        let (old, new) = (key(), key());
        server.publish(&[&old]);
        world
            .signer(|client| client.jwks_uri = Some(server.url.parse().unwrap()))
            .await;
        let cookie = world.cookie().await;
        for key in [&old, &new] {
            server.publish(&[key]);
            let object = world.object(key, &json!({}));
            let answer = world.send_object(&cookie, &object, &[]).await;
            assert!(answer.query().contains_key("code"), "{}", answer.location());
            world.app.wait(Duration::from_secs(61));
        }
    });
}

#[test]
fn an_object_is_fetched_from_a_registered_address_and_from_no_other() {
    // OpenID Connect Core §6.2, RFC 9101 §5.2, §10.4; SB-20, SB-32
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = KeyServer::start().await;
        let key = key();
        let keys = set(&key);
        world
            .signer(|client| {
                client.jwks = Some(keys);
                client.request_uris = vec![format!("{}#v1", server.url).parse().unwrap()];
            })
            .await;
        let cookie = world.cookie().await;
        let ask = async |uri: &str, more: &[(&str, &str)]| {
            let query = encode(&[&[("client_id", "signer"), ("request_uri", uri)], more].concat());
            world
                .get(
                    &format!("/oauth2/authorize?{query}"),
                    &[(COOKIE.as_str(), &cookie)],
                )
                .await
        };
        server.publish_text(&world.object(&key, &json!({})));
        for version in ["", "#v1", "#v2"] {
            let answer = ask(&format!("{}{version}", server.url), &[("state", "outer")]).await;
            assert_eq!(answer.query()["state"], "inner", "{version}");
            assert!(answer.query().contains_key("code"), "{}", answer.location());
        }
        let fetched = server.calls();
        for (uri, more, error) in [
            (format!("{}?x", server.url), None, "invalid_request_uri"),
            ("https://evil.example/".to_owned(), None, "invalid_request_uri"),
            (server.url.clone(), Some(("request", "x")), "invalid_request"),
            (
                server.url.clone(),
                Some(("request_uri", "https://evil.example/")),
                "invalid_request",
            ),
        ] {
            let answer = ask(&uri, more.as_slice()).await;
            assert_eq!(answer.query()["error"], error, "{uri}");
        }
        let nowhere = ask(
            "https://evil.example/",
            &[("redirect_uri", "https://evil.example/")],
        )
        .await;
        assert_eq!(
            (nowhere.status, nowhere.location()),
            (StatusCode::BAD_REQUEST, "")
        );
        assert_eq!(server.calls(), fetched, "nothing else was called");
        for (document, error) in [
            ("x".to_owned(), "invalid_request_object"),
            // RFC 9101 §6.3: the parameters beside the reference are no request.
            (String::new(), "invalid_request_object"),
            (" \n".to_owned(), "invalid_request_object"),
            (world.object(&key, &json!({"exp": 1})), "invalid_request_object"),
            ("x".repeat(12 * 1024 + 1), "invalid_request_uri"),
        ] {
            world.app.wait(Duration::from_secs(3));
            server.publish_text(&document);
            let around = [
                ("response_type", "code"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ];
            assert_eq!(ask(&server.url, &around).await.query()["error"], error);
        }
    });
}

#[test]
fn strangers_cannot_use_up_the_fetches_of_objects() {
    // SB-43
    testkit::block_on(async {
        let world = World::with(&LOCAL).await;
        let server = KeyServer::start().await;
        let key = key();
        let keys = set(&key);
        let addresses = ["a", "b", "c"].map(|name| format!("{}?{name}", server.url));
        world
            .signer(|client| {
                client.jwks = Some(keys);
                client.request_uris = addresses.iter().map(|uri| uri.parse().unwrap()).collect();
            })
            .await;
        server.publish_text(&world.object(&key, &json!({})));
        let cookie = world.cookie().await;
        let ask = async |uri: &str| {
            let query = encode(&[("client_id", "signer"), ("request_uri", uri)]);
            let cookie = [(COOKIE.as_str(), cookie.as_str())];
            world.get(&format!("/oauth2/authorize?{query}"), &cookie).await
        };
        let [a, b, c] = &addresses;
        let with_fragment = format!("{a}#v2");
        let closed = server.gate.write().await;
        let waiting = async {
            tokio::join!(ask(a), ask(a), ask(&with_fragment), ask(b), async {
                testkit::eventually("two fetches", async || (server.calls() == 2).then_some(())).await;
                let busy = ask(c).await;
                assert_eq!(busy.query()["error"], "temporarily_unavailable");
                drop(closed);
            })
        };
        let (first, second, third, other, ()) = waiting.await;
        for answer in [first, second, third, other, ask(a).await] {
            assert!(answer.query().contains_key("code"), "{}", answer.location());
        }
        assert_eq!(server.calls(), 2, "one document is fetched once");
    });
}

#[test]
fn no_object_is_fetched_for_a_request_that_is_refused_anyway() {
    // SB-43; RFC 9126 §5
    for (settings, change, error) in [
        (
            &[("AUTHORIZATION__REQUIRE_PUSHED_AUTHORIZATION_REQUESTS", "true")][..],
            (|_| {}) as fn(&mut ClientMetadata),
            "invalid_request",
        ),
        (
            &[],
            |client| client.require_pushed_authorization_requests = true,
            "invalid_request",
        ),
        (
            &[],
            |client| client.grant_types = [GrantType::ClientCredentials].into(),
            "unauthorized_client",
        ),
    ] {
        testkit::block_on(async {
            let world = World::with(&[&LOCAL[..], settings].concat()).await;
            let server = KeyServer::start().await;
            world
                .signer(|client| {
                    client.request_uris = vec![server.url.parse().unwrap()];
                    change(client);
                })
                .await;
            let query = encode(&[("client_id", "signer"), ("request_uri", &server.url)]);
            let answer = world.get(&format!("/oauth2/authorize?{query}"), &[]).await;
            assert_eq!(
                answer.query()["error"],
                error,
                "{} {}",
                answer.location(),
                answer.body
            );
            assert_eq!(server.calls(), 0);
        });
    }
}

#[test]
fn the_address_of_an_object_must_not_lead_inside() {
    // SB-32: the exceptions of `webhooks.allow` do not hold for a client that registered itself
    let registered_itself = "UPDATE clients SET origin = 'registration'";
    for (settings, change) in [(&[][..], None), (&LOCAL[..], Some(registered_itself))] {
        testkit::block_on(async {
            let world = World::with(settings).await;
            let server = KeyServer::start().await;
            let key = key();
            let keys = set(&key);
            server.publish_text(&world.object(&key, &json!({})));
            world
                .signer(|client| {
                    client.jwks = Some(keys);
                    client.request_uris = vec![server.url.parse().unwrap()];
                })
                .await;
            if let Some(change) = change {
                world.app.run(change).await;
            }
            let query = encode(&[("client_id", "signer"), ("request_uri", &server.url)]);
            let cookie = world.cookie().await;
            let answer = world
                .get(
                    &format!("/oauth2/authorize?{query}"),
                    &[(COOKIE.as_str(), &cookie)],
                )
                .await;
            assert_eq!(answer.query()["error"], "invalid_request_uri", "{change:?}");
            let description = &answer.query()["error_description"];
            assert!(!description.contains("127.0.0.1"), "{description}");
            assert_eq!(server.calls(), 0, "{change:?}");
        });
    }
}
