//! Tests of initial access tokens (RFC 7591 §3), and of the limits of registrations without one.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Method, StatusCode};
use serde_json::json;

use super::register::{OPEN, TOKEN, shop, with};
use super::world::World;

impl World {
    /// A new initial access token for so many registrations.
    async fn initial_token(&self, admin: &str, uses: u32) -> String {
        let body = json!({"name": "Developers", "uses": uses});
        let made = self
            .call(Method::POST, "/admin/v1/initial-access-tokens", admin, Some(body))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.json()["initial_access_token"].as_str().unwrap().to_owned()
    }
}

#[test]
fn an_initial_access_token_is_good_for_so_many_registrations() {
    // SB-29
    with(&[TOKEN], async |world| {
        let admin = world.admin("admin").await;
        for token in ["", "guess"] {
            let refused = world.register(token, &shop()).await;
            assert_eq!(
                (refused.status, refused.error().as_str()),
                (StatusCode::UNAUTHORIZED, "invalid_token")
            );
        }
        let token = world.initial_token(&admin, 2).await;
        let wish = json!({"redirect_uris": ["https://a.example/"]});
        let tries = futures_util::future::join_all((0..6).map(|_| world.register(&token, &wish))).await;
        let made = tries
            .iter()
            .filter(|answer| answer.status == StatusCode::CREATED)
            .count();
        assert_eq!(made, 2);
        let list = world
            .call(Method::GET, "/admin/v1/initial-access-tokens", &admin, None)
            .await;
        assert_eq!(
            (&list.json()["tokens"][0]["used"], list.body.contains(&token)),
            (&json!(2), false)
        );
        let late = world.initial_token(&admin, 5).await;
        world.app.wait(Duration::from_secs(24 * 3600));
        let admin = world.service("later", "admin").await;
        assert_eq!(world.register(&late, &shop()).await.error(), "invalid_token");
        let deleted = world.initial_token(&admin, 5).await;
        let newest = world
            .call(Method::GET, "/admin/v1/initial-access-tokens", &admin, None)
            .await
            .json();
        let path = format!(
            "/admin/v1/initial-access-tokens/{}",
            newest["tokens"][0]["id"].as_str().unwrap()
        );
        assert_eq!(
            world.call(Method::DELETE, &path, &admin, None).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(world.register(&deleted, &shop()).await.error(), "invalid_token");
        assert_eq!(
            world.call(Method::DELETE, &path, &admin, None).await.status,
            StatusCode::NOT_FOUND
        );
        for body in [
            json!({"name": ""}),
            json!({"name": "x", "uses": 0}),
            json!({"name": "x", "expires_in_hours": 9999}),
        ] {
            let refused = world
                .call(
                    Method::POST,
                    "/admin/v1/initial-access-tokens",
                    &admin,
                    Some(body),
                )
                .await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
    });
}

#[test]
fn registrations_without_a_token_are_limited() {
    let limits = [
        OPEN,
        ("REGISTRATION__CLIENTS_HOURLY_PER_SOURCE", "2"),
        ("REGISTRATION__CLIENTS_IN_ALL", "3"),
    ];
    with(&limits, async |world| {
        let admin = world.admin("admin").await;
        for _ in 0..2 {
            assert_eq!(world.register("", &shop()).await.status, StatusCode::CREATED);
        }
        let limited = world.register("", &shop()).await;
        assert_eq!(
            (limited.status, limited.header(RETRY_AFTER)),
            (StatusCode::TOO_MANY_REQUESTS, "3600")
        );
        let token = world.initial_token(&admin, 5).await;
        for _ in 0..2 {
            assert_eq!(
                world.register(&token, &shop()).await.status,
                StatusCode::CREATED,
                "a token is limited by its uses alone"
            );
        }
        world.app.wait(Duration::from_secs(3600));
        let full = world.register("", &shop()).await;
        assert_eq!(
            (full.status, full.header(RETRY_AFTER)),
            (StatusCode::TOO_MANY_REQUESTS, ""),
            "there are as many as there may be, and waiting does not help"
        );
    });
}
