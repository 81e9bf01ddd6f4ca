//! Tests of authorization details whose type was taken away (SB-47).

use http::Method;

use super::super::world::CALLBACK;
use super::*;

#[test]
fn a_type_that_is_taken_from_a_client_is_gone_from_its_tokens() {
    // SB-47
    testkit::block_on(async {
        let (world, secret) = World::with_payer(|_| {}).await;
        let admin = world.admin("admin").await;
        let basic = basic("payer", &secret);
        let facts = async |token: &Value| {
            let form = [("token", token.as_str().unwrap())];
            let headers = [(AUTHORIZATION.as_str(), basic.as_str())];
            world.post("/oauth2/introspect", &headers, &form).await.json()
        };
        let request = [("client_id", "payer"), ("authorization_details", TWO)];
        let code = world.code(&world.cookie().await, &request).await;
        let of_person = world.as_payer(&secret, &exchange(&code)).await.json();
        let own = [
            ("grant_type", "client_credentials"),
            ("authorization_details", TWO),
        ];
        let own = world.as_payer(&secret, &own).await.json();
        let refresh = &of_person["refresh_token"];
        assert_eq!(details(&facts(refresh).await), [5, 7]);
        let before = world.app.grants.revocations(None).await.unwrap().clients.len();

        let less = json!({
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        });
        let changed = world
            .call(Method::PUT, "/admin/v1/clients/payer", &admin, Some(less))
            .await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        for access in [&of_person["access_token"], &own["access_token"]] {
            assert_eq!(facts(access).await["active"], false);
        }
        assert_eq!(details(&facts(refresh).await), [0; 0]);
        let after = world.app.grants.revocations(None).await.unwrap().clients;
        assert_eq!(after.len(), before + 1);
        assert!(after.iter().any(|client| client.client_id == "payer"));
    });
}

#[test]
fn a_type_that_leaves_the_configuration_is_gone_from_grants() {
    // SB-47
    testkit::block_on(async {
        let (world, secret) = World::with_payer(|_| {}).await;
        let request = [("client_id", "payer"), ("authorization_details", TWO)];
        let code = world.code(&world.cookie().await, &request).await;
        let tokens = world.as_payer(&secret, &exchange(&code)).await.json();
        assert_eq!(details(&tokens), [5]);
        let restarted = world.restarted(&[]).await;
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ];
        let answer = restarted.as_payer(&secret, &refresh).await;
        assert_eq!((answer.status, details(&answer.json())), (StatusCode::OK, vec![]));
        let basic = basic("payer", &secret);
        let form = [("token", tokens["access_token"].as_str().unwrap())];
        let facts = restarted
            .post("/oauth2/introspect", &[(AUTHORIZATION.as_str(), &basic)], &form)
            .await
            .json();
        assert_eq!((details(&facts), &facts["active"]), (vec![], &json!(true)));
    });
}
