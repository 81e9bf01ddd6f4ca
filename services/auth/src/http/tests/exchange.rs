//! Tests of token exchange (RFC 8693) over HTTP: a shop that was called with a token of Ann calls the stock for her.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use oidc::exchange::TYPE_ACCESS_TOKEN;
use oidc::resource::Resource;
use serde_json::{Value, json};

use super::dpop::Prover;
use super::world::{
    ISSUER, TestResponse, World, basic, exchange as code_exchange, introspect, stories, userinfo,
};
use crate::clients::GrantType;
use crate::testing::{self, BEGINNING, claim, person_state};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const SHOP: &str = "https://shop.example";
const STOCK: &str = "https://stock.example";

fn resources(urls: &[&str]) -> Vec<Resource> {
    urls.iter().map(|url| Resource::parse(url).unwrap()).collect()
}

/// The services `shop` and `stock`, an application that gets tokens for both, and the `Authorization` header of each.
struct Services {
    shop: String,
    stock: String,
    app: String,
}

async fn services(world: &World) -> Services {
    let service = async |id: &str, resource: &str, audiences: &[&str]| {
        let secret = world
            .client(id, |client| {
                client.grant_types = [GrantType::TokenExchange, GrantType::ClientCredentials].into();
                client.resource = Some(Resource::parse(resource).unwrap());
                client.audiences = resources(audiences);
                client.scope = "openid profile".parse().unwrap();
            })
            .await;
        basic(id, &secret.unwrap())
    };
    let secret = world
        .client("app", |client| {
            client.audiences = resources(&[ISSUER, SHOP, STOCK])
        })
        .await;
    Services {
        shop: service("shop", SHOP, &[ISSUER, STOCK]).await,
        stock: service("stock", STOCK, &[ISSUER, SHOP]).await,
        app: basic("app", &secret.unwrap()),
    }
}

/// The tokens of Ann for the application.
async fn anns_tokens(world: &World, services: &Services) -> Value {
    let cookie = world.cookie().await;
    let code = world.code(&cookie, &[("client_id", "app")]).await;
    let answer = world
        .post(
            "/oauth2/token",
            &[(AUTHORIZATION.as_str(), &services.app)],
            &code_exchange(&code),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

fn request<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("grant_type", GRANT),
        ("subject_token", token),
        ("subject_token_type", TYPE_ACCESS_TOKEN),
    ];
    form.extend(more);
    form
}

async fn exchange(world: &World, client: &str, token: &str, more: &[(&str, &str)]) -> TestResponse {
    world
        .post(
            "/oauth2/token",
            &[(AUTHORIZATION.as_str(), client)],
            &request(token, more),
        )
        .await
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {answer}"))
}

stories! {
    async fn an_exchanged_token_has_groups_only_if_the_service_is_registered_for_them(world) {
        // SB-48
        let services = services(&world).await;
        let mut ann = person_state(world.ann, "ann");
        (ann.groups, ann.version) = (vec!["staff".to_owned()], 2);
        world.app.change(&ann).await;
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[("client_id", "app"), ("scope", "openid groups")]).await;
        let headers = [(AUTHORIZATION.as_str(), services.app.as_str())];
        let tokens = world.post("/oauth2/token", &headers, &code_exchange(&code)).await.json();
        let access = text(&tokens, "access_token");
        assert_eq!(claim(access, "groups"), json!(["staff"]));
        let answer = exchange(&world, &services.shop, access, &[("audience", STOCK)]).await.json();
        assert_eq!(claim(text(&answer, "access_token"), "groups"), Value::Null);
    }

    async fn a_service_exchanges_the_token_that_it_was_called_with(world) {
        // RFC 8693 §2.2.1, §4.1
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
        let services = services(&world).await;
        let tokens = anns_tokens(&world, &services).await;
        let answer = exchange(&world, &services.shop, text(&tokens, "access_token"), &[("audience", STOCK)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let exchanged = answer.json();
        assert_eq!(exchanged["issued_token_type"], TYPE_ACCESS_TOKEN);
        assert_eq!((&exchanged["token_type"], &exchanged["scope"]), (&json!("Bearer"), &json!("profile")));
        assert!(exchanged["refresh_token"].is_null() && exchanged["id_token"].is_null());
        let token = text(&exchanged, "access_token");
        assert_eq!((claim(token, "sub"), claim(token, "aud")), (json!(world.ann), json!(STOCK)));
        assert_eq!((claim(token, "client_id"), claim(token, "act")), (json!("shop"), json!({"sub": "shop"})));
        for same in ["sid", "gid", "auth_time", "amr"] {
            assert_eq!(claim(token, same), claim(text(&tokens, "access_token"), same), "{same}");
        }
        // The stock exchanges it further. The chain is told, the latest first.
        let refused = exchange(&world, &services.stock, token, &[]).await;
        assert_eq!(refused.error(), "invalid_target", "the shop asked for the stock alone");
        let wide = exchange(&world, &services.shop, text(&tokens, "access_token"), &[]).await.json();
        let further = exchange(&world, &services.stock, text(&wide, "access_token"), &[]).await.json();
        let further = text(&further, "access_token");
        assert_eq!(claim(further, "act"), json!({"sub": "stock", "act": {"sub": "shop"}}));
        assert_eq!(introspect(&world, &services.stock, further).await["act"], claim(further, "act"));
        let info = userinfo(&world, further).await;
        assert_eq!((info.status, &info.json()["preferred_username"]), (StatusCode::OK, &json!("ann")));
    }

    async fn it_ends_with_the_grant_the_user_and_the_client(world) {
        // SB-47
        let services = services(&world).await;
        let tokens = anns_tokens(&world, &services).await;
        let exchanged = exchange(&world, &services.shop, text(&tokens, "access_token"), &[]).await.json();
        let token = text(&exchanged, "access_token");
        assert_eq!(userinfo(&world, token).await.status, StatusCode::OK);
        // RFC 7009 §2.2.1
        let revoked = world.post("/oauth2/revoke", &[(AUTHORIZATION.as_str(), &services.shop)], &[("token", token)]).await;
        assert_eq!((revoked.status, revoked.error().as_str()), (StatusCode::BAD_REQUEST, "unsupported_token_type"));
        let of_app = [("token", text(&tokens, "refresh_token"))];
        world.post("/oauth2/revoke", &[(AUTHORIZATION.as_str(), &services.app)], &of_app).await;
        assert_eq!(userinfo(&world, token).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(introspect(&world, &services.stock, token).await, json!({"active": false}));
        assert_eq!(exchange(&world, &services.shop, text(&tokens, "access_token"), &[]).await.error(), "invalid_request");

        let tokens = anns_tokens(&world, &services).await;
        let exchanged = exchange(&world, &services.shop, text(&tokens, "access_token"), &[]).await.json();
        let token = text(&exchanged, "access_token");
        world.app.clients.delete("shop").await.unwrap();
        assert_eq!(userinfo(&world, token).await.status, StatusCode::UNAUTHORIZED, "the acting client is gone");
        assert_eq!(introspect(&world, &services.stock, token).await, json!({"active": false}));
        assert_eq!(userinfo(&world, text(&tokens, "access_token")).await.status, StatusCode::OK);
        let mut state = person_state(world.ann, "ann");
        (state.active, state.version) = (false, 2);
        world.app.change(&state).await;
        assert_eq!(exchange(&world, &services.stock, text(&tokens, "access_token"), &[]).await.error(), "invalid_request");
    }

    async fn it_ends_with_what_is_taken_from_a_client_before_it(world) {
        // SB-47
        let services = services(&world).await;
        let admin = world.admin("admin").await;
        let tokens = anns_tokens(&world, &services).await;
        let access = text(&tokens, "access_token");
        let chained = async || {
            let wide = exchange(&world, &services.shop, access, &[]).await.json();
            let further = exchange(&world, &services.stock, text(&wide, "access_token"), &[]).await.json();
            (text(&wide, "access_token").to_owned(), text(&further, "access_token").to_owned())
        };
        let (wide, further) = chained().await;
        assert_eq!((claim(&wide, "client_chain"), claim(&further, "client_chain")), (json!(["app"]), json!(["app", "shop"])));
        assert_eq!(userinfo(&world, &further).await.status, StatusCode::OK);
        let less = json!({
            "grant_types": [GRANT], "resource": SHOP, "audiences": [ISSUER, STOCK], "scope": "openid",
        });
        let changed = world.call(Method::PUT, "/admin/v1/clients/shop", &admin, Some(less)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert_eq!(userinfo(&world, &further).await.status, StatusCode::UNAUTHORIZED, "it has the scope that the shop lost");
        assert_eq!(introspect(&world, &services.stock, &further).await, json!({"active": false}));
        assert_eq!(exchange(&world, &services.stock, &wide, &[]).await.error(), "invalid_request");
        // Its new tokens are dated after those that are void, which is ahead of the clock for some seconds.
        let early = exchange(&world, &services.shop, access, &[]).await;
        assert_eq!((early.status, early.error().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"));
        world.app.wait(Duration::from_secs(5));
        let (_, anew) = chained().await;
        assert_eq!(claim(&anew, "scope"), "openid");
        assert_eq!(userinfo(&world, &anew).await.status, StatusCode::OK, "it is of the shop as it is now");
        world.app.clients.delete("shop").await.unwrap();
        assert_eq!(userinfo(&world, &anew).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(introspect(&world, &services.stock, &anew).await, json!({"active": false}));
        assert_eq!(userinfo(&world, access).await.status, StatusCode::OK);
    }

    async fn another_replica_does_not_date_a_token_past_what_its_clients_lost(world) {
        // SB-47: the service is new to this replica, and the application, which lost something at the same time, is in its memory.
        let services = services(&world).await;
        let tokens = anns_tokens(&world, &services).await;
        let access = text(&tokens, "access_token");
        assert_eq!(userinfo(&world, access).await.status, StatusCode::OK);
        let other = testing::app_set(&world.db, &[]).await;
        for (id, scope) in [("app", "openid"), ("shop", "profile")] {
            let mut metadata = other.clients.find(id).await.unwrap().unwrap().metadata.clone();
            metadata.scope = scope.parse().unwrap();
            other.clients.update(id, None, metadata, true).await.unwrap();
        }
        world.app.wait(Duration::from_secs(1));
        assert_eq!(userinfo(&world, access).await.status, StatusCode::OK, "this replica has not seen the change");
        let refused = exchange(&world, &services.shop, access, &[]).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{}", refused.body);
    }

    async fn a_token_that_would_be_dated_ahead_is_not_issued_yet(world) {
        // SB-47: it would outlive what is taken from the application a moment later.
        let services = services(&world).await;
        world.app.wait(Duration::from_secs(3));
        let tokens = anns_tokens(&world, &services).await;
        let (access, date) = (text(&tokens, "access_token"), BEGINNING + Duration::from_secs(3));
        // This replica is another one now, whose clock is behind.
        for behind in [60, 3, 2] {
            world.app.clock.set(date - Duration::from_secs(behind));
            let refused = exchange(&world, &services.shop, access, &[]).await;
            let found = (refused.status, refused.error());
            assert_eq!(found, (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable".to_owned()), "{behind}");
            assert_eq!(refused.header("retry-after"), "1");
        }
        world.app.clock.set(date - Duration::from_secs(1));
        let exchanged = exchange(&world, &services.shop, access, &[]).await.json();
        let exchanged = text(&exchanged, "access_token");
        assert_eq!(claim(exchanged, "iat"), claim(access, "iat"));
        let mut metadata = world.app.clients.find("app").await.unwrap().unwrap().metadata.clone();
        metadata.scope = "openid".parse().unwrap();
        world.app.clients.update("app", None, metadata, true).await.unwrap();
        assert_eq!(userinfo(&world, exchanged).await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_clock_that_was_set_back_holds_no_exchange_up(world) {
        // SB-50
        let services = services(&world).await;
        let tokens = anns_tokens(&world, &services).await;
        world.app.clock.set(BEGINNING - Duration::from_secs(61));
        let answer = exchange(&world, &services.shop, text(&tokens, "access_token"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    async fn it_expires_with_the_token_that_was_exchanged(world) {
        let services = services(&world).await;
        let tokens = anns_tokens(&world, &services).await;
        world.app.wait(Duration::from_secs(200));
        let exchanged = exchange(&world, &services.shop, text(&tokens, "access_token"), &[]).await.json();
        assert_eq!(exchanged["expires_in"], 100);
        world.app.wait(Duration::from_secs(101));
        assert_eq!(exchange(&world, &services.shop, text(&tokens, "access_token"), &[]).await.error(), "invalid_request");
    }

    async fn who_may_not_exchange_gets_the_error_of_the_standard(world) {
        // RFC 8693 §2.2.2
        let services = services(&world).await;
        let tokens = anns_tokens(&world, &services).await;
        let ann = text(&tokens, "access_token");
        let web = basic("web", &world.secret);
        let own = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &services.shop)], &[("grant_type", "client_credentials")]).await.json();
        let own = text(&own, "access_token");
        let id_token = text(&tokens, "id_token");
        for (client, token, more, error) in [
            (&web, ann, vec![], "unauthorized_client"),
            (&services.app, ann, vec![], "unauthorized_client"),
            (&services.shop, "x.y.z", vec![], "invalid_request"),
            (&services.shop, id_token, vec![], "invalid_request"),
            (&services.shop, own, vec![], "invalid_request"),
            (&services.shop, ann, vec![("resource", SHOP)], "invalid_target"),
            (&services.shop, ann, vec![("audience", "stock")], "invalid_target"),
            (&services.shop, ann, vec![("scope", "email")], "invalid_scope"),
            (&services.shop, ann, vec![("actor_token", ann), ("actor_token_type", TYPE_ACCESS_TOKEN)], "invalid_request"),
            (&services.shop, ann, vec![("actor_token", "x"), ("actor_token_type", TYPE_ACCESS_TOKEN)], "invalid_request"),
            (&services.shop, ann, vec![("actor_token", own), ("actor_token_type", TYPE_ACCESS_TOKEN)], ""),
        ] {
            let answer = exchange(&world, client, token, &more).await;
            let found = if answer.status == StatusCode::OK { String::new() } else { answer.error() };
            assert_eq!(found, error, "{more:?}: {}", answer.body);
        }
        // A token that the shop was never sent.
        let foreign = world.tokens(&world.cookie().await).await;
        assert_eq!(exchange(&world, &services.shop, text(&foreign, "access_token"), &[]).await.error(), "invalid_request");
    }

    async fn it_is_bound_to_the_key_of_the_client_that_exchanges(world) {
        // RFC 9449 §5
        let services = services(&world).await;
        let tokens = anns_tokens(&world, &services).await;
        let prover = Prover::new();
        let form = request(text(&tokens, "access_token"), &[]);
        let answer = prover.token(&world, &services.shop, &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let exchanged = answer.json();
        assert_eq!(exchanged["token_type"], "DPoP");
        let token = text(&exchanged, "access_token");
        assert_eq!(claim(token, "cnf"), json!({"jkt": prover.jkt()}));
        assert_eq!(userinfo(&world, token).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(prover.userinfo(&world, token).await.status, StatusCode::OK);
    }
}
