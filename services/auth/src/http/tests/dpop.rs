//! Tests of DPoP (RFC 9449) from the authorization request to userinfo.

use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, COOKIE, WWW_AUTHENTICATE,
};
use http::{Method, Request, StatusCode};
use oidc::dpop::access_token_hash;
use oidc::jose::{Algorithm, SigningKey};
use serde_json::{Value, json};

use super::world::{ISSUER, TestResponse, World, authorization, basic, encode, exchange, stories};
use crate::clients::{AuthMethod, GrantType};
use crate::testing::{self, claim};

/// A client with a key, and the nonce that it was told last.
pub(super) struct Prover {
    key: SigningKey,
    algorithm: Algorithm,
    nonce: std::cell::RefCell<String>,
    made: std::cell::Cell<u32>,
}

impl Prover {
    pub(super) fn new() -> Self {
        Self::of(Algorithm::Es256)
    }

    pub(super) fn of(algorithm: Algorithm) -> Self {
        Self {
            key: SigningKey::generate(algorithm).unwrap(),
            algorithm,
            nonce: std::cell::RefCell::default(),
            made: std::cell::Cell::new(0),
        }
    }

    pub(super) fn jkt(&self) -> String {
        self.key.public().thumbprint().unwrap()
    }

    /// The nonce of the next proof. It has none when this is empty.
    pub(super) fn set_nonce(&self, nonce: &str) {
        nonce.clone_into(&mut self.nonce.borrow_mut());
    }

    pub(super) fn proof(&self, method: &str, path: &str, token: Option<&str>) -> String {
        self.made.set(self.made.get() + 1);
        let mut claims = json!({
            "jti": self.made.get().to_string(), "htm": method, "htu": format!("{ISSUER}{path}"),
            "iat": testing::BEGINNING.as_secs()
        });
        if !self.nonce.borrow().is_empty() {
            claims["nonce"] = json!(*self.nonce.borrow());
        }
        if let Some(token) = token {
            claims["ath"] = json!(access_token_hash(token));
        }
        let header = json!({"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.key.public()});
        self.key.sign_with_header(&header, &claims).unwrap()
    }

    /// A token request with a proof; a second one when the server asks for its nonce.
    pub(super) async fn token(
        &self,
        world: &World,
        authorization: &str,
        form: &[(&str, &str)],
    ) -> TestResponse {
        let mut answer = self.token_once(world, authorization, form).await;
        if answer.status != StatusCode::OK && answer.error() == "use_dpop_nonce" {
            answer = self.token_once(world, authorization, form).await;
        }
        answer
    }

    async fn token_once(&self, world: &World, authorization: &str, form: &[(&str, &str)]) -> TestResponse {
        self.post(world, "/oauth2/token", authorization, form).await
    }

    /// A request with a proof. The nonce of the response is for the next one.
    pub(super) async fn post(
        &self,
        world: &World,
        path: &str,
        authorization: &str,
        form: &[(&str, &str)],
    ) -> TestResponse {
        let proof = self.proof("POST", path, None);
        let mut headers = vec![("dpop", proof.as_str())];
        if !authorization.is_empty() {
            headers.push((AUTHORIZATION.as_str(), authorization));
        }
        let answer = world.post(path, &headers, form).await;
        self.set_nonce(answer.header("dpop-nonce"));
        answer
    }

    pub(super) async fn userinfo(&self, world: &World, token: &str) -> TestResponse {
        let proof = self.proof("GET", "/oauth2/userinfo", Some(token));
        let authorization = format!("DPoP {token}");
        let headers = [
            ("dpop", proof.as_str()),
            (AUTHORIZATION.as_str(), authorization.as_str()),
        ];
        world.get("/oauth2/userinfo", &headers).await
    }
}

fn refresh(token: &Value) -> [(&str, &str); 2] {
    [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str().unwrap()),
    ]
}

stories! {
    async fn tokens_are_bound_to_the_key_of_the_proof_and_the_server_asks_for_its_nonce(world) {
        // RFC 9449 §5, §6.1, §8
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        for name in metadata["dpop_signing_alg_values_supported"].as_array().unwrap() {
            assert!(Algorithm::from_name(name.as_str().unwrap()).is_some(), "{name}");
        }
        let prover = Prover::new();
        let cookie = world.cookie().await;
        let web = basic("web", &world.secret);
        let code = world.code(&cookie, &[]).await;
        let asked = prover.token_once(&world, &web, &exchange(&code)).await;
        assert_eq!((asked.status, asked.error().as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"));
        assert!(!asked.header("dpop-nonce").is_empty());
        assert!(asked.header(ACCESS_CONTROL_EXPOSE_HEADERS).contains("dpop-nonce"));
        // The code was not used up.
        let answer = prover.token_once(&world, &web, &exchange(&code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let tokens = answer.json();
        assert_eq!(tokens["token_type"], "DPoP");
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(claim(access, "cnf"), json!({"jkt": prover.jkt()}));

        let introspected = world.post("/oauth2/introspect", &[(AUTHORIZATION.as_str(), &web)], &[("token", access)]).await.json();
        assert_eq!((&introspected["token_type"], &introspected["cnf"]), (&json!("DPoP"), &json!({"jkt": prover.jkt()})));

        let info = prover.userinfo(&world, access).await;
        assert_eq!(info.status, StatusCode::OK, "{}", info.body);
        assert!(!info.header("dpop-nonce").is_empty());
        let bearer = format!("Bearer {access}");
        let refused = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(refused.header(WWW_AUTHENTICATE).starts_with("DPoP error=\"invalid_token\""));

        // A confidential client may change its key: its refresh tokens are bound to its secret, and rotate.
        let other = Prover::new();
        let second = other.token(&world, &web, &refresh(&tokens["refresh_token"])).await.json();
        assert_ne!(second["refresh_token"], tokens["refresh_token"]);
        assert_eq!(claim(second["access_token"].as_str().unwrap(), "cnf"), json!({"jkt": other.jkt()}));
        let third = world.token(&refresh(&second["refresh_token"])).await.json();
        assert_eq!(third["token_type"], "Bearer");
    }

    async fn the_nonce_is_checked_before_the_client_and_the_rest_of_the_proof_after_it(world) {
        // RFC 9449 §8
        let stranger = basic("web", "guess");
        for path in ["/oauth2/token", "/oauth2/par"] {
            let prover = Prover::new();
            for nonce in ["", "made-up"] {
                prover.set_nonce(nonce);
                let asked = prover.post(&world, path, &stranger, &[]).await;
                assert_eq!((asked.status, asked.error().as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"), "{path}");
            }
            let (right, other) = (prover.proof("POST", path, None), prover.proof("GET", path, None));
            let without_nonce = Prover::new().proof("POST", path, None);
            for proofs in [
                &[][..],
                &[right.as_str()],
                &[other.as_str()],
                &[right.as_str(), without_nonce.as_str()],
                &["x"],
            ] {
                let mut headers = vec![(AUTHORIZATION.as_str(), stranger.as_str())];
                headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
                let refused = world.post(path, &headers, &[]).await;
                assert_eq!((refused.status, refused.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{path} {proofs:?}");
            }
        }
    }

    async fn a_proof_is_good_once_and_a_bad_one_uses_nothing_up(world) {
        // RFC 9449 §4.3, §11.1
        let prover = Prover::new();
        let secret = world.client("machine", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read".parse().unwrap();
        }).await.unwrap();
        let machine = basic("machine", &secret);
        let form = [("grant_type", "client_credentials"), ("scope", "users:read")];
        assert_eq!(prover.token(&world, &machine, &form).await.json()["token_type"], "DPoP");
        let proof = prover.proof("POST", "/oauth2/token", None);
        let send = async |proofs: &[&str]| {
            let mut headers = vec![(AUTHORIZATION.as_str(), machine.as_str())];
            headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
            world.post("/oauth2/token", &headers, &form).await
        };
        assert_eq!(send(&[&proof]).await.status, StatusCode::OK);
        let (one, other) = (prover.proof("POST", "/oauth2/token", None), prover.proof("POST", "/oauth2/token", None));
        for (proofs, why) in [
            (vec![proof.as_str()], "used before"),
            (vec![one.as_str(), other.as_str()], "one DPoP header"),
            (vec![prover.proof("GET", "/oauth2/token", None).as_str()], "htm"),
            (vec![prover.proof("POST", "/oauth2/userinfo", None).as_str()], "htu"),
            (vec!["x"], "not a JWT"),
        ] {
            let answer = send(&proofs).await;
            assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"), "{why}");
            assert!(answer.body.contains(why), "{why}: {}", answer.body);
        }
        assert_eq!(send(&[&one]).await.status, StatusCode::OK);
    }

    async fn a_replayed_proof_uses_nothing_up_and_a_failed_request_does_not_use_its_proof_up(world) {
        // RFC 9449 §11.1
        let prover = Prover::new();
        let cookie = world.cookie().await;
        let web = basic("web", &world.secret);
        let tokens = prover.token(&world, &web, &exchange(&world.code(&cookie, &[]).await)).await.json();
        let proof = prover.proof("POST", "/oauth2/token", None);
        let headers = [(AUTHORIZATION.as_str(), web.as_str()), ("dpop", proof.as_str())];
        // A wrong code does not use the proof up.
        assert_eq!(world.post("/oauth2/token", &headers, &exchange("x")).await.error(), "invalid_grant");
        let code = world.code(&cookie, &[]).await;
        assert_eq!(world.post("/oauth2/token", &headers, &exchange(&code)).await.status, StatusCode::OK);
        // The used proof uses neither a code nor a refresh token up.
        let code = world.code(&cookie, &[]).await;
        let form = refresh(&tokens["refresh_token"]);
        assert_eq!(world.post("/oauth2/token", &headers, &exchange(&code)).await.error(), "invalid_dpop_proof");
        assert_eq!(world.post("/oauth2/token", &headers, &form).await.error(), "invalid_dpop_proof");
        assert_eq!(world.app.count("SELECT COUNT(*) FROM refresh_tokens WHERE rotated_at IS NOT NULL").await, 0);
        assert_eq!(prover.token(&world, &web, &exchange(&code)).await.status, StatusCode::OK);

        let proof = prover.proof("POST", "/oauth2/par", None);
        let headers = [(AUTHORIZATION.as_str(), web.as_str()), ("dpop", proof.as_str())];
        let query = authorization(&[]);
        let form: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(world.post("/oauth2/par", &headers, &form).await.status, StatusCode::CREATED);
        assert_eq!(world.post("/oauth2/par", &headers, &form).await.error(), "invalid_dpop_proof");
        assert_eq!(world.app.count("SELECT COUNT(*) FROM pushed_authorization_requests").await, 1);
    }

    async fn the_refresh_token_of_a_public_client_is_bound_and_does_not_rotate(world) {
        // SB-24, RFC 9449 §5
        world.client("phone", |wish| wish.token_endpoint_auth_method = AuthMethod::None).await;
        let prover = Prover::new();
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[("client_id", "phone")]).await;
        let mut form = exchange(&code).to_vec();
        form.push(("client_id", "phone"));
        let tokens = prover.token(&world, "", &form).await.json();
        let mut form = refresh(&tokens["refresh_token"]).to_vec();
        form.push(("client_id", "phone"));
        for _ in 0..3 {
            let again = prover.token(&world, "", &form).await;
            assert_eq!(again.status, StatusCode::OK, "{}", again.body);
            assert!(again.json().get("refresh_token").is_none());
            assert_eq!(prover.userinfo(&world, again.json()["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
        }
        let thief = Prover::new();
        assert_eq!(thief.token(&world, "", &form).await.error(), "invalid_grant");
        assert_eq!(world.post("/oauth2/token", &[], &form).await.error(), "invalid_grant");
        assert_eq!(prover.token(&world, "", &form).await.status, StatusCode::OK, "the thief did no harm");
    }

    async fn a_refresh_token_that_was_not_bound_is_bound_by_the_first_proof(world) {
        // SB-24, RFC 9449 §5
        world.client("phone", |wish| wish.token_endpoint_auth_method = AuthMethod::None).await;
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[("client_id", "phone")]).await;
        let mut form = exchange(&code).to_vec();
        form.push(("client_id", "phone"));
        let unbound = world.post("/oauth2/token", &[], &form).await.json();
        assert_eq!(unbound["token_type"], "Bearer");
        let (prover, thief) = (Prover::new(), Prover::new());
        let mut form = refresh(&unbound["refresh_token"]).to_vec();
        form.push(("client_id", "phone"));
        let bound = prover.token(&world, "", &form).await.json();
        assert_eq!(bound["token_type"], "DPoP");
        assert_ne!(bound["refresh_token"], unbound["refresh_token"]);
        // When the response is lost, the key gets the same successor, and nobody else does.
        assert_eq!(prover.token(&world, "", &form).await.json()["refresh_token"], bound["refresh_token"]);
        assert_eq!(world.post("/oauth2/token", &[], &form).await.error(), "invalid_grant");
        assert_eq!(thief.token(&world, "", &form).await.error(), "invalid_grant");
        let mut form = refresh(&bound["refresh_token"]).to_vec();
        form.push(("client_id", "phone"));
        assert_eq!(world.post("/oauth2/token", &[], &form).await.error(), "invalid_grant");
        assert_eq!(thief.token(&world, "", &form).await.error(), "invalid_grant");
        let again = prover.token(&world, "", &form).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.body);
        assert!(again.json().get("refresh_token").is_none(), "it stays");
    }

    async fn a_code_is_bound_to_the_key_that_the_request_names(world) {
        // RFC 9449 §10
        let (prover, thief) = (Prover::new(), Prover::new());
        let cookie = world.cookie().await;
        let web = basic("web", &world.secret);
        let code = world.code(&cookie, &[("dpop_jkt", &prover.jkt())]).await;
        assert_eq!(thief.token(&world, &web, &exchange(&code)).await.error(), "invalid_grant");
        assert_eq!(world.token(&exchange(&code)).await.error(), "invalid_grant");
        assert_eq!(prover.token(&world, &web, &exchange(&code)).await.status, StatusCode::OK);
        let bad = world.authorize(&cookie, &[("dpop_jkt", "short")]).await;
        assert_eq!(bad.query()["error"], "invalid_request");
    }

    async fn a_proof_at_the_endpoint_of_pushed_requests_binds_the_code(world) {
        // RFC 9449 §10.1
        let (prover, thief) = (Prover::new(), Prover::new());
        let cookie = world.cookie().await;
        let web = basic("web", &world.secret);
        let push = async |more: &[(&str, &str)], without_value: &[&'static str]| {
            let proof = prover.proof("POST", "/oauth2/par", None);
            let headers = [("dpop", proof.as_str()), (AUTHORIZATION.as_str(), web.as_str())];
            let query = authorization(more);
            let form: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            form.extend(without_value.iter().map(|name| (*name, "")));
            let answer = world.post("/oauth2/par", &headers, &form).await;
            prover.set_nonce(answer.header("dpop-nonce"));
            answer
        };
        assert_eq!(push(&[], &[]).await.error(), "use_dpop_nonce");
        // A parameter without a value counts as absent (RFC 6749 §3.1).
        for without_value in [&[][..], &["dpop_jkt"]] {
            let pushed = push(&[], without_value).await;
            assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.body);
            let reference = pushed.json()["request_uri"].as_str().unwrap().to_owned();
            let query = encode(&[("client_id", "web"), ("request_uri", &reference)]);
            let answer = world.get(&format!("/oauth2/authorize?{query}"), &[(COOKIE.as_str(), &cookie)]).await;
            let code = answer.query().remove("code").unwrap();
            assert_eq!(thief.token(&world, &web, &exchange(&code)).await.error(), "invalid_grant");
            assert_eq!(prover.token(&world, &web, &exchange(&code)).await.status, StatusCode::OK);
        }
        let other = push(&[("dpop_jkt", &thief.jkt())], &[]).await;
        assert_eq!((other.status, other.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
    }

    async fn a_client_can_be_held_to_bound_tokens(world) {
        // RFC 9449 §5.2
        let secret = world.client("strict", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read".parse().unwrap();
            wish.dpop_bound_access_tokens = true;
        }).await.unwrap();
        let strict = basic("strict", &secret);
        let form = [("grant_type", "client_credentials"), ("scope", "users:read")];
        let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &strict)], &form).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
        assert_eq!(Prover::new().token(&world, &strict, &form).await.status, StatusCode::OK);
    }

    async fn scripts_may_send_proofs(world) {
        let ask = Request::builder().method(Method::OPTIONS).uri("/oauth2/token").body(Body::empty()).unwrap();
        let answer = world.send(ask).await;
        assert!(answer.header(ACCESS_CONTROL_ALLOW_HEADERS).contains("dpop"));
    }
}
