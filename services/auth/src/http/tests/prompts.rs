//! Tests of `prompt`, `acr_values` and the class of the authentication in tokens.

use http::StatusCode;
use http::header::COOKIE;
use oidc::claims::{AccessTokenClaims, IdTokenClaims};
use oidc::jose::{Algorithm, TYP_ACCESS_TOKEN, TYP_ID_TOKEN, Validation, verify};

use super::world::{ISSUER, World, exchange, stories};

stories! {
    async fn a_person_who_is_to_register_comes_to_the_registration_and_back(world) {
        // Initiating User Registration via OpenID Connect 1.0 §4.1
        let before = world.cookie().await;
        let answer = world.authorize(&before, &[("prompt", "create")]).await;
        assert!(answer.location().starts_with("/register?return_to="), "{}", answer.location());
        let (back, browser) = (answer.query()["return_to"].clone(), answer.cookie().to_owned());
        let page = world.get(answer.location(), &[(COOKIE.as_str(), &browser)]).await;
        assert_eq!(page.status, StatusCode::OK);
        let same = format!("{browser}; {before}");
        let answer = world.get(&back, &[(COOKIE.as_str(), &same)]).await;
        assert!(answer.location().starts_with("/register"), "the old session is not enough");
        world.app.wait(std::time::Duration::from_secs(1));
        let cookies = format!("{browser}; {}", world.cookie().await);
        let answer = world.get(&back, &[(COOKIE.as_str(), &cookies)]).await;
        assert!(answer.query().contains_key("code"), "{}", answer.location());
    }

    async fn tokens_name_the_class_of_the_authentication(world) {
        // OpenID Connect Core §2, RFC 9068 §2.2.1
        let cookie = world.cookie().await;
        let code = world.code(&cookie, &[("acr_values", "2 1")]).await;
        let tokens = world.token(&exchange(&code)).await.json();
        let keys = world.app.keys.current().verification_keys();
        let expected = |typ, algorithms| Validation {
            typ,
            algorithms,
            issuer: ISSUER,
            audience: None,
            now: 0,
            leeway: 0,
            accept_expired: true,
        };
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let id_token = verify::<IdTokenClaims>(&text("id_token"), &keys, &expected(TYP_ID_TOKEN, &[Algorithm::Rs256]));
        assert_eq!(id_token.unwrap().claims.acr.as_deref(), Some("1"));
        let access = verify::<AccessTokenClaims>(&text("access_token"), &keys, &expected(TYP_ACCESS_TOKEN, &[Algorithm::Es256]));
        assert_eq!(access.unwrap().claims.acr.as_deref(), Some("1"));
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert_eq!(metadata["acr_values_supported"], serde_json::json!(["1"]));
    }
}

#[test]
fn registration_that_is_closed_is_not_offered() {
    testkit::block_on(async {
        let world = World::with(&[("REGISTRATION__OPEN", "false")]).await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let prompts = metadata["prompt_values_supported"].as_array().unwrap();
        assert!(
            !prompts.contains(&"create".into()) && prompts.contains(&"login".into()),
            "{prompts:?}"
        );
        let answer = world.authorize("", &[("prompt", "create")]).await;
        assert_eq!(answer.query()["error"], "invalid_request");
    });
}
