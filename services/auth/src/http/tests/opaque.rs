//! Tests of opaque access tokens over HTTP: they are introspected, and work at this service like JWTs.

use http::StatusCode;
use http::header::AUTHORIZATION;
use oidc::client::AccessTokenFormat;
use oidc::resource::Resource;
use serde_json::{Value, json};

use super::dpop::Prover;
use super::world::{ISSUER, World, basic, exchange, introspect, stories, userinfo};
use crate::clients::GrantType;
use crate::keys::OPAQUE_PREFIX;
use crate::testing;

const STOCK: &str = "https://stock.example";
const USERS: &str = "https://users.example.org";

/// The `Authorization` headers of an application with opaque tokens, and of the resource server `stock`.
async fn clients(world: &World) -> (String, String) {
    let resources = |urls: &[&str]| urls.iter().map(|url| Resource::parse(url).unwrap()).collect();
    let app = world
        .client("app", |client| {
            client.access_token_format = AccessTokenFormat::Opaque;
            client.audiences = resources(&[ISSUER, STOCK, USERS]);
            client.grant_types.insert(GrantType::ClientCredentials);
        })
        .await;
    let stock = world
        .client("stock", |client| {
            client.resource = Some(Resource::parse(STOCK).unwrap())
        })
        .await;
    (basic("app", &app.unwrap()), basic("stock", &stock.unwrap()))
}

/// The tokens of Ann for these resources.
async fn tokens(world: &World, app: &str, resource: &str) -> Value {
    let cookie = world.cookie().await;
    let code = world
        .code(&cookie, &[("client_id", "app"), ("resource", resource)])
        .await;
    let answer = world
        .post(
            "/oauth2/token",
            &[(AUTHORIZATION.as_str(), app)],
            &exchange(&code),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

stories! {
    async fn an_opaque_token_tells_nothing_and_is_introspected(world) {
        // RFC 7662 §2.2
        let (app, stock) = clients(&world).await;
        let tokens = tokens(&world, &app, STOCK).await;
        let access = tokens["access_token"].as_str().unwrap();
        let text = access.strip_prefix(OPAQUE_PREFIX).unwrap();
        assert!(!text.contains('.'), "no JWT");
        for secret in ["ann", &world.ann.to_string(), "stock"] {
            assert!(!access.contains(secret), "{secret}");
        }
        let told = introspect(&world, &stock, access).await;
        assert_eq!((&told["active"], &told["sub"], &told["token_type"]), (&json!(true), &json!(world.ann), &json!("Bearer")));
        assert_eq!(told["aud"], json!([STOCK, ISSUER]));
        let id_token = tokens["id_token"].as_str().unwrap();
        assert_eq!(testing::claim(id_token, "at_hash"), oidc::jose::Algorithm::Rs256.at_hash(access));
        assert_eq!(userinfo(&world, access).await.status, StatusCode::OK);
        // SB-47
        let forged = format!("{}A", &access[..access.len() - 1]);
        if forged != access {
            assert_eq!(introspect(&world, &stock, &forged).await, json!({"active": false}));
            assert_eq!(userinfo(&world, &forged).await.status, StatusCode::UNAUTHORIZED);
        }
        let revoked = world.post("/oauth2/revoke", &[(AUTHORIZATION.as_str(), &app)], &[("token", access)]).await;
        assert_eq!(revoked.status, StatusCode::OK);
        assert_eq!(introspect(&world, &stock, access).await, json!({"active": false}));
        assert_eq!(userinfo(&world, access).await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_token_for_the_user_service_is_a_jwt(world) {
        let (app, _) = clients(&world).await;
        let whole = tokens(&world, &app, "").await;
        assert_eq!(whole["access_token"].as_str().unwrap().split('.').count(), 3);
        let form = [("grant_type", "refresh_token"), ("refresh_token", whole["refresh_token"].as_str().unwrap()), ("resource", STOCK)];
        let narrow = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &app)], &form).await.json();
        assert!(narrow["access_token"].as_str().unwrap().starts_with(OPAQUE_PREFIX));
    }

    async fn it_expires_and_survives_a_change_of_the_signing_keys(world) {
        let (app, stock) = clients(&world).await;
        let form = [("grant_type", "client_credentials"), ("resource", STOCK)];
        let own = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &app)], &form).await.json();
        let own = own["access_token"].as_str().unwrap();
        assert!(own.starts_with(OPAQUE_PREFIX));
        assert_eq!(introspect(&world, &stock, own).await["client_id"], "app");
        world.app.wait(std::time::Duration::from_secs(301));
        assert_eq!(introspect(&world, &stock, own).await, json!({"active": false}));
    }

    async fn it_is_bound_to_the_key_of_a_proof(world) {
        // RFC 9449 §7: ath is the hash of the token as it is sent.
        let (app, stock) = clients(&world).await;
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[("client_id", "app"), ("resource", STOCK)]).await;
        let prover = Prover::new();
        let tokens = prover.token(&world, &app, &exchange(&code)).await.json();
        let access = tokens["access_token"].as_str().unwrap();
        assert!(access.starts_with(OPAQUE_PREFIX));
        assert_eq!(introspect(&world, &stock, access).await["cnf"], json!({"jkt": prover.jkt()}));
        assert_eq!(userinfo(&world, access).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(prover.userinfo(&world, access).await.status, StatusCode::OK);
    }
}
