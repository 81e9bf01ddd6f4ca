//! Tests of response modes: the page that posts a response, and signed responses.

use std::collections::BTreeMap;

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use oidc::jose::{Algorithm, TYP_AUTHORIZATION_RESPONSE, Validation, verify};
use serde_json::Value;

use super::world::{CALLBACK, ISSUER, TestResponse, World, exchange, stories};

/// The hidden fields of a page, with the entities of HTML decoded.
fn fields(page: &TestResponse) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace("&#38;", "&").replace("&amp;", "&");
        text.replace("&#34;", "\"")
            .replace("&quot;", "\"")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
    };
    page.body
        .split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            (name.to_owned(), decoded(rest.split_once('"').unwrap().0))
        })
        .collect()
}

impl World {
    /// The claims of a signed response for `web`.
    fn claims(&self, response: &str, algorithm: Algorithm) -> Value {
        let keys = self.app.keys.current().verification_keys();
        let expected = Validation {
            algorithms: &[algorithm],
            typ: TYP_AUTHORIZATION_RESPONSE,
            issuer: ISSUER,
            audience: Some("web"),
            now: self.app.app.clock.now().as_secs(),
            leeway: 0,
            accept_expired: false,
        };
        verify(response, &keys, &expected).unwrap().claims
    }
}

stories! {
    async fn the_browser_posts_the_code_to_the_client(world) {
        // Form Post Response Mode §2, SB-17, SB-25
        let cookie = world.cookie().await;
        let page = world.authorize(&cookie, &[("response_mode", "form_post"), ("state", "a\"><script>&")]).await;
        assert_eq!((page.status, page.location()), (StatusCode::OK, ""));
        assert_eq!(page.header(CACHE_CONTROL), "no-store");
        assert_eq!(page.header(REFERRER_POLICY), "strict-origin");
        let policy = page.header(CONTENT_SECURITY_POLICY);
        let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("form-action"), "{policy}");
        assert!(page.body.contains(&format!("<script nonce=\"{nonce}\">")), "{}", page.body);
        assert_eq!(page.body.matches("<script").count(), 1, "{}", page.body);
        assert!(page.body.contains(&format!("<form method=\"post\" action=\"{CALLBACK}\">")), "{}", page.body);
        assert!(page.body.contains("<button type=\"submit\""), "it works without JavaScript");
        let fields = fields(&page);
        assert_eq!((fields["state"].as_str(), fields["iss"].as_str()), ("a\"><script>&", ISSUER));
        assert_eq!(fields.len(), 3, "{fields:?}");
        let tokens = world.token(&exchange(&fields["code"])).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    }

    async fn an_error_is_posted_as_well(world) {
        // RFC 6749 §4.1.2.1, Form Post Response Mode §2
        for (name, value, error) in [
            ("prompt", "none", "login_required"),
            ("scope", "a\"b", "invalid_scope"),
            ("response_type", "token", "unsupported_response_type"),
        ] {
            let page = world.authorize("", &[("response_mode", "form_post"), (name, value)]).await;
            assert_eq!(page.status, StatusCode::OK, "{name}");
            let fields = fields(&page);
            assert_eq!((fields["error"].as_str(), fields["state"].as_str()), (error, "s t&te"));
            assert!(!fields.contains_key("code"));
        }
        let unknown = [("response_mode", "form_post"), ("redirect_uri", "https://evil.example/")];
        assert_eq!(world.authorize("", &unknown).await.status, StatusCode::BAD_REQUEST);
    }

    async fn a_signed_response_hides_nothing_beside_it(world) {
        // JARM §2.1, §2.3.1, §2.3.3, §2.3.4; RFC 9207 §2.4
        let cookie = world.cookie().await;
        for mode in ["jwt", "query.jwt", "form_post.jwt"] {
            let answer = world.authorize(&cookie, &[("response_mode", mode)]).await;
            let parameters = if mode == "form_post.jwt" { fields(&answer) } else { answer.query() };
            let names: Vec<&String> = parameters.keys().filter(|name| *name != "tenant").collect();
            assert_eq!(names, ["response"], "{mode}");
            let claims = world.claims(&parameters["response"], Algorithm::Rs256);
            assert_eq!(claims["state"], "s t&te");
            let tokens = world.token(&exchange(claims["code"].as_str().unwrap())).await;
            assert_eq!(tokens.status, StatusCode::OK, "{mode}: {}", tokens.body);
        }
        let answer = world.authorize("", &[("response_mode", "jwt"), ("prompt", "none")]).await;
        let claims = world.claims(&answer.query()["response"], Algorithm::Rs256);
        assert_eq!((&claims["error"], &claims["aud"]), (&"login_required".into(), &"web".into()));
    }

    async fn the_client_chooses_the_algorithm_of_signed_responses(world) {
        // JARM §3
        let client = "ec";
        world.client(client, |wish| wish.authorization_signed_response_alg = Algorithm::Es256).await;
        let answer = world.authorize(&world.cookie().await, &[("client_id", client), ("response_mode", "jwt")]).await;
        let header = oidc::jose::peek_header(&answer.query()["response"]).unwrap();
        assert_eq!(header.alg, "ES256");
    }

    async fn the_advertised_modes_are_those_that_work(world) {
        let cookie = world.cookie().await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let modes: Vec<&str> = metadata["response_modes_supported"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for mode in ["query", "form_post", "query.jwt", "form_post.jwt", "jwt", "fragment", "fragment.jwt"] {
            let answer = world.authorize(&cookie, &[("response_mode", mode)]).await;
            let refused = answer.query().get("error").is_some_and(|error| error == "invalid_request");
            assert_eq!(modes.contains(&mode), !refused, "{mode}");
        }
    }
}
