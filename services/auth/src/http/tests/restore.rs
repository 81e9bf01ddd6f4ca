//! Tests of the endpoints while sign-in is closed after a restoration.

use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE, RETRY_AFTER};

use super::world::{World, exchange, stories};
use crate::clients::GrantType;
use crate::testing::PASSWORD;

stories! {
    async fn nobody_is_let_in_before_a_restored_service_has_caught_up(world) {
        // SB-15
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[]).await;
        let refresh = world.tokens(&cookie).await["refresh_token"].as_str().unwrap_or("none").to_owned();
        let access = world.tokens(&cookie).await["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {access}");
        let with_token = [(AUTHORIZATION.as_str(), bearer.as_str())];
        assert_eq!(world.get("/oauth2/userinfo", &with_token).await.status, StatusCode::OK);
        world.app.sign_in_gate.set_closed(true);
        for path in ["/oauth2/userinfo", "/admin/v1/keys"] {
            let answer = world.get(path, &with_token).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}: it may be a token of the backup");
        }
        let with_session = [(COOKIE.as_str(), cookie.as_str())];
        for path in ["/login", "/register", "/register/wait", "/setup", "/oauth2/authorize"] {
            let page = world.get(path, &with_session).await;
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(page.header(RETRY_AFTER), "2", "{path}");
            assert!(page.body.contains("restored from a backup"), "{path}: {}", page.body);
            let posted = world.post(path, &with_session, &[("user_name", "ann"), ("password", PASSWORD)]).await;
            assert_eq!(posted.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
        let call = world.post("/authenticate", &[], &[]).await;
        assert_eq!(call.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(call.body.contains("restored from a backup"), "{}", call.body);
        for form in [&exchange(&code)[..], &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]] {
            let tokens = world.token(form).await;
            assert_eq!(tokens.status, StatusCode::SERVICE_UNAVAILABLE, "{}", tokens.body);
            assert_eq!(tokens.error(), "temporarily_unavailable");
        }

        world.app.sign_in_gate.set_closed(false);
        assert_eq!(world.token(&exchange(&code)).await.status, StatusCode::OK, "the code was not used up");
        assert_ne!(world.get("/login", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }

    async fn the_user_service_is_served_while_a_restored_service_catches_up(world) {
        let secret = world.client("machine", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read".parse().unwrap();
        }).await.unwrap();
        world.app.sign_in_gate.set_closed(true);
        for path in ["/oauth2/jwks", "/.well-known/openid-configuration"] {
            assert_eq!(world.get(path, &[]).await.status, StatusCode::OK, "{path}");
        }
        assert_eq!(world.get("/revocations", &[]).await.status, StatusCode::UNAUTHORIZED);
        let header = super::world::basic("machine", &secret);
        let headers = [(http::header::AUTHORIZATION.as_str(), header.as_str())];
        let form = [("grant_type", "client_credentials"), ("scope", "users:read")];
        assert_eq!(world.post("/oauth2/token", &headers, &form).await.status, StatusCode::OK);
    }
}
