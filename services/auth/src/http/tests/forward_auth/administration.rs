//! Tests of `/admin/v1/protected-hosts`.

use http::{Method, StatusCode};
use serde_json::json;

use super::super::world::{World, stories};
use super::WIKI;

stories! {
    async fn an_administrator_registers_changes_lists_and_deletes_hosts(world) {
        let admin = world.admin("admin").await;
        let call = async |method: Method, path: &str, body: Option<serde_json::Value>| {
            world.call(method, &format!("/admin/v1/protected-hosts{path}"), &admin, body).await
        };
        let wiki = json!({ "host": "Wiki.Example.org", "name": "Wiki", "rules": { "groups": ["staff"] } });
        let made = call(Method::POST, "", Some(wiki.clone())).await;
        assert_eq!((made.status, made.location()), (StatusCode::CREATED, "/admin/v1/protected-hosts/wiki.example.org"));
        assert_eq!((made.json()["host"].as_str(), made.json()["origin"].as_str()), (Some("wiki.example.org"), Some(WIKI)));
        assert_eq!(call(Method::POST, "", Some(wiki)).await.status, StatusCode::CONFLICT);
        let other = json!({ "host": "app.example.org:8443", "name": "App", "rules": { "everybody": true } });
        assert_eq!(call(Method::POST, "", Some(other)).await.status, StatusCode::CREATED);
        let page = call(Method::GET, "?limit=1", None).await.json();
        assert_eq!((page["protected_hosts"][0]["name"].as_str(), page["next"].as_str()), (Some("App"), Some("app.example.org:8443")));
        let changed = json!({ "name": "Handbook", "rules": { "everybody": true } });
        let changed = call(Method::PUT, "/wiki.example.org", Some(changed)).await;
        assert_eq!((changed.status, changed.json()["version"].as_i64()), (StatusCode::OK, Some(2)));
        assert_eq!(call(Method::GET, "/wiki.example.org", None).await.json()["name"], "Handbook");
        assert_eq!(call(Method::DELETE, "/app.example.org%3A8443", None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(call(Method::DELETE, "/app.example.org%3A8443", None).await.status, StatusCode::NOT_FOUND);
        for (body, field) in [
            (json!({ "host": "http://wiki.example.org", "name": "W", "rules": { "everybody": true } }), "host"),
            (json!({ "host": "id.example.org", "name": "W", "rules": { "everybody": true } }), "host"),
            (json!({ "host": "a.example", "name": "", "rules": { "everybody": true } }), "name"),
            (json!({ "host": "a.example", "name": "W", "rules": {} }), "rules.groups"),
            (json!({ "host": "a.example", "name": "W", "rules": { "everybody": true, "public": [{ "path": "x" }] } }), "rules.public[0].path"),
        ] {
            let refused = call(Method::POST, "", Some(body.clone())).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert_eq!(refused.json()["errors"][0]["field"], field, "{body}: {}", refused.body);
        }
        let guest = world.service("guest", "users:read").await;
        for path in ["/admin/v1/protected-hosts", "/admin/v1/protected-hosts/wiki.example.org"] {
            assert_eq!(world.call(Method::GET, path, &guest, None).await.status, StatusCode::FORBIDDEN);
            assert_eq!(world.get(path, &[]).await.status, StatusCode::UNAUTHORIZED);
        }
    }
}
