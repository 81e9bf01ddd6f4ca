//! Tests of the parameter `claims` (OpenID Connect Core §5.5), from the authorization request to ID token and userinfo.

use http::header::{AUTHORIZATION, COOKIE};
use serde_json::{Value, json};

use super::world::{TestResponse, World, exchange, stories};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A user name in both places, and what every token has.
const CLAIMS: &str = r#"{
    "id_token": {"preferred_username": {"essential": true}, "auth_time": {"essential": true}, "acr": {"values": ["9", "1"]}},
    "userinfo": {"preferred_username": null, "groups": null, "unknown": {"value": 1}}
}"#;

impl World {
    /// The answer of the token endpoint to a request with `openid` alone and these single claims.
    async fn with_claims(&self, claims: &str) -> Value {
        let cookie = self.cookie().await;
        let code = self
            .code(&cookie, &[("scope", "openid offline_access"), ("claims", claims)])
            .await;
        self.token(&exchange(&code)).await.json()
    }

    async fn userinfo(&self, tokens: &Value) -> TestResponse {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        self.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)])
            .await
    }
}

/// The claims of an ID token, whose signature other tests verify.
fn id_token(tokens: &Value) -> Value {
    let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

stories! {
    async fn single_claims_are_where_they_were_requested(world) {
        // OpenID Connect Core §5.5
        let tokens = world.with_claims(CLAIMS).await;
        assert_eq!(tokens["scope"], "openid offline_access");
        let claims = id_token(&tokens);
        assert_eq!((&claims["preferred_username"], &claims["acr"]), (&json!("ann"), &json!("1")));
        assert!(claims["auth_time"].is_i64() && claims.get("groups").is_none(), "{claims}");
        let info = world.userinfo(&tokens).await.json();
        assert_eq!(info["preferred_username"], "ann");
        assert!(info["groups"].is_array() && info.get("unknown").is_none() && info.get("locale").is_none(), "{info}");

        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        let again = world.token(&refresh).await.json();
        assert_eq!(id_token(&again)["preferred_username"], "ann", "the grant has them");
        assert_eq!(world.userinfo(&again).await.json()["preferred_username"], "ann");
    }

    async fn claims_that_were_not_requested_are_not_there(world) {
        let tokens = world.with_claims(r#"{"userinfo": {"locale": null}}"#).await;
        assert_eq!(id_token(&tokens).get("preferred_username"), None);
        assert_eq!(world.userinfo(&tokens).await.json().get("preferred_username"), None);
        let rows = world.app.count("SELECT COUNT(*) FROM grant_details").await;
        world.tokens(&world.cookie().await).await;
        assert_eq!(world.app.count("SELECT COUNT(*) FROM grant_details").await, rows, "an ordinary grant has no row");
    }

    async fn a_client_gets_no_claim_of_a_scope_that_it_is_not_registered_for(world) {
        // SB-48
        let secret = world.client("small", |client| client.scope = "openid".parse().unwrap()).await.unwrap();
        let code = world.code(&world.cookie().await, &[("client_id", "small"), ("scope", "openid"), ("claims", CLAIMS)]).await;
        let basic = super::world::basic("small", &secret);
        let tokens = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &basic)], &exchange(&code)).await.json();
        assert_eq!(id_token(&tokens).get("preferred_username"), None);
        let info = world.userinfo(&tokens).await.json();
        assert_eq!(info.as_object().unwrap().len(), 1, "{info}");
    }

    async fn people_are_asked_for_single_claims_as_for_their_scopes(world) {
        // OpenID Connect Core §5.5, §3.1.2.4; SB-29
        world.client("shop", |client| client.require_consent = true).await;
        let cookie = world.cookie().await;
        let request = [("client_id", "shop"), ("scope", "openid"), ("claims", r#"{"userinfo": {"email": null}}"#)];
        let answer = world.authorize(&cookie, &request).await;
        let cookies = format!("{cookie}; {}", answer.cookie());
        let page = world.get(answer.location(), &[(COOKIE.as_str(), &cookies)]).await;
        assert!(page.body.contains("See your e-mail address"), "{}", page.body);
        assert!(page.body.contains(r#"name="scope" value="openid email""#), "{}", page.body);
    }

    async fn another_person_or_another_class_is_no_answer(world) {
        // OpenID Connect Core §5.5.1, §5.5.1.1
        let cookie = world.cookie().await;
        let other = r#"{"id_token": {"sub": {"value": "0198c5a4-0000-7000-8000-000000000000"}}}"#;
        let answer = world.authorize(&cookie, &[("claims", other), ("prompt", "none")]).await;
        assert_eq!(answer.query()["error"], "login_required");
        let same = format!(r#"{{"id_token": {{"sub": {{"value": "{}"}}}}}}"#, world.ann);
        let answer = world.authorize(&cookie, &[("claims", &same), ("prompt", "none")]).await;
        assert!(answer.query().contains_key("code"), "{}", answer.location());
        let strong = r#"{"id_token": {"acr": {"essential": true, "values": ["9"]}}}"#;
        let answer = world.authorize(&cookie, &[("claims", strong)]).await;
        assert_eq!(answer.query()["error"], "unmet_authentication_requirements");
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert_eq!(metadata["claims_parameter_supported"], true);
    }
}
