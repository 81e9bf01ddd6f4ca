//! Tests of the profile `fapi2` (FAPI 2.0 Security Profile) from the pushed request to the refresh token.

use std::cell::Cell;

use chassis::clock::Clock;
use http::StatusCode;
use oidc::client::ClientProfile;
use oidc::client_auth::ASSERTION_TYPE;
use oidc::jose::{Algorithm, JwkSet, SigningKey};
use serde_json::{Value, json};

use super::dpop::Prover;
use super::world::{ISSUER, TestResponse, World, authorization, exchange, stories};
use crate::clients::{AuthMethod, ClientMetadata};

const PAR: &str = "/oauth2/par";
const TOKEN: &str = "/oauth2/token";

/// `bank`, a client of the profile.
struct Bank<'a> {
    world: &'a World,
    keys: Vec<SigningKey>,
    prover: Prover,
    assertions: Cell<u32>,
}

impl<'a> Bank<'a> {
    async fn register(world: &'a World) -> Self {
        let algorithms = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Es384];
        let keys = algorithms.map(|algorithm| SigningKey::generate(algorithm).unwrap());
        let jwks = JwkSet {
            keys: keys.iter().map(|key| key.public().clone()).collect(),
        };
        world
            .client("bank", |wish: &mut ClientMetadata| {
                wish.profile = Some(ClientProfile::Fapi2);
                wish.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
                wish.jwks = Some(jwks);
                wish.id_token_signed_response_alg = Algorithm::Es256;
                wish.authorization_signed_response_alg = Algorithm::Es256;
            })
            .await;
        Self {
            world,
            keys: keys.into(),
            prover: Prover::of(Algorithm::Es256),
            assertions: Cell::new(0),
        }
    }

    /// An assertion by the key of an algorithm, for an audience.
    fn assertion(&self, algorithm: usize, audience: &str) -> String {
        self.assertions.set(self.assertions.get() + 1);
        let now = self.world.app.clock.now().as_secs();
        let claims = json!({
            "iss": "bank", "sub": "bank", "aud": audience, "iat": now, "exp": now + 60,
            "jti": self.assertions.get().to_string(),
        });
        self.keys[algorithm].sign("JWT", &claims).unwrap()
    }

    /// Sends a form with an assertion and a proof, again with the nonce if the server asks for it.
    async fn send(&self, prover: Option<&Prover>, path: &str, form: &[(&str, &str)]) -> TestResponse {
        let mut answer = self.send_once(prover, path, form).await;
        if answer.body.contains("use_dpop_nonce") {
            answer = self.send_once(prover, path, form).await;
        }
        answer
    }

    async fn send_once(&self, prover: Option<&Prover>, path: &str, form: &[(&str, &str)]) -> TestResponse {
        let assertion = self.assertion(0, ISSUER);
        self.send_with(prover, path, form, &assertion).await
    }

    async fn send_with(
        &self,
        prover: Option<&Prover>,
        path: &str,
        form: &[(&str, &str)],
        assertion: &str,
    ) -> TestResponse {
        let form = [
            form,
            &[
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion),
            ],
        ]
        .concat();
        match prover {
            Some(prover) => prover.post(self.world, path, "", &form).await,
            None => self.world.post(path, &[], &form).await,
        }
    }

    /// Pushes an authorization request, changed.
    async fn push(&self, prover: Option<&Prover>, change: &[(&str, &str)]) -> TestResponse {
        let pairs = request(change);
        self.send(prover, PAR, &borrowed(&pairs)).await
    }

    async fn code(&self, cookie: &str) -> String {
        let pushed = self.push(Some(&self.prover), &[]).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.body);
        let pushed = pushed.json();
        let request_uri = pushed["request_uri"].as_str().unwrap();
        let answer = self.world.follow(cookie, "bank", request_uri).await;
        answer.query()["code"].clone()
    }
}

/// The parameters of an authorization request of `bank`, changed.
fn request(change: &[(&str, &str)]) -> Vec<(String, String)> {
    let query = authorization(&[&[("client_id", "bank")], change].concat());
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn refresh(token: &Value) -> [(&str, &str); 2] {
    [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str().unwrap()),
    ]
}

stories! {
    async fn a_client_of_the_profile_gets_bound_tokens_and_keeps_its_refresh_token(world) {
        // SB-24, FAPI 2.0 Security Profile §5.3.2.1
        let bank = Bank::register(&world).await;
        let cookie = world.cookie().await;
        let code = bank.code(&cookie).await;
        let tokens = bank.send(Some(&bank.prover), TOKEN, &exchange(&code)).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        let tokens = tokens.json();
        assert_eq!(tokens["token_type"], "DPoP");
        for prover in [&bank.prover, &Prover::of(Algorithm::EdDsa), &bank.prover] {
            let refreshed = bank.send(Some(prover), TOKEN, &refresh(&tokens["refresh_token"])).await;
            assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.body);
            assert_eq!(refreshed.json().get("refresh_token"), None, "it stays the same");
        }
    }

    async fn an_assertion_comes_again_with_the_nonce_that_the_server_asked_for(world) {
        // SB-27, RFC 9449 §8
        let bank = Bank::register(&world).await;
        let pairs = request(&[]);
        let send = async |path: &str, form: &[(&str, &str)], expected: StatusCode| {
            let mut last = None;
            let assertion = bank.assertion(0, ISSUER);
            // Without a nonce and with an old one the assertion is not used up.
            for nonce in ["", "old"] {
                bank.prover.set_nonce(nonce);
                let asked = bank.send_with(Some(&bank.prover), path, form, &assertion).await;
                assert_eq!((asked.status, asked.error().as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"), "{path}");
            }
            // Then it is good once.
            for status in [expected, StatusCode::UNAUTHORIZED] {
                let answer = bank.send_with(Some(&bank.prover), path, form, &assertion).await;
                assert_eq!(answer.status, status, "{path}: {}", answer.body);
                last.get_or_insert(answer);
            }
            last.unwrap().json()
        };
        let pushed = send(PAR, &borrowed(&pairs), StatusCode::CREATED).await;
        let cookie = world.cookie().await;
        let request_uri = pushed["request_uri"].as_str().unwrap();
        let code = world.follow(&cookie, "bank", request_uri).await.query()["code"].clone();
        let tokens = send(TOKEN, &exchange(&code), StatusCode::OK).await;
        assert_eq!(tokens["token_type"], "DPoP");
    }

    async fn requests_are_pushed_with_pkce_and_a_redirect_uri(world) {
        // FAPI 2.0 Security Profile §5.3.2.2
        let bank = Bank::register(&world).await;
        let cookie = world.cookie().await;
        let direct = world.authorize(&cookie, &[("client_id", "bank")]).await;
        assert_eq!(direct.query()["error"], "invalid_request");
        assert!(direct.query()["error_description"].contains("push"));
        let rows: [(&str, &[(&str, &str)]); 3] = [
            ("PKCE is required", &[("code_challenge", ""), ("code_challenge_method", "")]),
            ("S256", &[("code_challenge_method", "plain")]),
            ("redirect_uri is missing", &[("redirect_uri", "")]),
        ];
        for (part, change) in rows {
            let refused = bank.push(None, change).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{part}");
            assert!(refused.body.contains(part), "{}", refused.body);
        }
    }

    async fn tokens_without_a_key_and_with_other_algorithms_are_refused(world) {
        // FAPI 2.0 Security Profile §5.3.2.1, §5.4.1
        let bank = Bank::register(&world).await;
        let cookie = world.cookie().await;
        let code = bank.code(&cookie).await;
        let other = Prover::of(Algorithm::Es384);
        for prover in [None, Some(&other)] {
            let refused = bank.send(prover, TOKEN, &exchange(&code)).await;
            assert_eq!(refused.error(), "invalid_dpop_proof", "{}", refused.body);
        }
        let pushed = bank.push(Some(&other), &[]).await;
        assert_eq!(pushed.error(), "invalid_dpop_proof", "{}", pushed.body);
        for (key, accepted) in [(1, true), (2, false)] {
            let assertion = bank.assertion(key, ISSUER);
            let form = [("token", "x"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion)];
            let answer = world.post("/oauth2/introspect", &[], &form).await;
            assert_eq!(answer.status == StatusCode::OK, accepted, "{}", answer.body);
        }
        // The code was not used up by what was refused.
        let tokens = bank.send(Some(&bank.prover), TOKEN, &exchange(&code)).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    }
}

#[test]
fn the_audience_of_its_assertions_is_the_issuer_whatever_the_operator_allows() {
    // SB-27, FAPI 2.0 Security Profile §5.3.2.1
    testkit::block_on(async {
        let world = World::with(&[("CLIENT_ASSERTIONS__TOKEN_ENDPOINT_AUDIENCE", "true")]).await;
        let bank = Bank::register(&world).await;
        for (audience, accepted) in [(ISSUER.to_owned(), true), (format!("{ISSUER}{TOKEN}"), false)] {
            let assertion = bank.assertion(0, &audience);
            let form = [
                ("token", "x"),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", &assertion),
            ];
            let answer = world.post("/oauth2/introspect", &[], &form).await;
            assert_eq!(answer.status == StatusCode::OK, accepted, "{}", answer.body);
        }
    });
}
