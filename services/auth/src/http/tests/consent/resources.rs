//! Tests of consents and grants for a service whose URI gets the slash of an empty path later (ADR 0075).

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde_json::json;

use super::super::world::{CALLBACK, World, basic, exchange, introspect, stories};
use crate::testing::claim;

const BARE: &str = "https://api.example";
const SLASH: &str = "https://api.example/";

stories! {
    async fn a_slash_that_a_service_gets_asks_nobody_again_and_ends_no_token(world) {
        // SB-29, SB-47
        let admin = world.admin("admin").await;
        let register = async |audience: &str| {
            let body = json!({"redirect_uris": [CALLBACK], "require_consent": true, "audiences": [audience]});
            let changed = world.call(Method::PUT, "/admin/v1/clients/shop", &admin, Some(body)).await;
            assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        };
        let header = basic("shop", &world.shop().await);
        let token = async |form: &[(&str, &str)]| {
            let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &header)], form).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            answer.json()
        };
        let audience = |tokens: &serde_json::Value| claim(tokens["access_token"].as_str().unwrap(), "aud")[0].clone();
        register(BARE).await;
        let cookie = world.cookie().await;
        // The library of the application adds the slash.
        let visit = world.visit(&cookie, &[("resource", SLASH)]).await;
        let code = world.answer(&visit, "allow", &[]).await.query()["code"].clone();
        let before = token(&exchange(&code)).await;
        assert_eq!(audience(&before), BARE, "the service knows this form");
        let silent = [("client_id", "shop"), ("prompt", "none")];
        let code = world.code(&cookie, &silent).await;

        register(SLASH).await;
        let access_token = before["access_token"].as_str().unwrap();
        assert_eq!(introspect(&world, &header, access_token).await["active"], true);
        assert_eq!(audience(&token(&exchange(&code)).await), SLASH, "a code from before");
        for resource in [BARE, SLASH] {
            let code = world.code(&cookie, &[silent[0], silent[1], ("resource", resource)]).await;
            assert_eq!(audience(&token(&exchange(&code)).await), SLASH);
        }
        let refresh_token = before["refresh_token"].as_str().unwrap();
        let after = token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await;
        assert_eq!(audience(&after), SLASH);
    }
}
