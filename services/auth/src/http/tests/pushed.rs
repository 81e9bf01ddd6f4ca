//! Tests of pushed authorization requests (RFC 9126), from the endpoint to the code.

use std::time::Duration;

use http::StatusCode;
use http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE};

use super::world::{CALLBACK, ISSUER, TestResponse, World, authorization, basic, encode, exchange, stories};

const PAR: &str = "/oauth2/par";

impl World {
    /// Pushes the authorization request of `web`, changed.
    async fn push(&self, change: &[(&str, &str)]) -> TestResponse {
        self.push_as("web", change).await
    }

    /// Pushes an authorization request of a client, changed. `web` authenticates.
    async fn push_as(&self, client: &str, change: &[(&str, &str)]) -> TestResponse {
        let form = authorization(&[&[("client_id", client)], change].concat());
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes())
            .into_owned()
            .collect();
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let basic = basic("web", &self.secret);
        let headers = [(AUTHORIZATION.as_str(), basic.as_str())];
        let headers = if client == "web" { &headers[..] } else { &[] };
        self.post(PAR, headers, &pairs).await
    }

    /// The request URI of a pushed request.
    async fn pushed(&self, change: &[(&str, &str)]) -> String {
        let response = self.push(change).await;
        assert_eq!(response.status, StatusCode::CREATED, "{}", response.body);
        response.json()["request_uri"].as_str().unwrap().to_owned()
    }

    /// The answer to an authorization request of `client_id` with a request URI.
    pub(super) async fn follow(&self, cookie: &str, client_id: &str, request_uri: &str) -> TestResponse {
        let query = encode(&[("client_id", client_id), ("request_uri", request_uri)]);
        self.get(
            &format!("/oauth2/authorize?{query}"),
            &[(COOKIE.as_str(), cookie)],
        )
        .await
    }
}

stories! {
    async fn a_pushed_request_gets_one_code(world) {
        // RFC 9126 §2.2, §4, §7.3
        let cookie = world.cookie().await;
        let response = world.push(&[]).await;
        assert_eq!(response.status, StatusCode::CREATED, "{}", response.body);
        assert_eq!(response.header(CACHE_CONTROL), "no-store");
        assert_eq!(response.json()["expires_in"], 90);
        let request_uri = response.json()["request_uri"].as_str().unwrap().to_owned();
        assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{request_uri}");

        let other = world.follow(&cookie, "vestibule-direct", &request_uri).await;
        assert_eq!((other.status, other.location()), (StatusCode::BAD_REQUEST, ""), "another client");
        let answer = world.follow(&cookie, "web", &request_uri).await;
        assert_eq!(answer.query()["state"], "s t&te");
        let tokens = world.token(&exchange(&answer.query()["code"])).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        let again = world.follow(&cookie, "web", &request_uri).await;
        assert_eq!((again.status, again.location()), (StatusCode::BAD_REQUEST, ""), "it is used once");
    }

    async fn a_person_signs_in_for_a_pushed_request(world) {
        // RFC 9126 §4; FAPI 2.0 Security Profile §5.3.2.2: a page that is loaded twice does not use it up.
        let request_uri = world.pushed(&[("prompt", "login")]).await;
        let before = world.cookie().await;
        world.app.wait(Duration::from_secs(1));
        let mut last = None;
        for _ in 0..2 {
            let answer = world.follow(&before, "web", &request_uri).await;
            assert!(answer.location().starts_with("/login?return_to="), "{}", answer.location());
            let back = answer.query()["return_to"].clone();
            assert!(!back.contains("scope") && !back.contains("callback"), "nothing of it is in the address: {back}");
            last = Some((back, answer.cookie().to_owned()));
        }
        let (back, browser) = last.unwrap();
        world.app.wait(Duration::from_secs(100));
        let cookies = format!("{browser}; {}", world.cookie().await);
        for _ in 0..2 {
            let answer = world.get(&back, &[(COOKIE.as_str(), &cookies)]).await;
            assert!(answer.query().contains_key("code"), "a double click: {} {}", answer.location(), answer.body);
        }
        let old = world.follow(&cookies, "web", &request_uri).await;
        assert_eq!(old.status, StatusCode::BAD_REQUEST);
    }

    async fn what_the_address_says_beside_a_request_uri_does_not_count(world) {
        // RFC 9126 §4, RFC 9101 §6.3
        let cookie = world.cookie().await;
        let request_uri = world.pushed(&[]).await;
        let query = encode(&[
            ("client_id", "web"),
            ("request_uri", &request_uri),
            ("redirect_uri", "https://evil.example/"),
            ("state", "other"),
            ("scope", "openid admin"),
            ("response_mode", "form_post"),
        ]);
        let answer = world.get(&format!("/oauth2/authorize?{query}"), &[(COOKIE.as_str(), &cookie)]).await;
        assert!(answer.location().starts_with(CALLBACK), "{}", answer.body);
        assert_eq!(answer.query()["state"], "s t&te");
    }

    async fn what_is_wrong_is_said_when_it_is_pushed(world) {
        // RFC 9126 §2.1, §2.3
        for (name, value, error) in [
            ("request_uri", "urn:ietf:params:oauth:request_uri:x", "invalid_request"),
            ("redirect_uri", "https://evil.example/", "invalid_request"),
            ("response_type", "token", "unsupported_response_type"),
            ("scope", "users:write", ""),
            ("code_challenge", "", "invalid_request"),
            ("resource", "https://other.example", "invalid_target"),
            ("client_id", "other", "invalid_request"),
        ] {
            let response = world.push(&[(name, value)]).await;
            if error.is_empty() {
                assert_eq!(response.status, StatusCode::CREATED, "who may grant it is not known yet");
                continue;
            }
            assert_eq!((response.status, response.error().as_str()), (StatusCode::BAD_REQUEST, error), "{name}={value}");
        }
        let unknown = world.post(PAR, &[(AUTHORIZATION.as_str(), &basic("web", "wrong"))], &[("response_type", "code")]).await;
        assert_eq!((unknown.status, unknown.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
        let long = world.push(&[("x", &"y".repeat(12 * 1024))]).await;
        assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(world.get(PAR, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }

    async fn a_request_uri_that_has_expired_or_is_unknown_shows_a_page(world) {
        // SB-20
        let cookie = world.cookie().await;
        let request_uri = world.pushed(&[]).await;
        world.app.wait(Duration::from_secs(90));
        for (client, uri) in [
            ("web", request_uri.as_str()),
            ("web", "urn:ietf:params:oauth:request_uri:unknown"),
            ("", request_uri.as_str()),
        ] {
            let answer = world.follow(&cookie, client, uri).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, ""), "{client} {uri}");
        }
        // Other URIs are not fetched (RFC 9101 §5.2.2 leaves that to the server).
        let foreign = world.authorize(&cookie, &[("request_uri", "https://app.example.org/request.jwt")]).await;
        assert_eq!(foreign.query()["error"], "invalid_request_uri");
    }

    async fn a_public_client_pushes_without_a_secret(world) {
        world.client("spa", |wish| wish.token_endpoint_auth_method = crate::clients::AuthMethod::None).await;
        let response = world.push_as("spa", &[]).await;
        assert_eq!(response.status, StatusCode::CREATED, "{}", response.body);
        let request_uri = response.json()["request_uri"].as_str().unwrap().to_owned();
        let answer = world.follow(&world.cookie().await, "spa", &request_uri).await;
        assert!(answer.query().contains_key("code"), "{}", answer.location());
    }

    async fn a_request_whose_code_could_not_be_stored_can_be_used_again(world) {
        let cookie = world.cookie().await;
        let request_uri = world.pushed(&[]).await;
        world.app.run("ALTER TABLE authorization_codes RENAME TO codes_that_are_away").await;
        let failed = world.follow(&cookie, "web", &request_uri).await;
        assert!(failed.query().contains_key("error"), "{} {}", failed.location(), failed.body);
        world.app.run("ALTER TABLE codes_that_are_away RENAME TO authorization_codes").await;
        let answer = world.follow(&cookie, "web", &request_uri).await;
        assert!(answer.query().contains_key("code"), "{} {}", answer.location(), answer.body);
    }

    async fn nothing_that_authenticated_the_client_is_stored(world) {
        // RFC 9126 §2.1
        let by_form = |wish: &mut crate::clients::ClientMetadata| {
            wish.token_endpoint_auth_method = crate::clients::AuthMethod::ClientSecretPost;
        };
        let secret = world.client("poster", by_form).await.unwrap();
        for (client, secret) in [("web", ""), ("poster", secret.as_str())] {
            let response = world.push_as(client, &[("client_secret", secret)]).await;
            assert_eq!(response.status, StatusCode::CREATED, "{}", response.body);
        }
        let rows = world.app.texts("SELECT query FROM pushed_authorization_requests").await;
        assert_eq!(rows.len(), 2);
        for row in rows {
            assert!(row.contains("scope=") && !row.contains("client_secret") && !row.contains(&secret), "{row}");
        }
    }

    async fn a_client_can_be_required_to_push(world) {
        // RFC 9126 §6
        world.client("strict", |wish| wish.require_pushed_authorization_requests = true).await;
        let answer = world.authorize(&world.cookie().await, &[("client_id", "strict")]).await;
        assert_eq!(answer.query()["error"], "invalid_request");
        assert_eq!(answer.query()["iss"], ISSUER);
    }
}

#[test]
fn the_installation_can_require_it_of_everybody() {
    // RFC 9126 §5
    testkit::block_on(async {
        let world = World::with(&[("AUTHORIZATION__REQUIRE_PUSHED_AUTHORIZATION_REQUESTS", "true")]).await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert_eq!(metadata["require_pushed_authorization_requests"], true);
        assert_eq!(
            metadata["pushed_authorization_request_endpoint"],
            format!("{ISSUER}{PAR}")
        );
        let cookie = world.cookie().await;
        assert_eq!(
            world.authorize(&cookie, &[]).await.query()["error"],
            "invalid_request"
        );
        let request_uri = world.pushed(&[]).await;
        assert!(
            world
                .follow(&cookie, "web", &request_uri)
                .await
                .query()
                .contains_key("code")
        );
    });
}

#[test]
fn one_client_cannot_fill_the_database() {
    testkit::block_on(async {
        let world = World::with(&[("AUTHORIZATION__PUSHED_PER_CLIENT", "2")]).await;
        world.pushed(&[]).await;
        world.pushed(&[]).await;
        let refused = world.push(&[]).await;
        assert_eq!(
            (refused.status, refused.error().as_str()),
            (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable")
        );
        assert_eq!(refused.header("retry-after"), "1");
    });
}

#[test]
fn one_address_cannot_fill_the_places_of_a_public_client() {
    testkit::block_on(async {
        let world = World::with(&[("AUTHORIZATION__WAITING_PER_SOURCE", "2")]).await;
        let public = |wish: &mut crate::clients::ClientMetadata| {
            wish.token_endpoint_auth_method = crate::clients::AuthMethod::None;
        };
        world.client("spa", public).await;
        for expected in [
            StatusCode::CREATED,
            StatusCode::CREATED,
            StatusCode::TOO_MANY_REQUESTS,
        ] {
            assert_eq!(world.push_as("spa", &[]).await.status, expected);
        }
        // A client with a secret pushes from the same address.
        world.pushed(&[]).await;
    });
}
