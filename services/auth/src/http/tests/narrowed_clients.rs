//! Tests of what is left of the tokens and grants of a client after a change takes something from it (SB-47).

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{CALLBACK, TestResponse, World, basic, exchange, stories};
use crate::clients::GrantType;
use crate::testing::{claim, person_state};

const BANK: &str = "https://bank.example";
const USERS: &str = "https://users.example.org";

fn bearer(token: &Value) -> String {
    format!("Bearer {}", token.as_str().unwrap())
}

impl World {
    /// Replaces the metadata of `web`, as an administrator does.
    async fn change_web(&self, admin: &str, changed: &Value) {
        let mut metadata = json!({"redirect_uris": [CALLBACK]});
        metadata
            .as_object_mut()
            .unwrap()
            .extend(changed.as_object().unwrap().clone());
        let answer = self
            .call(Method::PUT, "/admin/v1/clients/web", admin, Some(metadata))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    async fn refresh_web(&self, tokens: &Value) -> TestResponse {
        let refresh_token = tokens["refresh_token"].as_str().unwrap();
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
            .await
    }

    async fn is_active(&self, caller: &str, token: &Value) -> bool {
        let form = [("token", token.as_str().unwrap())];
        let answer = self
            .post("/oauth2/introspect", &[(AUTHORIZATION.as_str(), caller)], &form)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()["active"] == true
    }

    async fn makes_ann_administrator(&self) {
        let mut ann = person_state(self.ann, "ann");
        (ann.groups, ann.version) = (vec!["vestibule-admins".to_owned()], 2);
        self.app.change(&ann).await;
    }
}

stories! {
    async fn an_audience_that_is_taken_from_a_client_is_gone_from_its_grants(world) {
        let admin = world.admin("admin").await;
        world.change_web(&admin, &json!({"audiences": [BANK, USERS]})).await;
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let code = world.code(&cookie, &[]).await;
        world.change_web(&admin, &json!({"audiences": [USERS]})).await;
        for answer in [world.refresh_web(&tokens).await, world.token(&exchange(&code)).await] {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            let audiences = claim(answer.json()["access_token"].as_str().unwrap(), "aud");
            assert!(!audiences.to_string().contains(BANK) && audiences.to_string().contains(USERS), "{audiences}");
        }
        let other = world.tokens(&cookie).await;
        world.change_web(&admin, &json!({"audiences": ["https://wiki.example"]})).await;
        assert_eq!(world.refresh_web(&other).await.error(), "invalid_grant");
    }

    async fn the_tokens_of_people_are_void_when_something_is_taken_from_the_client(world) {
        let admin = world.admin("admin").await;
        world.makes_ann_administrator().await;
        world.change_web(&admin, &json!({"scope": "openid email admin"})).await;
        let cookie = world.cookie().await;
        let sign_in = async || {
            let code = world.code(&cookie, &[("scope", "openid email admin")]).await;
            world.token(&exchange(&code)).await.json()
        };
        let (before, web) = (sign_in().await, basic("web", &world.secret));
        let at = async |tokens: &Value, path: &str| {
            world.call(Method::GET, path, &bearer(&tokens["access_token"]), None).await.status
        };
        assert_eq!(at(&before, "/admin/v1/keys").await, StatusCode::OK);
        assert_eq!(at(&before, "/oauth2/userinfo").await, StatusCode::OK);
        assert!(world.is_active(&web, &before["access_token"]).await);

        world.change_web(&admin, &json!({"scope": "openid email"})).await;
        assert_eq!(at(&before, "/admin/v1/keys").await, StatusCode::UNAUTHORIZED);
        assert_eq!(at(&before, "/oauth2/userinfo").await, StatusCode::UNAUTHORIZED);
        assert!(!world.is_active(&web, &before["access_token"]).await);

        let after = world.refresh_web(&before).await.json();
        assert_eq!(after["scope"], "openid email");
        assert_eq!(at(&after, "/oauth2/userinfo").await, StatusCode::OK, "a token by the client as it is now is good at once");
        assert!(world.is_active(&web, &after["access_token"]).await);
        world.change_web(&admin, &json!({"scope": "openid email", "client_name": "Web"})).await;
        assert_eq!(at(&after, "/oauth2/userinfo").await, StatusCode::OK, "nothing was taken from it");
    }

    async fn the_tokens_of_a_client_for_itself_are_void_when_something_is_taken_from_it(world) {
        let admin = world.admin("admin").await;
        let header = basic("robot", &world.client("robot", |client| {
            client.grant_types = [GrantType::ClientCredentials].into();
            client.scope = "users:read users:write admin".parse().unwrap();
        }).await.unwrap());
        let own = async |scope: &str| {
            let form = [("grant_type", "client_credentials"), ("scope", scope)];
            let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &header)], &form).await;
            answer.json()["access_token"].clone()
        };
        let keys = async |token: &Value| {
            world.call(Method::GET, "/admin/v1/keys", &bearer(token), None).await.status
        };
        let (writes, administers) = (own("users:write").await, own("admin").await);
        assert!(world.is_active(&header, &writes).await && keys(&administers).await == StatusCode::OK);
        let less = json!({"grant_types": ["client_credentials"], "scope": "users:read users:write admin", "audiences": [USERS]});
        let changed = world.call(Method::PUT, "/admin/v1/clients/robot", &admin, Some(less)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert!(!world.is_active(&header, &writes).await);
        assert_eq!(keys(&administers).await, StatusCode::UNAUTHORIZED, "its audience was taken");
        assert!(world.is_active(&header, &own("users:write").await).await);
    }
}
