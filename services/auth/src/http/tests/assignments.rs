//! Tests of assignment and roles: the page, the tokens, introspection and the administration.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{TestResponse, World, basic, exchange, introspect, stories, userinfo};
use crate::testing::{claim, person_state};

/// The client `wiki`, for the members of `staff` and for editors, with the groups of `Board` among these; its credentials.
async fn wiki(world: &World) -> String {
    let secret = world
        .client("wiki", |client| {
            let wish = json!({
                "client_name": "The <b>wiki</b>", "contacts": ["it@example.org"],
                "require_assignment": true, "allowed_groups": ["staff"],
                "roles": {"editor": {"groups": ["Board"]}, "reader": {}},
                "redirect_uris": client.redirect_uris,
            });
            *client = serde_json::from_value(wish).unwrap();
        })
        .await;
    basic("wiki", &secret.unwrap())
}

async fn member_of(world: &World, groups: &[&str], version: i64) {
    let state = contract::UserState {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        version,
        ..person_state(world.ann, "ann")
    };
    world.app.change(&state).await;
}

async fn tokens(world: &World, authorization: &str, cookie: &str) -> Value {
    let wish = [("client_id", "wiki"), ("scope", "openid offline_access")];
    let code = world.code(cookie, &wish).await;
    let answer = token_request(world, authorization, &exchange(&code)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

async fn token_request(world: &World, authorization: &str, form: &[(&str, &str)]) -> TestResponse {
    let headers = [(AUTHORIZATION.as_str(), authorization)];
    world.post("/oauth2/token", &headers, form).await
}

stories! {
    async fn who_is_not_assigned_reads_whom_to_ask(world) {
        // SB-20, SB-48
        wiki(&world).await;
        let cookie = world.cookie().await;
        let page = world.authorize(&cookie, &[("client_id", "wiki")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.header(CONTENT_TYPE).starts_with("text/html"));
        for text in ["no access to The &#60;b&#62;wiki&#60;/b&#62;", "signed in as ann", "ask it@example.org", "mailto:it@example.org"] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        let silent = world.authorize(&cookie, &[("client_id", "wiki"), ("prompt", "none")]).await.query();
        assert_eq!(silent["error"], "access_denied");
        assert_eq!(world.app.count("SELECT COUNT(*) FROM authorization_codes").await, 0);
        member_of(&world, &["staff"], 2).await;
        assert!(world.authorize(&cookie, &[("client_id", "wiki")]).await.query().contains_key("code"));
    }

    async fn who_leaves_the_group_is_out_at_once(world) {
        // SB-47
        let authorization = wiki(&world).await;
        member_of(&world, &["staff"], 2).await;
        let cookie = world.cookie().await;
        let got = tokens(&world, &authorization, &cookie).await;
        let code = world.code(&cookie, &[("client_id", "wiki")]).await;
        let (access, refresh) = (got["access_token"].as_str().unwrap(), got["refresh_token"].as_str().unwrap());
        assert_eq!(introspect(&world, &authorization, access).await["active"], true);
        member_of(&world, &["guests"], 3).await;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        for refused in [
            token_request(&world, &authorization, &form).await,
            token_request(&world, &authorization, &exchange(&code)).await,
        ] {
            assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
        }
        for token in [access, refresh] {
            assert_eq!(introspect(&world, &authorization, token).await, json!({"active": false}));
        }
        assert_eq!(userinfo(&world, access).await.status, StatusCode::UNAUTHORIZED);
        member_of(&world, &["staff"], 4).await;
        assert_eq!(token_request(&world, &authorization, &form).await.status, StatusCode::OK, "nothing was used up");
    }

    async fn roles_are_in_tokens_userinfo_and_introspection(world) {
        // RFC 9068 §2.2.3.1
        let authorization = wiki(&world).await;
        member_of(&world, &["Board"], 2).await;
        let cookie = world.cookie().await;
        let got = tokens(&world, &authorization, &cookie).await;
        let token = |name: &str| got[name].as_str().unwrap().to_owned();
        for name in ["access_token", "id_token"] {
            assert_eq!(claim(&token(name), "roles"), json!(["editor"]), "{name}");
        }
        let access = token("access_token");
        assert_eq!(userinfo(&world, &access).await.json()["roles"], json!(["editor"]));
        assert_eq!(introspect(&world, &authorization, &token("refresh_token")).await["roles"], json!(["editor"]));
        let admin = world.admin("admin").await;
        let path = format!("/admin/v1/clients/wiki/assignments/{}/reader", world.ann);
        let given = world.call(Method::PUT, &path, &admin, None).await;
        assert_eq!(given.status, StatusCode::NO_CONTENT, "{}", given.body);
        assert_eq!(introspect(&world, &authorization, &access).await["roles"], json!(["editor", "reader"]));
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token("refresh_token"))];
        let fresh = token_request(&world, &authorization, &form).await.json();
        assert_eq!(claim(fresh["access_token"].as_str().unwrap(), "roles"), json!(["editor", "reader"]));
        let other = world.tokens(&cookie).await;
        assert_eq!(claim(other["access_token"].as_str().unwrap(), "roles"), Value::Null, "a role is for one client");
    }

    async fn administrators_give_and_take_roles(world) {
        // SB-52
        wiki(&world).await;
        let admin = world.admin("admin").await;
        let call = async |method, path: String| world.call(method, &path, &admin, None).await;
        let list = "/admin/v1/clients/wiki/assignments";
        let of = |id: &dyn std::fmt::Display, role: &str| format!("{list}/{id}/{role}");
        for _ in 0..2 {
            assert_eq!(call(Method::PUT, of(&world.ann, "reader")).await.status, StatusCode::NO_CONTENT);
        }
        assert_eq!(call(Method::PUT, of(&world.ann, "editor")).await.status, StatusCode::NO_CONTENT);
        let page = call(Method::GET, format!("{list}?limit=1")).await.json();
        assert_eq!((&page["assignments"][0]["role"], &page["assignments"][0]["user_id"]), (&json!("editor"), &json!(world.ann)));
        let next = page["next"].as_str().unwrap();
        let rest = call(Method::GET, format!("{list}?after={next}")).await.json();
        assert_eq!((rest["assignments"].as_array().unwrap().len(), &rest["assignments"][0]["role"]), (1, &json!("reader")));
        for (path, status) in [
            (of(&world.ann, "owner"), StatusCode::UNPROCESSABLE_ENTITY),
            (of(&uuid::Uuid::from_u128(7), "reader"), StatusCode::NOT_FOUND),
            (format!("/admin/v1/clients/gone/assignments/{}/reader", world.ann), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(call(Method::PUT, path.clone()).await.status, status, "{path}");
        }
        assert_eq!(call(Method::GET, format!("{list}?after=x")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let export = call(Method::GET, format!("/admin/v1/users/{}/data", world.ann)).await.json();
        assert_eq!(export["roles"].as_array().map(Vec::len), Some(2), "{export}");
        assert_eq!(call(Method::DELETE, of(&world.ann, "reader")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(call(Method::DELETE, of(&world.ann, "reader")).await.status, StatusCode::NOT_FOUND);
    }
}
