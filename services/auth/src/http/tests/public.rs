//! Tests of the public endpoints: metadata and key set.

use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ETAG, IF_NONE_MATCH,
};
use http::{Method, Request, StatusCode};
use oidc::jose::{JwkSet, KeySet, peek_header};

use super::world::{ISSUER, World, stories};

stories! {
    async fn both_discovery_documents_say_the_same(world) {
        let openid = world.get("/.well-known/openid-configuration", &[]).await;
        let oauth = world.get("/.well-known/oauth-authorization-server", &[]).await;
        assert_eq!(openid.status, StatusCode::OK);
        assert_eq!(openid.body, oauth.body);
        assert_eq!(openid.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        let document = openid.json();
        assert_eq!(document["issuer"], ISSUER);
        for (name, url) in document.as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                let path = url.as_str().unwrap().strip_prefix(ISSUER).unwrap();
                let answer = world.get(path, &[]).await;
                assert_ne!(answer.status, StatusCode::NOT_FOUND, "{name}");
            }
        }
    }

    async fn the_key_set_verifies_what_is_signed_and_is_not_sent_twice(world) {
        // SB-26
        let first = world.get("/oauth2/jwks", &[]).await;
        assert_eq!(first.status, StatusCode::OK);
        assert!(first.header(CACHE_CONTROL).contains("max-age=300"));
        let set: JwkSet = serde_json::from_str(&first.body).unwrap();
        let keys = KeySet::from_jwks(&set);
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        for token in ["access_token", "id_token"] {
            let header = peek_header(tokens[token].as_str().unwrap()).unwrap();
            assert!(keys.has(header.kid.as_deref().unwrap()), "{token}");
        }
        assert!(!first.body.contains("\"d\""), "no private member");
        let again = world.get("/oauth2/jwks", &[(IF_NONE_MATCH.as_str(), first.header(ETAG))]).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }

    async fn scripts_are_told_that_they_may_call(world) {
        let ask = Request::builder()
            .method(Method::OPTIONS)
            .uri("/oauth2/token")
            .header("origin", "https://app.example.org")
            .header("access-control-request-method", "POST")
            .body(Body::empty())
            .unwrap();
        let answer = world.send(ask).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        assert!(answer.header(ACCESS_CONTROL_ALLOW_METHODS).contains("POST"));
    }
}
