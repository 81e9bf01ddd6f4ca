//! Tests of authorization details that are refused: by grants that have none, and for their length.

use super::*;
use crate::testing::person_state;

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
fn details_that_are_accepted_make_no_token_too_long() {
    // RFC 9396 §5: a redemption that fails would use the code up.
    testkit::block_on(async {
        let world = World::with(&OPEN_TYPE).await;
        let audiences: Vec<Resource> = (0..10)
            .map(|number| format!("https://service-{number}.example/{}", "a".repeat(40)))
            .map(|url| Resource::parse(&url).unwrap())
            .collect();
        let secret = world
            .client("payer", |client| {
                payer(client);
                client.access_token_format = AccessTokenFormat::Opaque;
                client.audiences = audiences.clone();
            })
            .await
            .unwrap();
        let mut ann = person_state(world.ann, "ann");
        let group = |number: usize| format!("group-{number}-{}", "g".repeat(40));
        let cookie = world.cookie().await;
        let (mut accepted, mut refused) = (0, 0);
        for length in (3000..8000).step_by(250) {
            ann.groups = (0..10).map(group).collect();
            ann.version += 1;
            world.app.change(&ann).await;
            let details = json!([{ "type": "payment", "note": ["a".repeat(length)] }]).to_string();
            let request = [
                ("client_id", "payer"),
                ("scope", "openid groups"),
                ("authorization_details", details.as_str()),
            ];
            let answer = world.authorize(&cookie, &request).await.query();
            let Some(code) = answer.get("code") else {
                assert_eq!(answer["error"], "invalid_authorization_details", "{length}");
                refused += 1;
                continue;
            };
            // She joins groups before the code is redeemed.
            ann.groups = (0..24).map(group).collect();
            ann.version += 1;
            world.app.change(&ann).await;
            let tokens = world.as_payer(&secret, &exchange(code)).await;
            assert_eq!(tokens.status, StatusCode::OK, "{length}: {}", tokens.body);
            accepted += 1;
        }
        assert!(accepted > 0 && refused > 0, "{accepted} {refused}");
    });
}

#[test]
fn nobody_is_asked_for_details_whose_tokens_would_be_too_long() {
    // RFC 9396 §5
    testkit::block_on(async {
        let world = World::with(&OPEN_TYPE).await;
        let change = |client: &mut ClientMetadata| {
            payer(client);
            client.require_consent = true;
            client.access_token_format = AccessTokenFormat::Opaque;
            client.audiences = vec![Resource::parse("https://elsewhere.example").unwrap()];
        };
        world.client("payer", change).await;
        let cookie = world.cookie().await;
        for (length, is_asked) in [(6000, true), (8000, false)] {
            let details = json!([{ "type": "payment", "note": ["a".repeat(length)] }]).to_string();
            let request = [
                ("client_id", "payer"),
                ("authorization_details", details.as_str()),
            ];
            let answer = world.authorize(&cookie, &request).await;
            assert_eq!(
                answer.location().starts_with("/consent?"),
                is_asked,
                "{}",
                answer.location()
            );
            let error = answer.query().remove("error");
            let expected = (!is_asked).then_some("invalid_authorization_details");
            assert_eq!(error.as_deref(), expected, "{length}");
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
