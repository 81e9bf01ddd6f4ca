//! The signature algorithms of the metadata, compared with what clients get.

use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use oidc::jose::{Algorithm, JwkSet, KeySet, TYP_ID_TOKEN, Validation, peek_header, verify};
use serde_json::Value;

use super::world::{ISSUER, World, basic, exchange, stories};
use crate::testing::{self, claim};

/// Verifies a signature and the issuer and audience with a copy of the key set.
fn verified(world: &World, jwks: &str, token: &str, algorithm: Algorithm, client: &str) -> Value {
    let set: JwkSet = serde_json::from_str(jwks).unwrap();
    let validation = Validation {
        typ: TYP_ID_TOKEN,
        algorithms: &[algorithm],
        issuer: ISSUER,
        audience: Some(client),
        now: world.app.app.clock.now().as_secs(),
        leeway: 30,
        accept_expired: false,
    };
    verify(token, &KeySet::from_jwks(&set), &validation)
        .unwrap()
        .claims
}

fn algorithms(metadata: &Value, member: &str) -> Vec<Algorithm> {
    let names = metadata[member].as_array().unwrap();
    names
        .iter()
        .map(|name| Algorithm::from_name(name.as_str().unwrap()).unwrap())
        .collect()
}

stories! {
    async fn every_algorithm_of_the_metadata_signs_id_tokens_and_userinfo(world) {
        // SB-26; OpenID Connect Core §3.1.3.6, §5.3.2, Discovery §3
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let of_id_tokens = algorithms(&metadata, "id_token_signing_alg_values_supported");
        assert!(of_id_tokens.contains(&Algorithm::Rs256), "OpenID Connect Core §15.1");
        assert_eq!(algorithms(&metadata, "userinfo_signing_alg_values_supported"), of_id_tokens);
        let other = testing::app(&world.db).await;
        let mut clients = Vec::new();
        for algorithm in of_id_tokens {
            let id = format!("client-{}", algorithm.name().to_lowercase());
            let secret = world.client(&id, |wish| {
                wish.id_token_signed_response_alg = algorithm;
                wish.userinfo_signed_response_alg = Some(algorithm);
            }).await.unwrap();
            clients.push((algorithm, id, secret));
        }
        // SB-37: a copy of the set that another replica gave out before the first token has every key.
        other.keys.refresh_and_rotate().await.unwrap();
        let jwks = String::from_utf8(other.keys.current().jwks().to_vec()).unwrap();
        world.let_new_keys_sign().await;
        let cookie = world.cookie().await;
        for (algorithm, id, secret) in clients {
            let code = world.code(&cookie, &[("client_id", &id)]).await;
            let header = basic(&id, &secret);
            let tokens = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &header)], &exchange(&code)).await.json();
            let id_token = verified(&world, &jwks, tokens["id_token"].as_str().unwrap(), algorithm, &id);
            let access = tokens["access_token"].as_str().unwrap();
            assert_eq!(id_token["at_hash"], algorithm.at_hash(access));

            let bearer = format!("Bearer {access}");
            let info = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
            assert_eq!(info.header(CONTENT_TYPE), "application/jwt");
            let header = peek_header(&info.body).unwrap();
            assert_eq!(header.alg, algorithm.name());
            let keys: JwkSet = serde_json::from_str(&jwks).unwrap();
            assert!(KeySet::from_jwks(&keys).has(&header.kid.unwrap()));
            let payload = info.body.split('.').nth(1).unwrap();
            let claims: Value = serde_json::from_slice(&base64_url(payload)).unwrap();
            assert_eq!(claims["iss"], ISSUER);
            assert_eq!(claims["aud"], id.as_str());
            assert_eq!(claims["sub"], world.ann.to_string());
            assert!(claims.get("exp").is_none(), "it is no ID token");

            // An ID token of any algorithm is a hint.
            let hint = world.authorize("", &[("prompt", "none"), ("client_id", &id),
                ("id_token_hint", tokens["id_token"].as_str().unwrap())]).await;
            assert_eq!(hint.query()["error"], "login_required");
        }
    }

    async fn nothing_is_signed_or_used_up_while_the_key_of_an_algorithm_is_only_published(world) {
        // SB-37
        let cookie = world.cookie().await;
        let anonymous = [("client_id", "new"), ("response_mode", "jwt"), ("prompt", "none")];
        let secret = world.client("new", |wish| {
            wish.id_token_signed_response_alg = Algorithm::Es384;
            wish.authorization_signed_response_alg = Algorithm::Ps256;
        }).await.unwrap();
        let keys = world.app.keys.list().await.unwrap().len();
        assert_eq!(keys, 4, "made when it was registered");
        world.app.wait(Duration::from_secs(300));
        world.app.keys.refresh_and_rotate().await.unwrap();
        for mode in ["query", "jwt"] {
            let refused = world.authorize(&cookie, &[("client_id", "new"), ("response_mode", mode)]).await;
            assert_eq!(refused.query()["error"], "temporarily_unavailable", "{mode}");
        }
        assert_eq!(world.app.count("SELECT COUNT(*) FROM authorization_codes").await, 0);
        assert_eq!(world.authorize("", &anonymous).await.query()["error"], "temporarily_unavailable");
        assert_eq!(world.app.keys.list().await.unwrap().len(), keys, "no request makes a key");
        world.let_new_keys_sign().await;
        let answer = world.authorize(&cookie, &[("client_id", "new"), ("response_mode", "jwt")]).await;
        let code = claim(&answer.query()["response"], "code");
        let header = basic("new", &secret);
        let tokens = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &header)], &exchange(code.as_str().unwrap())).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    }

    async fn every_algorithm_of_the_metadata_signs_authorization_responses_and_introspection(world) {
        // JARM §3, §4; RFC 9701 §6, §7
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let of_responses = algorithms(&metadata, "authorization_signing_alg_values_supported");
        assert_eq!(algorithms(&metadata, "introspection_signing_alg_values_supported"), of_responses);
        let mut clients = Vec::new();
        for algorithm in of_responses {
            let id = format!("client-{}", algorithm.name().to_lowercase());
            let secret = world.client(&id, |wish| {
                wish.authorization_signed_response_alg = algorithm;
                wish.introspection_signed_response_alg = Some(algorithm);
            }).await.unwrap();
            clients.push((algorithm, id, secret));
        }
        world.let_new_keys_sign().await;
        let cookie = world.cookie().await;
        let keys = world.app.keys.current().verification_keys();
        for (algorithm, id, secret) in clients {
            let signed_by = |jwt: &str| {
                let header = peek_header(jwt).unwrap();
                assert_eq!(header.alg, algorithm.name());
                assert!(keys.has(&header.kid.unwrap()));
            };
            let answer = world.authorize(&cookie, &[("client_id", &id), ("response_mode", "jwt")]).await;
            let response = answer.query().remove("response").unwrap();
            signed_by(&response);
            let code = claim(&response, "code");
            let basic = basic(&id, &secret);
            let authorization = (AUTHORIZATION.as_str(), basic.as_str());
            let tokens = world.post("/oauth2/token", &[authorization], &exchange(code.as_str().unwrap())).await.json();
            let accept = (ACCEPT.as_str(), "application/token-introspection+jwt");
            let form = [("token", tokens["access_token"].as_str().unwrap())];
            let introspected = world.post("/oauth2/introspect", &[authorization, accept], &form).await;
            signed_by(&introspected.body);
            assert_eq!(claim(&introspected.body, "token_introspection")["active"], true);
        }
    }
}

#[test]
fn an_algorithm_that_the_metadata_does_not_have_cannot_be_registered() {
    // SB-26
    for algorithm in ["none", "HS256", "RS384", "ES512", "rs256", ""] {
        for member in ["id_token_signed_response_alg", "userinfo_signed_response_alg"] {
            let metadata = serde_json::json!({ member: algorithm });
            let read: Result<crate::clients::ClientMetadata, _> = serde_json::from_value(metadata);
            assert!(
                read.unwrap_err().to_string().contains("RS256"),
                "{member} {algorithm}"
            );
        }
    }
}

fn base64_url(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap()
}
