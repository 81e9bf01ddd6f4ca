//! Requirements of the profiles of the OpenID Foundation that a whole request and its response show: what may be asked for
//! without effect, what an ID token says, and what a code that comes again costs.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::AUTHORIZATION;
use serde_json::Value;

use super::world::{CALLBACK, ISSUER, World, basic, exchange, stories};

/// The claims of an ID token. Its signature is verified elsewhere.
fn claims(tokens: &Value) -> Value {
    let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

impl World {
    /// The tokens of an authorization request, changed.
    async fn tokens_of(&self, cookie: &str, change: &[(&str, &str)]) -> Value {
        let code = self.code(cookie, change).await;
        let answer = self.token(&exchange(&code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{change:?}: {}", answer.body);
        answer.json()
    }

    /// The status of userinfo with this value of `Authorization`.
    async fn userinfo_status(&self, authorization: &str) -> StatusCode {
        let header = [(AUTHORIZATION.as_str(), authorization)];
        self.get("/oauth2/userinfo", &header).await.status
    }
}

stories! {
    async fn parameters_that_are_hints_or_unknown_do_not_stop_a_sign_in(world) {
        // OpenID Connect Core §3.1.2.1, RFC 6749 §3.1
        let cookie = world.cookie().await;
        for (name, value) in [
            ("display", "page"),
            ("display", "popup"),
            ("ui_locales", "se"),
            ("claims_locales", "se"),
            ("login_hint", "ann"),
            ("acr_values", "1 2"),
            ("max_age", "10000"),
            ("extra", "foobar"),
            ("prompt", "none"),
            ("scope", "email profile openid"),
        ] {
            let tokens = world.tokens_of(&cookie, &[(name, value)]).await;
            assert_eq!(claims(&tokens)["sub"], world.ann.to_string(), "{name}={value}");
        }
    }

    async fn an_id_token_says_who_when_and_for_whom(world) {
        // OpenID Connect Core §2, §3.1.3.6, §5.3.2
        let cookie = world.cookie().await;
        let began = claims(&world.tokens(&cookie).await)["auth_time"].clone();
        world.app.wait(Duration::from_secs(100));
        for change in [&[("max_age", "10000")][..], &[("prompt", "none")]] {
            let tokens = world.tokens_of(&cookie, change).await;
            let id_token = claims(&tokens);
            assert_eq!((&id_token["iss"], &id_token["aud"]), (&ISSUER.into(), &"web".into()));
            let seconds = |claim: &str| id_token[claim].as_i64().unwrap();
            assert!(seconds("iat") < seconds("exp"));
            assert_eq!(id_token["auth_time"], began, "nobody signed in again: {change:?}");
            assert_eq!(seconds("iat") - seconds("auth_time"), 100, "{change:?}");
            assert!(id_token["at_hash"].is_string() && id_token["sid"].is_string());
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            let info = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await.json();
            assert_eq!(info["sub"], id_token["sub"]);
        }
    }

    async fn state_and_nonce_come_back_as_they_were_sent_or_not_at_all(world) {
        // RFC 6749 §4.1.2, OpenID Connect Core §2; FAPI 2.0 Security Profile §5.3.2.2 asks for nonces of 64 characters.
        let cookie = world.cookie().await;
        let (long, longest) = ("n".repeat(384), "s".repeat(2048));
        for (state, nonce) in [("", ""), ("x", ""), ("", "y"), ("x", long.as_str()), (longest.as_str(), "y")] {
            let query = world.authorize(&cookie, &[("state", state), ("nonce", nonce)]).await.query();
            assert_eq!(query.get("state").map(String::as_str).unwrap_or_default(), state);
            let tokens = world.token(&exchange(&query["code"])).await.json();
            assert_eq!(claims(&tokens)["nonce"].as_str().unwrap_or_default(), nonce);
        }
    }

    async fn a_code_that_comes_again_takes_its_tokens_along(world) {
        // SB-21, RFC 6749 §4.1.2
        for pause in [0, 1, 30] {
            let cookie = world.cookie().await;
            let code = world.code(&cookie, &[]).await;
            let tokens = world.token(&exchange(&code)).await.json();
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            assert_eq!(world.userinfo_status(&bearer).await, StatusCode::OK);
            world.app.wait(Duration::from_secs(pause));
            assert_eq!(world.token(&exchange(&code)).await.error(), "invalid_grant", "after {pause} s");
            assert_eq!(world.userinfo_status(&bearer).await, StatusCode::UNAUTHORIZED, "after {pause} s");
            let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
            assert_eq!(world.token(&refresh).await.error(), "invalid_grant", "after {pause} s");
        }
    }

    async fn a_code_and_a_refresh_token_are_for_their_client(world) {
        // RFC 6749 §4.1.3, §6, §10.5
        let secret = world.client("other", |_| {}).await.unwrap();
        let other = basic("other", &secret);
        let header = [(AUTHORIZATION.as_str(), other.as_str())];
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[]).await;
        assert_eq!(world.post("/oauth2/token", &header, &exchange(&code)).await.error(), "invalid_grant");
        let tokens = world.token(&exchange(&code)).await.json();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        assert_eq!(world.post("/oauth2/token", &header, &refresh).await.error(), "invalid_grant");
        assert_eq!(world.token(&refresh).await.status, StatusCode::OK, "the attempt of the other cost nothing");
        let named = [&exchange("x")[..], &[("client_id", "other")]].concat();
        let named = world.token(&named).await;
        assert_eq!((named.status, named.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "two clients");
    }

    async fn with_two_addresses_the_request_has_to_name_one(world) {
        // RFC 6749 §3.1.2.3, SB-20
        world.client("two", |wish| {
            let other = "https://app.example.org/callback?tenant=2".parse().unwrap();
            wish.redirect_uris = vec![CALLBACK.parse().unwrap(), other];
        }).await;
        let cookie = world.cookie().await;
        for (uri, expected) in [
            (CALLBACK, StatusCode::SEE_OTHER),
            ("https://app.example.org/callback?tenant=2", StatusCode::SEE_OTHER),
            ("https://app.example.org/callback?tenant=3", StatusCode::BAD_REQUEST),
            ("", StatusCode::BAD_REQUEST),
        ] {
            let answer = world.authorize(&cookie, &[("client_id", "two"), ("redirect_uri", uri)]).await;
            assert_eq!(answer.status, expected, "{uri}");
            assert_eq!(answer.query().contains_key("code"), expected == StatusCode::SEE_OTHER, "{uri}");
            assert_eq!(answer.body.contains("redirect_uri is missing"), uri.is_empty(), "{}", answer.body);
        }
    }

    async fn the_scheme_of_a_token_is_read_in_any_case(world) {
        // RFC 9110 §11.1
        let tokens = world.tokens(&world.cookie().await).await;
        let access = tokens["access_token"].as_str().unwrap();
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(world.userinfo_status(&format!("{scheme} {access}")).await, StatusCode::OK, "{scheme}");
        }
    }
}
