//! Tests of authorization details that are refused: by grants that have none, and for their length.

use super::*;

#[test]
fn a_token_that_would_be_too_long_is_not_issued() {
    // SB-47
    testkit::block_on(async {
        let (world, secret) = {
            let world = World::with(&OPEN_TYPE).await;
            let secret = world
                .client("payer", |client| {
                    payer(client);
                    client.access_token_format = AccessTokenFormat::Opaque;
                    client.audiences = (0..40)
                        .map(|number| format!("https://service-{number}.example/{}", "a".repeat(40)))
                        .map(|url| Resource::parse(&url).unwrap())
                        .collect();
                })
                .await;
            (world, secret.unwrap())
        };
        let basic = basic("payer", &secret);
        for (length, error) in [(4000, ""), (8000, "invalid_authorization_details")] {
            let details = json!([{ "type": "payment", "note": ["a".repeat(length)] }]).to_string();
            let form = [
                ("grant_type", "client_credentials"),
                ("authorization_details", details.as_str()),
            ];
            let answer = world.as_payer(&secret, &form).await;
            assert_eq!(answer.error(), error, "{length}");
            if error.is_empty() {
                let token = answer.json()["access_token"].as_str().unwrap().to_owned();
                let headers = [(AUTHORIZATION.as_str(), basic.as_str())];
                let facts = world
                    .post("/oauth2/introspect", &headers, &[("token", &token)])
                    .await;
                assert_eq!(facts.json()["active"], true);
            }
        }
    });
}

#[test]
fn grants_that_have_no_details_refuse_them() {
    // RFC 9396 §5
    testkit::block_on(async {
        let (world, secret) = World::with_payer(|client| {
            client
                .grant_types
                .extend([GrantType::DeviceCode, GrantType::TokenExchange]);
            client.audiences = vec![Resource::parse("https://elsewhere.example").unwrap()];
        })
        .await;
        let basic = basic("payer", &secret);
        let asked = ("authorization_details", TWO);
        for (path, form) in [
            ("/oauth2/device_authorization", vec![("scope", "openid")]),
            (
                "/oauth2/token",
                vec![("grant_type", GrantType::DeviceCode.name()), ("device_code", "x")],
            ),
            (
                "/oauth2/token",
                vec![
                    ("grant_type", GrantType::TokenExchange.name()),
                    ("subject_token", "x"),
                    ("subject_token_type", oidc::exchange::TYPE_ACCESS_TOKEN),
                ],
            ),
        ] {
            let headers = [(AUTHORIZATION.as_str(), basic.as_str())];
            let without = world.post(path, &headers, &form).await;
            let with = world.post(path, &headers, &[&form[..], &[asked]].concat()).await;
            assert_eq!(
                with.error(),
                "invalid_authorization_details",
                "{path}: {}",
                with.body
            );
            assert!(
                !without.body.contains("invalid_authorization_details"),
                "{path}: {}",
                without.body
            );
        }
    });
}
