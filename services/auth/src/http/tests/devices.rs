//! Tests of the device grant (RFC 8628) over HTTP: the endpoint, the metadata, and tokens that are bound to a key.

use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL};
use serde_json::{Value, json};

use super::dpop::Prover;
use super::world::{ISSUER, TestResponse, World, basic, stories};
use crate::clients::{AuthMethod, GrantType};
use crate::device_authorizations::FoundDevice;
use crate::testing::{PASSWORD, claim};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const ENDPOINT: &str = "/oauth2/device_authorization";

async fn tv(world: &World) {
    world
        .client("tv", |client| {
            client.redirect_uris.clear();
            client.grant_types = [GrantType::DeviceCode, GrantType::RefreshToken].into();
            client.token_endpoint_auth_method = AuthMethod::None;
        })
        .await;
}

/// The codes for the television.
pub(super) async fn codes(world: &World) -> Value {
    let answer = world
        .post(ENDPOINT, &[], &[("client_id", "tv"), ("scope", "openid profile")])
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

/// Ann allows the device of a user code.
pub(super) async fn allow(world: &World, user_code: &Value) {
    let who = world.app.sign_in("ann", PASSWORD).await.unwrap();
    let ann = world.app.start(&who).await.unwrap().session;
    let devices = &world.app.device_authorizations;
    let Ok(FoundDevice::Pending(device)) = devices.find(&ann, None, user_code.as_str().unwrap()).await else {
        panic!("no device shows {user_code}");
    };
    let client = world.app.clients.find(&device.client_id).await.unwrap().unwrap();
    let asking = (&device, &*client);
    devices.allow(&ann, asking, &device.scope).await.unwrap();
}

pub(super) async fn poll(world: &World, codes: &Value) -> TestResponse {
    let code = codes["device_code"].as_str().unwrap();
    world
        .post(
            "/oauth2/token",
            &[],
            &[("grant_type", GRANT), ("client_id", "tv"), ("device_code", code)],
        )
        .await
}

stories! {
    async fn a_device_gets_codes_and_then_tokens(world) {
        // RFC 8628 §3.2, §3.5, §4
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert_eq!(metadata["device_authorization_endpoint"], format!("{ISSUER}{ENDPOINT}"));
        assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
        tv(&world).await;
        let answer = world.post(ENDPOINT, &[], &[("client_id", "tv"), ("scope", "openid")]).await;
        assert_eq!(answer.header(CACHE_CONTROL), "no-store");
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        let codes = codes(&world).await;
        assert_eq!(codes["verification_uri"], format!("{ISSUER}/device"));
        let waiting = poll(&world, &codes).await;
        assert_eq!((waiting.status, waiting.error().as_str()), (StatusCode::BAD_REQUEST, "authorization_pending"));
        assert_eq!(poll(&world, &codes).await.error(), "slow_down");
        allow(&world, &codes["user_code"]).await;
        let tokens = poll(&world, &codes).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        let tokens = tokens.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let info = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
        assert_eq!(info.json()["preferred_username"], "ann");
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("client_id", "tv"), ("refresh_token", refresh)];
        assert_eq!(world.post("/oauth2/token", &[], &form).await.status, StatusCode::OK);
        assert_eq!(poll(&world, &codes).await.error(), "invalid_grant");
        let gone = world.get("/oauth2/userinfo", &[(AUTHORIZATION.as_str(), &bearer)]).await;
        assert_eq!(gone.status, StatusCode::UNAUTHORIZED, "its grant was revoked by the second use of the code");
    }

    async fn who_may_not_ask_is_told_why(world) {
        // RFC 8628 §3.1, RFC 6749 §5.2
        tv(&world).await;
        let secret = world.client("player", |client| {
            client.grant_types = [GrantType::DeviceCode].into();
        }).await.unwrap();
        let (web, player) = (basic("web", &world.secret), basic("player", &secret));
        for (authorization, form, error) in [
            ("", &[("client_id", "unknown")][..], "invalid_client"),
            ("", &[("scope", "openid")], "invalid_client"),
            ("", &[("client_id", "player")], "invalid_client"),
            (&web, &[], "unauthorized_client"),
            ("", &[("client_id", "tv"), ("scope", "\"")], "invalid_scope"),
            ("", &[("client_id", "tv"), ("resource", "https://other.example")], "invalid_target"),
            ("", &[("client_id", "tv"), ("client_id", "tv")], "invalid_request"),
            (&player, &[], ""),
        ] {
            let headers: Vec<_> = Some((AUTHORIZATION.as_str(), authorization)).into_iter()
                .filter(|(_, value)| !value.is_empty()).collect();
            let answer = world.post(ENDPOINT, &headers, form).await;
            let found = if answer.status == StatusCode::OK { String::new() } else { answer.error() };
            assert_eq!(found, error, "{form:?}: {}", answer.body);
        }
        // The token endpoint holds each client to its grants as well.
        let code = codes(&world).await["device_code"].as_str().unwrap().to_owned();
        let form = [("grant_type", GRANT), ("device_code", code.as_str())];
        let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &web)], &form).await;
        assert_eq!(answer.error(), "unauthorized_client");
        let answer = world.post("/oauth2/token", &[(AUTHORIZATION.as_str(), &player)], &form).await;
        assert_eq!(answer.error(), "invalid_grant", "of another client");
    }

    async fn tokens_of_a_device_are_bound_to_the_key_of_its_proof(world) {
        // RFC 9449 §5
        tv(&world).await;
        let codes = codes(&world).await;
        let prover = Prover::new();
        let code = codes["device_code"].as_str().unwrap();
        let form = [("grant_type", GRANT), ("client_id", "tv"), ("device_code", code)];
        assert_eq!(prover.token(&world, "", &form).await.error(), "authorization_pending");
        allow(&world, &codes["user_code"]).await;
        let tokens = prover.token(&world, "", &form).await.json();
        assert_eq!(tokens["token_type"], "DPoP");
        assert_eq!(claim(tokens["access_token"].as_str().unwrap(), "cnf"), json!({"jkt": prover.jkt()}));
        let refresh = [("grant_type", "refresh_token"), ("client_id", "tv"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        let stolen = world.post("/oauth2/token", &[], &refresh).await;
        assert_eq!(stolen.error(), "invalid_grant", "a refresh token of a public client is bound to the key");
        assert_eq!(prover.token(&world, "", &refresh).await.status, StatusCode::OK);
    }

    async fn too_many_codes_are_refused(world) {
        // SB-43
        tv(&world).await;
        world.app.run("INSERT INTO device_authorizations (device_code_hash, user_code_hash, client_id, scope, audiences, polling_interval, expires_at)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
            SELECT CAST('d' || i AS BLOB), CAST('u' || i AS BLOB), 'tv', 'openid', '[]', 5, 1800000600000000 FROM n").await;
        let answer = world.post(ENDPOINT, &[], &[("client_id", "tv")]).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"));
        assert!(!answer.header("retry-after").is_empty());
    }
}
