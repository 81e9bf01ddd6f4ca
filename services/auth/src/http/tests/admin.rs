//! Tests of `/admin/v1/clients`, `/admin/v1/keys` and `/revocations`.

use std::time::Duration;

use axum::body::Body;
use chassis::clock::Clock;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{Method, Request, StatusCode};
use serde_json::json;

use super::world::{TestResponse, World, basic, stories};
use crate::clients::GrantType;
use crate::testing::{PASSWORD, person_state};

impl World {
    /// An administrator's token.
    pub(super) async fn admin(&self, scope: &str) -> String {
        self.service("tool", scope).await
    }

    /// A token of a client that acts for itself, which is registered for it.
    pub(super) async fn service(&self, id: &str, scope: &str) -> String {
        let secret = self
            .client(id, |wish| {
                wish.grant_types = [GrantType::ClientCredentials].into();
                wish.scope = scope.parse().unwrap();
            })
            .await
            .unwrap();
        let header = basic(id, &secret);
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let answer = self
            .post("/oauth2/token", &[(AUTHORIZATION.as_str(), &header)], &form)
            .await;
        format!("Bearer {}", answer.json()["access_token"].as_str().unwrap())
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        bearer: &str,
        body: Option<serde_json::Value>,
    ) -> TestResponse {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, bearer);
        let request = match body {
            Some(body) => request
                .header(CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }
}

stories! {
    async fn an_administrator_registers_looks_up_and_deletes_a_client(world) {
        let admin = world.admin("admin").await;
        let wish = json!({"client_id": "shop", "client_name": "Shop", "redirect_uris": ["https://shop.example/cb"]});
        let made = world.call(Method::POST, "/admin/v1/clients", &admin, Some(wish.clone())).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        assert_eq!(made.json()["client_secret"].as_str().unwrap().len(), 43);
        let taken = world.call(Method::POST, "/admin/v1/clients", &admin, Some(wish)).await;
        assert_eq!(taken.status, StatusCode::CONFLICT);
        let one = world.call(Method::GET, "/admin/v1/clients/shop", &admin, None).await;
        assert_eq!(one.json()["client_name"], "Shop");
        assert!(one.json().get("client_secret").is_none());
        let list = world.call(Method::GET, "/admin/v1/clients?limit=1", &admin, None).await.json();
        assert_eq!((list["clients"][0]["client_id"].as_str(), list["next"].as_str()), (Some("shop"), Some("shop")));
        let gone = world.call(Method::DELETE, "/admin/v1/clients/shop", &admin, None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        let gone = world.call(Method::GET, "/admin/v1/clients/shop", &admin, None).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        let events = world.app.events().await;
        assert!(events.contains(&"vestibule.client.deleted.v1".to_owned()));
    }

    async fn a_resource_server_is_registered_as_tokens_name_it(world) {
        let admin = world.admin("admin").await;
        let body = json!({
            "redirect_uris": ["https://api.example.org/callback"],
            "resource": "HTTPS://Users.Example.org/",
            "audiences": ["HTTPS://Users.Example.org"],
        });
        let made = world.call(Method::POST, "/admin/v1/clients", &admin, Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        assert_eq!(made.json()["resource"], "https://users.example.org");
        assert_eq!(made.json()["audiences"], json!(["https://users.example.org"]));
    }

    async fn the_scopes_are_listed_with_their_claims(world) {
        let admin = world.admin("admin").await;
        let list = world.call(Method::GET, "/admin/v1/scopes", &admin, None).await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.body);
        let list = list.json();
        let scopes = list["scopes"].as_array().unwrap();
        assert_eq!((&scopes[0], scopes.last()), (&json!({"scope": "openid", "claims": []}), Some(&json!({"scope": "offline_access", "claims": []}))));
        assert!(scopes.contains(&json!({"scope": "email", "claims": ["email", "email_verified"]})), "{list}");
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let named: Vec<_> = scopes.iter().map(|scope| scope["scope"].clone()).collect();
        assert_eq!(metadata["scopes_supported"], json!(named));
    }

    async fn an_administrator_changes_a_client_of_a_known_version(world) {
        // SB-52
        let admin = world.admin("admin").await;
        let path = "/admin/v1/clients/web";
        let read = world.call(Method::GET, path, &admin, None).await;
        let tag = read.header(ETAG).to_owned();
        let wish = json!({"client_name": "Web", "redirect_uris": ["https://web.example/cb"], "require_pkce": false});
        let put = async |tag: &str, body: &serde_json::Value| {
            let request = Request::builder().method(Method::PUT).uri(path).header(AUTHORIZATION, &admin)
                .header(CONTENT_TYPE, "application/json").header(IF_MATCH, tag);
            world.send(request.body(Body::from(body.to_string())).unwrap()).await
        };
        let changed = put(&tag, &wish).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert_eq!((changed.json()["require_pkce"].as_bool(), changed.json()["version"].as_i64()), (Some(false), Some(2)));
        assert!(changed.json().get("client_secret").is_none(), "it has its secret");
        assert_eq!(changed.header(ETAG), "\"2\"");
        let stale = put(&tag, &json!({"redirect_uris": ["https://web.example/other"]})).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
        let weak = put("W/\"2\"", &json!({"redirect_uris": ["https://web.example/other"]})).await;
        assert_eq!(weak.status, StatusCode::PRECONDITION_FAILED, "RFC 9110 §13.1.1: a strong comparison");
        for (tag, body, status) in [
            ("nonsense", wish.clone(), StatusCode::BAD_REQUEST),
            ("*", json!({"redirect_uris": []}), StatusCode::UNPROCESSABLE_ENTITY),
            ("*", json!({"redirect_uris": ["https://web.example/"], "client_id": "other"}), StatusCode::UNPROCESSABLE_ENTITY),
            ("*", json!({"redirect_uris": ["https://web.example/"], "origin": "configuration"}), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let answer = put(tag, &body).await;
            assert_eq!(answer.status, status, "{tag} {body}: {}", answer.body);
        }
        // SB-29: people are asked until somebody says that they are not.
        for (said, asked) in [(json!(true), true), (json!(null), true), (json!(false), false)] {
            let mut wish = wish.clone();
            if !said.is_null() {
                wish["require_consent"] = said;
            }
            let changed = put("*", &wish).await.json();
            assert_eq!(changed["require_consent"].as_bool().unwrap_or_default(), asked, "{wish}");
        }
        let nobody = world.call(Method::PUT, "/admin/v1/clients/nobody", &admin, Some(wish)).await;
        assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    }

    async fn a_secret_is_changed_without_a_stop(world) {
        // SB-28
        let admin = world.admin("admin").await;
        let secrets = "/admin/v1/clients/web/secrets";
        let old = world.secret.clone();
        let made = world.call(Method::POST, secrets, &admin, None).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let new = made.json()["client_secret"].as_str().unwrap().to_owned();
        let good = async |secret: &str| {
            let header = basic("web", secret);
            let answer = world.post("/oauth2/revoke", &[(AUTHORIZATION.as_str(), &header)], &[("token", "x")]).await;
            answer.status == StatusCode::OK
        };
        assert!(good(&old).await && good(&new).await);
        let list = world.call(Method::GET, secrets, &admin, None).await;
        assert!(!list.body.contains(&new) && !list.body.contains("client_secret"), "{}", list.body);
        let third = world.call(Method::POST, secrets, &admin, None).await;
        assert_eq!(third.status, StatusCode::CONFLICT);
        let first = list.json()["secrets"][1]["id"].as_str().unwrap().to_owned();
        let gone = world.call(Method::DELETE, &format!("{secrets}/{first}"), &admin, None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert!(!good(&old).await && good(&new).await);
        let last = made.json()["id"].as_str().unwrap().to_owned();
        let last = world.call(Method::DELETE, &format!("{secrets}/{last}"), &admin, None).await;
        assert_eq!(last.status, StatusCode::CONFLICT);
        let again = world.call(Method::DELETE, &format!("{secrets}/{first}"), &admin, None).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }

    async fn a_scope_that_is_taken_from_a_client_is_gone_from_its_tokens(world) {
        // SB-47
        let admin = world.admin("admin events:read").await;
        let other = world.service("other", "admin").await;
        assert_eq!(world.call(Method::GET, "/admin/v1/keys", &other, None).await.status, StatusCode::OK);
        let less = json!({"grant_types": ["client_credentials"], "scope": "users:read"});
        let changed = world.call(Method::PUT, "/admin/v1/clients/other", &admin, Some(less)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert_eq!(world.call(Method::GET, "/admin/v1/keys", &other, None).await.status, StatusCode::UNAUTHORIZED);
        let told = world.call(Method::GET, "/revocations", &admin, None).await.json();
        assert_eq!(told["clients"][0]["client_id"], "other", "resource servers are told");
    }

    async fn bad_registrations_are_refused_by_name(world) {
        // SB-20
        let admin = world.admin("admin").await;
        for (wish, status) in [
            (json!({"redirect_uris": ["http://app.example/cb"]}), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({"redirect_uris": ["javascript:alert(1)"]}), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({"redirect_uris": []}), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({"redirect_uris": ["https://a.example/"], "unknown": 1}), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({"client_id": "a b", "redirect_uris": ["https://a.example/"]}), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({"redirect_uris": ["https://a.example/"], "grant_types": ["password"]}), StatusCode::UNPROCESSABLE_ENTITY),
            (json!({"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "none", "require_pkce": false}), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let answer = world.call(Method::POST, "/admin/v1/clients", &admin, Some(wish.clone())).await;
            assert_eq!(answer.status, status, "{wish}: {}", answer.body);
        }
    }

    async fn nobody_else_may(world) {
        let guest = world.admin("users:read").await;
        for path in ["/admin/v1/clients", "/admin/v1/clients/web", "/admin/v1/clients/web/secrets", "/admin/v1/keys"] {
            assert_eq!(world.call(Method::GET, path, &guest, None).await.status, StatusCode::FORBIDDEN);
            assert_eq!(world.get(path, &[]).await.status, StatusCode::UNAUTHORIZED);
        }
        let rotate = world.call(Method::POST, "/admin/v1/keys/rotate", &guest, None).await;
        assert_eq!(rotate.status, StatusCode::FORBIDDEN);
    }

    async fn an_administrator_who_is_switched_off_is_refused_at_once(world) {
        // SB-15
        let mut ann = person_state(world.ann, "ann");
        (ann.groups, ann.version) = (vec!["vestibule-admins".to_owned()], 2);
        world.app.change(&ann).await;
        let body = json!({"username": "ann", "password": PASSWORD, "scope": "openid admin"});
        let tokens = world.authenticate(&body).await.json();
        let admin = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        // The feed asks for a scope that she did not get.
        let places = [("/admin/v1/clients", StatusCode::OK), ("/admin/v1/keys", StatusCode::OK), ("/events", StatusCode::FORBIDDEN)];
        for (path, status) in places {
            assert_eq!(world.call(Method::GET, path, &admin, None).await.status, status, "{path}");
        }
        (ann.active, ann.version) = (false, 3);
        world.app.change(&ann).await;
        for (path, _) in places {
            let refused = world.call(Method::GET, path, &admin, None).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
            assert!(refused.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        }
    }

    async fn an_administrator_who_is_taken_out_of_the_group_is_refused_at_once(world) {
        let mut ann = person_state(world.ann, "ann");
        (ann.groups, ann.version) = (vec!["vestibule-admins".to_owned()], 2);
        world.app.change(&ann).await;
        let body = json!({"username": "ann", "password": PASSWORD, "scope": "openid admin"});
        let tokens = world.authenticate(&body).await.json();
        let admin = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        (ann.groups, ann.version) = (Vec::new(), 3);
        world.app.change(&ann).await;
        for (path, status) in [("/admin/v1/keys", StatusCode::UNAUTHORIZED), ("/oauth2/userinfo", StatusCode::OK)] {
            assert_eq!(world.call(Method::GET, path, &admin, None).await.status, status, "{path}");
        }
    }

    async fn the_token_of_a_deleted_client_opens_nothing(world) {
        let tool = world.admin("admin").await;
        let gone = world.call(Method::DELETE, "/admin/v1/clients/tool", &tool, None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(world.call(Method::GET, "/admin/v1/keys", &tool, None).await.status, StatusCode::UNAUTHORIZED);
    }

    async fn what_was_revoked_is_listed_for_resource_servers(world) {
        // SB-47
        let admin = world.admin("admin events:read").await;
        let list = async |query: &str| {
            let answer = world.call(Method::GET, &format!("/revocations{query}"), &admin, None).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            answer.json()
        };
        let body = json!({"username": "ann", "password": PASSWORD});
        let tokens = world.authenticate(&body).await.json();
        let grant = crate::testing::claim(tokens["access_token"].as_str().unwrap(), "gid");
        let before = list("").await;
        assert_eq!((&before["grants"], &before["clients"]), (&json!([]), &json!([])));
        // Longer than any token lives, with the leeway of verifiers.
        assert!(before["keep_seconds"].as_u64().unwrap() > 330);
        let ended = world.call(Method::DELETE, &format!("/admin/v1/users/{}/sessions", world.ann), &admin, None).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        let gone = world.call(Method::DELETE, "/admin/v1/clients/web", &admin, None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        // A transaction that began before the earlier answer may have committed after it.
        for query in [String::new(), format!("?since={}", before["as_of"].as_str().unwrap())] {
            let after = list(&query).await;
            assert_eq!(after["grants"], json!([grant]));
            assert_eq!(after["clients"][0]["client_id"], "web");
        }
        // SB-50: a clock that was set back hides nothing.
        world.app.clock.set(world.app.clock.now() - Duration::from_secs(86_400));
        assert_eq!(list(&format!("?since={}", before["as_of"].as_str().unwrap())).await["grants"], json!([grant]));
    }

    async fn the_list_of_revocations_is_for_services(world) {
        let guest = world.admin("users:read").await;
        assert_eq!(world.call(Method::GET, "/revocations", &guest, None).await.status, StatusCode::FORBIDDEN);
        assert_eq!(world.get("/revocations", &[]).await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_long_poll_ends_when_the_grant_behind_it_is_revoked(world) {
        // SB-47
        let mut ann = person_state(world.ann, "ann");
        (ann.groups, ann.version) = (vec!["vestibule-admins".to_owned()], 2);
        world.app.change(&ann).await;
        world.client("reader", |wish| {
            wish.scope = "openid events:read".parse().unwrap();
        }).await;
        let token = crate::testing::persons_token(&world.app, world.ann, "reader", "openid events:read").await;
        let bearer = format!("Bearer {token}");
        let (answer, ()) = tokio::join!(world.call(Method::GET, "/events?after=end&wait=25", &bearer, None), async {
            let mut tx = world.app.db.begin("test").await.unwrap();
            crate::grants::revoke_for_account(&mut tx, world.ann, world.app.clock.now()).await.unwrap();
            tx.commit().await.unwrap();
        });
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    }

    async fn an_administrator_drops_keys_that_leaked(world) {
        // SB-37
        let admin = world.admin("admin").await;
        let drop_now = Some(json!({"drop_now": true}));
        let answer = world.call(Method::POST, "/admin/v1/keys/rotate", &admin, drop_now).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
        let states: Vec<_> = answer.json()["keys"].as_array().unwrap().iter()
            .map(|key| key["state"].as_str().unwrap().to_owned()).collect();
        assert_eq!(states, ["active", "active"]);
        let void = world.call(Method::GET, "/admin/v1/keys", &admin, None).await;
        assert_eq!(void.status, StatusCode::UNAUTHORIZED, "what the old keys signed opens nothing");
    }

    async fn an_administrator_rotates_the_keys(world) {
        // SB-37
        let admin = world.admin("admin").await;
        let before = world.call(Method::GET, "/admin/v1/keys", &admin, None).await.json();
        assert_eq!(before["keys"].as_array().unwrap().len(), 2);
        let answer = world.call(Method::POST, "/admin/v1/keys/rotate", &admin, Some(json!({"immediately": true}))).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
        let states: Vec<_> = answer.json()["keys"].as_array().unwrap().iter()
            .map(|key| key["state"].as_str().unwrap().to_owned()).collect();
        assert_eq!(states.iter().filter(|state| *state == "published").count(), 2);
        assert_eq!(answer.json()["made"].as_array().unwrap().len(), 2);
        let again = world.call(Method::POST, "/admin/v1/keys/rotate", &admin, None).await.json();
        assert_eq!(again["made"], json!([]), "the next keys are published already");
        let bad = world.call(Method::POST, "/admin/v1/keys/rotate", &admin, Some(json!({"now": true}))).await;
        assert!(bad.status.is_client_error());
    }
}
