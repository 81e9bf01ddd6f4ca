//! Tests of the authorization endpoint.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::db::count_statements;
use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, COOKIE};

use super::world::{CALLBACK, World, authorization, encode, exchange, stories};

stories! {
    async fn ann_is_signed_in_and_the_client_gets_a_code(world) {
        // SB-25
        let cookie = world.cookie().await;
        let answer = world.authorize(&cookie, &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.location().starts_with("https://app.example.org/callback?tenant=1&code="));
        let query = answer.query();
        assert_eq!(query["state"], "s t&te");
        assert_eq!(query["iss"], "https://id.example.org");
        assert_eq!(answer.header(CACHE_CONTROL), "no-store");
        let tokens = world.token(&exchange(&query["code"])).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        assert_eq!(tokens.header(CACHE_CONTROL), "no-store");
        assert_eq!(tokens.json()["scope"], "openid profile email");
    }

    async fn a_bad_client_or_address_shows_a_page_and_redirects_nowhere(world) {
        // SB-20
        let cookie = world.cookie().await;
        for (name, value) in [
            ("client_id", "nobody"),
            ("client_id", ""),
            ("redirect_uri", "https://evil.example/callback?tenant=1"),
            ("redirect_uri", "https://app.example.org/callback"),
            ("redirect_uri", "https://app.example.org/callback?tenant=1&x=y"),
            ("redirect_uri", "https://app.example.org/callback?tenant=1#x"),
            ("redirect_uri", "https://app.example.org@evil.example/callback?tenant=1"),
            ("redirect_uri", "HTTPS://app.example.org/callback?tenant=1"),
        ] {
            for cookie in [cookie.as_str(), ""] {
                let answer = world.authorize(cookie, &[(name, value)]).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}={value}");
                assert_eq!(answer.location(), "", "{name}={value}");
            }
        }
        let twice = format!("/oauth2/authorize?{}&redirect_uri=https%3A%2F%2Fevil.example", authorization(&[]));
        let answer = world.get(&twice, &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, ""));
    }

    async fn the_port_of_a_loopback_address_is_free_and_nothing_else(world) {
        // SB-20
        world.client("native", |wish| {
            wish.redirect_uris = vec!["http://127.0.0.1/callback".parse().unwrap()];
        }).await;
        let cookie = world.cookie().await;
        let ask = async |uri: &str| world.authorize(&cookie, &[("client_id", "native"), ("redirect_uri", uri)]).await.status;
        assert_eq!(ask("http://127.0.0.1:49152/callback").await, StatusCode::SEE_OTHER);
        assert_eq!(ask("http://127.0.0.1:49152/other").await, StatusCode::BAD_REQUEST);
        assert_eq!(ask("http://127.0.0.1.evil.example/callback").await, StatusCode::BAD_REQUEST);
        assert_eq!(ask("http://localhost:49152/callback").await, StatusCode::BAD_REQUEST);
    }

    async fn what_is_wrong_otherwise_is_told_to_the_client(world) {
        // SB-22, SB-23
        let cookie = world.cookie().await;
        for (name, value, error) in [
            ("response_type", "token", "unsupported_response_type"),
            ("response_type", "id_token token", "unsupported_response_type"),
            ("response_type", "", "invalid_request"),
            ("response_mode", "fragment", "invalid_request"),
            ("code_challenge", "", "invalid_request"),
            ("code_challenge", "short", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("code_challenge_method", "", "invalid_request"),
            ("scope", "a\"b", "invalid_scope"),
            ("scope", "users:write", "invalid_scope"),
            ("prompt", "none login", "invalid_request"),
            ("max_age", "-1", "invalid_request"),
            ("request", "a.b.c", "invalid_request_object"),
            ("request_uri", "https://evil.example/", "invalid_request_uri"),
            ("resource", "https://other.example", "invalid_target"),
        ] {
            let answer = world.authorize(&cookie, &[(name, value)]).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}={value}");
            assert!(answer.location().starts_with(CALLBACK), "{name}={value}");
            let query = answer.query();
            assert_eq!((query["error"].as_str(), query["iss"].as_str()), (error, "https://id.example.org"), "{name}={value}");
            assert_eq!(query["state"], "s t&te");
        }
        let twice = format!("/oauth2/authorize?{}&nonce=m", authorization(&[]));
        let answer = world.get(&twice, &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!(answer.query()["error"], "invalid_request");
    }

    async fn without_pkce_only_where_the_registration_says_so(world) {
        // SB-22
        world.client("old", |wish| wish.require_pkce = false).await;
        let cookie = world.cookie().await;
        let without = [("code_challenge", ""), ("code_challenge_method", "")];
        let query = world.authorize(&cookie, &without).await.query();
        assert_eq!(query["error"], "invalid_request");
        let old = [("client_id", "old"), without[0], without[1]];
        assert!(world.authorize(&cookie, &old).await.query().contains_key("code"));
    }

    async fn who_is_not_signed_in_is_sent_to_sign_in_and_comes_back(world) {
        let answer = world.authorize("", &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.location().starts_with("/login?return_to="));
        let back = answer.query()["return_to"].clone();
        assert!(back.starts_with("/oauth2/authorize?"));
        let cookie = world.cookie().await;
        let answer = world.get(&back, &[(COOKIE.as_str(), &cookie)]).await;
        assert!(answer.query().contains_key("code"), "{}", answer.location());
        let silent = world.authorize("", &[("prompt", "none")]).await.query();
        assert_eq!(silent["error"], "login_required");
    }

    async fn prompt_login_asks_again_once(world) {
        let cookie = world.cookie().await;
        world.app.wait(Duration::from_secs(60));
        let answer = world.authorize(&cookie, &[("prompt", "login")]).await;
        let back = answer.query()["return_to"].clone();
        let stale = world.get(&back, &[(COOKIE.as_str(), &cookie)]).await;
        assert!(stale.location().starts_with("/login?"), "the old sign-in does not do");
        let fresh = format!("{}; {}", world.cookie().await, answer.cookie());
        world.app.wait(Duration::from_secs(5));
        let answer = world.get(&back, &[(COOKIE.as_str(), &fresh)]).await;
        assert!(answer.query().contains_key("code"), "{}", answer.location());
    }

    async fn max_age_asks_who_signed_in_too_long_ago(world) {
        let cookie = world.cookie().await;
        world.app.wait(Duration::from_secs(60));
        let age = async |text: &str| world.authorize(&cookie, &[("max_age", text)]).await;
        assert!(age("60").await.query().contains_key("code"));
        let answer = age("59").await;
        assert!(answer.location().starts_with("/login?"));
        let silent = world.authorize(&cookie, &[("max_age", "59"), ("prompt", "none")]).await.query();
        assert_eq!(silent["error"], "login_required");
        let fresh = world.cookie().await;
        let zero = world.authorize(&fresh, &[("max_age", "0")]).await;
        assert!(zero.location().starts_with("/login?"), "within the same second too");
    }

    async fn max_age_holds_between_replicas_whose_clocks_differ_a_little(world) {
        let cookie = world.cookie().await;
        let at = world.app.clock.now();
        let age = async |text: &str| world.authorize(&cookie, &[("max_age", text)]).await;
        world.app.clock.set(at - Duration::from_secs(2));
        assert!(age("86400").await.query().contains_key("code"), "signed in at a replica that is ahead");
        world.app.clock.set(at - Duration::from_secs(3600));
        assert!(age("60").await.location().starts_with("/login?"), "of unknown age");
    }

    async fn a_request_may_be_posted_and_is_answered_with_a_get(world) {
        // SB-25
        let form: Vec<(String, String)> = url::form_urlencoded::parse(authorization(&[]).as_bytes()).into_owned().collect();
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let cookie = world.cookie().await;
        let answer = world.post("/oauth2/authorize", &[(COOKIE.as_str(), &cookie)], &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.query().contains_key("code"));
        // From another site a browser sends no cookie along; the GET that follows has it.
        let answer = world.post("/oauth2/authorize", &[], &form).await;
        assert_eq!(answer.location(), format!("/oauth2/authorize?{}", encode(&form)));
    }

    async fn a_request_without_scope_gives_nothing_privileged_and_nothing_that_lasts(world) {
        // SB-48
        let all = "openid profile offline_access admin users:read users:write";
        world.client("tool", |wish| {
            wish.scope = all.parse().unwrap();
            wish.token_endpoint_auth_method = crate::clients::AuthMethod::None;
        }).await;
        let mut boss = crate::testing::person_state(world.ann, "ann");
        (boss.groups, boss.version) = (vec!["vestibule-admins".to_owned()], 2);
        world.app.change(&boss).await;
        let cookie = world.cookie().await;
        for (asked, given) in [("", "openid profile"), ("  ", "openid profile"), (" openid  admin ", "openid admin")] {
            let code = world.code(&cookie, &[("client_id", "tool"), ("scope", asked)]).await;
            let mut form = exchange(&code).to_vec();
            form.push(("client_id", "tool"));
            let tokens = world.post("/oauth2/token", &[], &form).await.json();
            assert_eq!(tokens["scope"], given, "{asked:?}");
            let again = [("grant_type", "refresh_token"), ("client_id", "tool"), ("refresh_token", tokens["refresh_token"].as_str().unwrap()), ("scope", "")];
            assert_eq!(world.post("/oauth2/token", &[], &again).await.json()["scope"], given, "{asked:?}");
        }
    }

    async fn scripts_may_not_call_it(world) {
        // SB-25
        let path = format!("/oauth2/authorize?{}", authorization(&[]));
        let answer = world.get(&path, &[("origin", "https://app.example.org")]).await;
        assert!(answer.headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
        let answer = world.get("/oauth2/authorize", &[("origin", "https://app.example.org")]).await;
        assert!(answer.headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
    }
}

#[test]
fn an_ordinary_flow_costs_few_statements() {
    testkit::block_on(async {
        let world = World::new().await;
        let cookie = world.cookie().await;
        world.tokens(&cookie).await;
        let (code, statements) = count_statements(world.code(&cookie, &[])).await;
        assert_eq!(statements, 3, "the session with its user, BEGIN, the code");
        let (tokens, statements) = count_statements(world.token(&exchange(&code))).await;
        assert_eq!(tokens.status, StatusCode::OK);
        assert_eq!(
            statements, 3,
            "BEGIN, the code with its user, the grant with its refresh token"
        );
    });
}
