//! Tests of introspection (RFC 7662, RFC 9701), of the revocation of access tokens, and of tokens in a form.

use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use oidc::jose::peek_header;
use serde_json::{Value, json};

use super::world::{ISSUER, TestResponse, World, basic, exchange, stories};
use crate::clients::{AuthMethod, GrantType};
use crate::testing::{claim, person_state};

const USERS: &str = "https://users.example.org";

async fn introspect(world: &World, authorization: &str, token: &str) -> TestResponse {
    let headers = [(AUTHORIZATION.as_str(), authorization)];
    world
        .post("/oauth2/introspect", &headers, &[("token", token)])
        .await
}

/// A client that is the resource server of `resource`; its credentials.
async fn resource_server(world: &World, id: &str, resource: &str) -> String {
    let secret = world
        .client(id, |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "users:read".parse().unwrap();
            wish.resource = Some(oidc::resource::Resource::parse(resource).unwrap());
        })
        .await;
    basic(id, &secret.unwrap())
}

async fn own_token(world: &World, authorization: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", "users:read")];
    let answer = world
        .post("/oauth2/token", &[(AUTHORIZATION.as_str(), authorization)], &form)
        .await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

stories! {
    async fn a_client_learns_about_its_own_tokens_and_a_resource_server_about_those_for_it(world) {
        // RFC 7662 §2.2, §4
        let users = resource_server(&world, "users-api", USERS).await;
        let other = resource_server(&world, "other-api", "https://other.example").await;
        let web = basic("web", &world.secret);
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
        for caller in [&users, &web] {
            let answer = introspect(&world, caller, access).await;
            assert_eq!((answer.status, answer.header(CACHE_CONTROL)), (StatusCode::OK, "no-store"));
            let told = answer.json();
            assert_eq!(told["active"], true, "{told}");
            assert_eq!((told["client_id"].as_str(), told["username"].as_str()), (Some("web"), Some("ann")));
            assert_eq!((told["sub"].as_str(), told["iss"].as_str()), (Some(world.ann.to_string().as_str()), Some(ISSUER)));
            assert_eq!(told["token_type"], "Bearer");
            assert_eq!(told["scope"], "openid profile email");
            for name in ["exp", "iat", "aud", "jti"] {
                assert_eq!(told[name], claim(access, name), "{name}");
            }
        }
        let inactive = json!({"active": false});
        assert_eq!(introspect(&world, &other, access).await.json(), inactive, "it is not for it");
        let told = introspect(&world, &web, refresh).await.json();
        assert_eq!((told["active"].as_bool(), told["client_id"].as_str()), (Some(true), Some("web")));
        assert_eq!(introspect(&world, &users, refresh).await.json(), inactive, "not its business");
        let id_token = tokens["id_token"].as_str().unwrap();
        for token in [id_token, "x", "a.b.c", "."] {
            assert_eq!(introspect(&world, &web, token).await.json(), inactive, "{token}");
        }

        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let next = world.token(&form).await.json();
        assert_eq!(introspect(&world, &web, refresh).await.json(), inactive, "it was exchanged");
        let next = next["refresh_token"].as_str().unwrap();
        world.post("/oauth2/revoke", &[(AUTHORIZATION.as_str(), &web)], &[("token", next)]).await;
        for token in [access, next] {
            assert_eq!(introspect(&world, &web, token).await.json(), inactive, "revoked");
        }
    }

    async fn a_token_that_has_expired_or_whose_holder_lost_it_is_inactive(world) {
        // RFC 7662 §2.2, §4
        let web = basic("web", &world.secret);
        let is_active = async |caller: &str, token: &Value| {
            let introspected = introspect(&world, caller, token.as_str().unwrap()).await.json();
            introspected["active"].as_bool().unwrap()
        };
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        assert!(is_active(&web, &tokens["access_token"]).await);
        world.app.wait(Duration::from_secs(300));
        assert!(!is_active(&web, &tokens["access_token"]).await, "expired");
        assert!(is_active(&web, &tokens["refresh_token"]).await);

        let mut ann = person_state(world.ann, "ann");
        (ann.groups, ann.version) = (vec!["vestibule-admins".to_owned()], 2);
        world.app.change(&ann).await;
        let secret = world.client("console", |wish| wish.scope = "openid admin".parse().unwrap()).await.unwrap();
        let console = basic("console", &secret);
        let code = world.code(&cookie, &[("client_id", "console"), ("scope", "openid admin")]).await;
        let privileged = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &console)], &exchange(&code)).await.json();
        assert!(is_active(&console, &privileged["access_token"]).await);
        (ann.groups, ann.version) = (Vec::new(), 3);
        world.app.change(&ann).await;
        assert!(!is_active(&console, &privileged["access_token"]).await, "she administers no more");

        let tokens = world.tokens(&cookie).await;
        let both = [&tokens["access_token"], &tokens["refresh_token"]];
        for token in both {
            assert!(is_active(&web, token).await);
        }
        (ann.active, ann.version) = (false, 4);
        world.app.change(&ann).await;
        for token in both {
            assert!(!is_active(&web, token).await, "she is disabled");
        }

        let (tool, users) = (resource_server(&world, "tool", USERS).await, resource_server(&world, "users-api", USERS).await);
        let token = json!(own_token(&world, &tool).await);
        assert!(is_active(&users, &token).await);
        assert!(world.app.clients.delete("tool").await.unwrap());
        assert!(!is_active(&users, &token).await, "its client was deleted");
    }

    async fn while_sign_in_is_closed_no_token_of_a_person_is_called_active(world) {
        // SB-15
        let web = basic("web", &world.secret);
        let tokens = world.tokens(&world.cookie().await).await;
        let users = resource_server(&world, "users-api", USERS).await;
        let own = own_token(&world, &users).await;
        let both = [&tokens["access_token"], &tokens["refresh_token"]].map(|token| token.as_str().unwrap());
        world.app.sign_in_gate.set_closed(true);
        for token in both {
            let refused = introspect(&world, &web, token).await;
            assert_eq!((refused.status, refused.error().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"));
        }
        assert_eq!(introspect(&world, &users, &own).await.json()["active"], true, "it is of a client");
        assert_eq!(introspect(&world, &web, "x").await.json(), json!({"active": false}));
        world.app.sign_in_gate.set_closed(false);
        for token in both {
            assert_eq!(introspect(&world, &web, token).await.json()["active"], true);
        }
    }

    async fn a_revoked_token_of_a_client_opens_neither_the_administration_nor_the_events(world) {
        // RFC 7009 §2.1; SB-47
        let secret = world.client("ops", |wish| {
            wish.grant_types = [GrantType::ClientCredentials].into();
            wish.scope = "admin events:read".parse().unwrap();
        }).await.unwrap();
        let ops = basic("ops", &secret);
        let form = [("grant_type", "client_credentials"), ("scope", "admin events:read")];
        let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &ops)], &form).await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {token}");
        for revoked in [false, true] {
            if revoked {
                world.post("/oauth2/revoke", &[(AUTHORIZATION.as_str(), &ops)], &[("token", &token)]).await;
            }
            for path in ["/admin/v1/clients", "/admin/v1/keys", "/events"] {
                let answer = world.get(path, &[(AUTHORIZATION.as_str(), &bearer)]).await;
                let expected = if revoked { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
                assert_eq!(answer.status, expected, "{path}: {}", answer.body);
            }
        }
    }

    async fn groups_and_user_name_are_told_with_their_scopes_alone(world) {
        // SB-48: OpenID Connect Core §5.4, RFC 9068 §6
        let web = basic("web", &world.secret);
        let users = resource_server(&world, "users-api", USERS).await;
        let mut ann = person_state(world.ann, "ann");
        (ann.groups, ann.version) = (vec!["staff".to_owned()], 2);
        world.app.change(&ann).await;
        let cookie = world.cookie().await;
        for (scope, groups, name) in [
            ("openid", Value::Null, Value::Null),
            ("openid profile", Value::Null, json!("ann")),
            ("openid groups", json!(["staff"]), Value::Null),
        ] {
            let code = world.code(&cookie, &[("scope", scope)]).await;
            let tokens = world.token(&exchange(&code)).await.json();
            let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
            assert_eq!(claim(access, "groups"), groups, "{scope}");
            for caller in [&web, &users] {
                let told = introspect(&world, caller, access).await.json();
                assert_eq!((&told["groups"], &told["username"]), (&groups, &name), "{scope}");
            }
            assert_eq!(introspect(&world, &web, refresh).await.json()["username"], name, "{scope}");
            let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", "openid")];
            let narrowed = world.token(&form).await.json();
            assert_eq!(claim(narrowed["access_token"].as_str().unwrap(), "groups"), Value::Null, "{scope}");
        }
        let code = world.code(&cookie, &[("scope", "openid groups")]).await;
        let tokens = world.token(&exchange(&code)).await.json();
        let access = tokens["access_token"].as_str().unwrap();
        (ann.groups, ann.version) = (vec!["board".to_owned()], 3);
        world.app.change(&ann).await;
        assert_eq!(introspect(&world, &users, access).await.json()["groups"], json!(["board"]), "those of the moment");
    }

    async fn introspection_needs_a_client_that_proves_itself(world) {
        // RFC 7662 §2.1; SB-28
        world.client("phone", |wish| wish.token_endpoint_auth_method = AuthMethod::None).await;
        let public = world.post("/oauth2/introspect", &[], &[("token", "x"), ("client_id", "phone")]).await;
        assert_eq!((public.status, public.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
        let nobody = world.post("/oauth2/introspect", &[], &[("token", "x")]).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
        let web = basic("web", &world.secret);
        let empty = world.post("/oauth2/introspect", &[(AUTHORIZATION.as_str(), &web)], &[]).await;
        assert_eq!((empty.status, empty.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let methods = metadata["introspection_endpoint_auth_methods_supported"].as_array().unwrap();
        assert!(!methods.is_empty() && !methods.contains(&json!("none")));
    }

    async fn a_response_is_signed_on_request(world) {
        // RFC 9701 §4, §5
        let web = basic("web", &world.secret);
        let tokens = world.tokens(&world.cookie().await).await;
        let headers = [(AUTHORIZATION.as_str(), web.as_str()), (ACCEPT.as_str(), "application/token-introspection+jwt")];
        let form = [("token", tokens["access_token"].as_str().unwrap())];
        let answer = world.post("/oauth2/introspect", &headers, &form).await;
        assert_eq!(answer.header(CONTENT_TYPE), "application/token-introspection+jwt");
        let header = peek_header(&answer.body).unwrap();
        assert_eq!((header.alg.as_str(), header.typ.as_deref()), ("RS256", Some("token-introspection+jwt")));
        assert_eq!((claim(&answer.body, "iss"), claim(&answer.body, "aud")), (json!(ISSUER), json!("web")));
        assert_eq!(claim(&answer.body, "token_introspection")["active"], true);
        assert_eq!(claim(&answer.body, "sub"), Value::Null, "RFC 9701 §8.1: it is no access token");
    }

    async fn a_token_of_a_client_for_itself_can_be_revoked(world) {
        // RFC 7009 §2.1; SB-47
        let (one, other) = (resource_server(&world, "one", USERS).await, resource_server(&world, "other", USERS).await);
        let (token, second) = (own_token(&world, &one).await, own_token(&world, &one).await);
        let revoke = async |caller: &str| {
            world.post("/oauth2/revoke", &[(AUTHORIZATION.as_str(), caller)], &[("token", &token)]).await.status
        };
        let active = async |token: &str| introspect(&world, &one, token).await.json()["active"].as_bool().unwrap();
        assert_eq!(revoke(&other).await, StatusCode::OK);
        assert!(active(&token).await, "another client cannot revoke it");
        assert_eq!(revoke(&one).await, StatusCode::OK);
        assert_eq!(revoke(&one).await, StatusCode::OK);
        assert!(!active(&token).await);
        assert!(active(&second).await);
        let listed = world.app.grants.revocations(None).await.unwrap().grants;
        let ids: Vec<Value> = listed.iter().map(|id| json!(id.to_string())).collect();
        assert_eq!(ids, [claim(&token, "gid")], "resource servers hear of it");
    }

    async fn userinfo_takes_a_token_in_the_form_but_not_two_and_not_in_the_query(world) {
        // RFC 6750 §2.2, §2.3, §3.1
        let tokens = world.tokens(&world.cookie().await).await;
        let access = tokens["access_token"].as_str().unwrap();
        let bearer = format!("Bearer {access}");
        let header = [(AUTHORIZATION.as_str(), bearer.as_str())];
        let path = "/oauth2/userinfo";
        let in_form = world.post(path, &[], &[("access_token", access)]).await;
        assert_eq!(in_form.status, StatusCode::OK, "{}", in_form.body);
        assert_eq!(in_form.json()["sub"], world.ann.to_string());
        let query = format!("{path}?access_token={access}");
        for (what, answer) in [
            ("both", world.post(path, &header, &[("access_token", access)]).await),
            ("twice", world.post(path, &[], &[("access_token", access), ("access_token", access)]).await),
            ("query", world.get(&query, &[]).await),
            ("query and header", world.get(&query, &header).await),
            ("not a token", world.post(path, &[], &[("access_token", "a\nb")]).await),
        ] {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
            assert_eq!(answer.header(WWW_AUTHENTICATE), "Bearer error=\"invalid_request\"", "{what}");
        }
        let none = world.post(path, &[], &[("other", "x")]).await;
        assert_eq!((none.status, none.header(WWW_AUTHENTICATE)), (StatusCode::UNAUTHORIZED, "Bearer realm=\"vestibule\""));
        let wrong = world.post(path, &[], &[("access_token", "a.b.c")]).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
        assert!(wrong.header(WWW_AUTHENTICATE).contains("invalid_token"));
    }
}
