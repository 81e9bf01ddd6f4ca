//! Tests of what services learn of authorization details: at introspection, and by tokens that they exchange.

use super::*;

#[test]
fn a_resource_server_learns_the_details_for_it_alone() {
    // RFC 9396 §9.2
    testkit::block_on(async {
        let (world, secret) = World::with_payer(|client| {
            client.access_token_format = AccessTokenFormat::Opaque;
            client.audiences = ["https://elsewhere.example", "https://bank.example"]
                .map(|url| Resource::parse(url).unwrap())
                .into();
        })
        .await;
        let form = [
            ("grant_type", "client_credentials"),
            ("authorization_details", TWO),
        ];
        let tokens = world.as_payer(&secret, &form).await.json();
        assert_eq!(details(&tokens), [5, 7]);
        for (id, resource, expected) in [
            ("elsewhere", "https://elsewhere.example", vec![5, 7]),
            ("bank", "https://bank.example", vec![5]),
        ] {
            let server = world.client(id, |client| {
                client.resource = Some(Resource::parse(resource).unwrap())
            });
            let basic = basic(id, &server.await.unwrap());
            let ask = [("token", tokens["access_token"].as_str().unwrap())];
            let facts = world
                .post("/oauth2/introspect", &[(AUTHORIZATION.as_str(), &basic)], &ask)
                .await;
            assert_eq!(details(&facts.json()), expected, "{id}: {}", facts.body);
        }
    });
}

#[test]
fn what_was_allowed_to_a_client_is_not_in_tokens_that_others_get_for_its_own() {
    // RFC 8693, RFC 9396 §6, OpenID Connect Core §5.5
    testkit::block_on(async {
        let shop_url = "https://shop.example";
        let (world, secret) = World::with_payer(|client| {
            client.audiences = [ISSUER, "https://shop.example"]
                .map(|url| Resource::parse(url).unwrap())
                .into();
        })
        .await;
        let shop = world.client("shop", |client| {
            client.grant_types = [GrantType::TokenExchange].into();
            client.resource = Some(Resource::parse(shop_url).unwrap());
            client.audiences = vec![Resource::parse(ISSUER).unwrap()];
            client.scope = "openid profile".parse().unwrap();
        });
        let shop = basic("shop", &shop.await.unwrap());
        let request = [
            ("client_id", "payer"),
            ("scope", "openid"),
            ("authorization_details", TWO),
            ("claims", r#"{"userinfo":{"preferred_username":null}}"#),
        ];
        let code = world.code(&world.cookie().await, &request).await;
        let tokens = world.as_payer(&secret, &exchange(&code)).await.json();
        let user_name = async |token: &Value| {
            let bearer = format!("Bearer {}", token.as_str().unwrap());
            let info = world
                .get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)])
                .await;
            assert_eq!(info.status, StatusCode::OK, "{}", info.body);
            info.json()["preferred_username"].clone()
        };
        assert_eq!(
            (details(&tokens), user_name(&tokens["access_token"]).await),
            (vec![5], json!("ann"))
        );
        let form = [
            ("grant_type", GrantType::TokenExchange.name()),
            ("subject_token", tokens["access_token"].as_str().unwrap()),
            ("subject_token_type", oidc::exchange::TYPE_ACCESS_TOKEN),
        ];
        let exchanged = world
            .post("/oauth2/token", &[(AUTHORIZATION.as_str(), &shop)], &form)
            .await
            .json();
        let token = &exchanged["access_token"];
        assert_eq!((details(&exchanged), details(&payload(token))), (vec![], vec![]));
        assert_eq!(user_name(token).await, Value::Null);
    });
}
